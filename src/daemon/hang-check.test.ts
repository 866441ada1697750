import assert from "node:assert/strict";
import { test } from "node:test";
import type { Hang } from "../detect/detector.ts";
import { parseDebugData } from "../smb/debug-data.ts";
import { checkHang } from "./hang-check.ts";

const data = parseDebugData(`Servers: 
1) ConnectionId: 0x2 Hostname: 127.0.0.1 
Number of credits: 1,1,1 Dialect 0x311
TCP status: 1 Instance: 1
In Send: 0 In MaxReq Wait: 1

	MIDs: 
	Server ConnectionId: 0x2
		State: 2 com: 5 pid: 273 cbdata: 00000000107d8d34 mid 33
		State: 2 com: 16 pid: 273 cbdata: 00000000107d8d34 mid 34
--

2) ConnectionId: 0x3 Hostname: 127.0.0.2 
TCP status: 1 Instance: 1
In Send: 0 In MaxReq Wait: 0
--
`);
const request = (seq: number, mid: bigint, connectionId = 2n): Hang["ops"][number] => ({ seq, mid, connectionId });

const table: readonly (readonly [name: string, hang: Hang, stands: boolean, ghosts: readonly number[]])[] = [
  ["a request that DebugData lists", { needed: 1, ops: [request(1, 33n)], waiters: [] }, true, []],
  ["one that it does not list is a ghost", { needed: 1, ops: [request(1, 99n)], waiters: [] }, false, [1]],
  [
    "the same mid of another connection is another request",
    { needed: 1, ops: [request(1, 33n, 3n)], waiters: [] },
    false,
    [1],
  ],
  ["enough are real", { needed: 2, ops: [request(1, 33n), request(2, 34n), request(3, 35n)], waiters: [] }, true, [3]],
  [
    "too few are real",
    { needed: 3, ops: [request(1, 33n), request(2, 34n), request(3, 35n)], waiters: [] },
    false,
    [3],
  ],
  [
    "a wait for credits where somebody waits",
    { needed: 1, ops: [], waiters: [{ kind: "credits", tid: 1, connectionId: 2n }] },
    true,
    [],
  ],
  [
    "a wait for credits where nobody waits",
    { needed: 1, ops: [], waiters: [{ kind: "credits", tid: 1, connectionId: 3n }] },
    false,
    [],
  ],
  [
    "a wait for credits on a connection that is gone",
    { needed: 1, ops: [], waiters: [{ kind: "credits", tid: 1, connectionId: 9n }] },
    false,
    [],
  ],
  [
    "a wait for a reconnect was seen itself",
    { needed: 1, ops: [], waiters: [{ kind: "reconnect", tid: 1 }] },
    true,
    [],
  ],
];

for (const [name, hang, stands, ghosts] of table) {
  test(name, () => assert.deepEqual(checkHang(hang, data), { stands, ghosts }));
}

test("without DebugData nothing can be said against a hang", () => {
  assert.deepEqual(checkHang({ needed: 1, ops: [request(1, 99n)], waiters: [] }, undefined), {
    stands: true,
    ghosts: [],
  });
});
