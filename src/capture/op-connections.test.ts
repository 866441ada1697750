import assert from "node:assert/strict";
import { test } from "node:test";
import { smbState } from "../detect/fixture.ts";
import { parseMounts } from "../system/mounts.ts";
import type { TcpRow } from "../system/sockets.ts";
import { connectionOf } from "./op-connections.ts";

const mounts = parseMounts(
  "//files.example/share /c cifs rw,addr=192.0.2.1 0 0\nnas:/home /n nfs4 rw,addr=192.0.2.2 0 0\nsix:/x /s nfs4 rw,addr=fd00:0::7 0 0\n",
);
const row = (address: string, port: number, local: number, from = "192.0.2.9"): TcpRow =>
  ({ local: { address: from, port: local }, remote: { address, port }, state: "ESTABLISHED" }) as TcpRow;
const rows = [
  row("192.0.2.1", 445, 40_000),
  row("192.0.2.2", 2049, 788),
  row("192.0.2.2", 2049, 790),
  row("192.0.2.2", 445, 41_000),
  row("fd00::7", 2049, 900, "fd00::9"),
];
const time = "2026-11-22T13:05:11.000000Z";

test("an RPC went over one of the connections to the address of its server", () => {
  const op = (address: string) => connectionOf({ time, protocol: "nfs", address }, rows, mounts, undefined);
  assert.deepEqual(op("192.0.2.2"), { local: "192.0.2.9:788,790", remote: "192.0.2.2:2049" });
  assert.deepEqual(op("fd00::7"), { local: "[fd00::9]:900", remote: "[fd00::7]:2049" });
  assert.deepEqual(op("192.0.2.77"), {});
});

test("many connections to a server are counted", () => {
  const many = Array.from({ length: 16 }, (_, index) => row("192.0.2.2", 2049, 700 + index));
  const { local } = connectionOf({ time, protocol: "nfs", address: "192.0.2.2" }, many, mounts, undefined);
  assert.equal(local, "192.0.2.9:700,701,702,703,+12");
});

test("an SMB operation names its connection, and DebugData that one's server", () => {
  const op = (connection_id?: string) =>
    connectionOf({ time, protocol: "smb", ...(connection_id && { connection_id }) }, rows, mounts, smbState());
  assert.deepEqual(op("0x1"), { local: "192.0.2.9:40000", remote: "192.0.2.1:445" });
  assert.deepEqual([op("0x2"), op()], [{}, {}]);
});

test("without the connection of today the server's end is known from the mount", () => {
  const op = { time, protocol: "nfs", address: "192.0.2.2" };
  assert.deepEqual(connectionOf(op, [], mounts, undefined), { remote: "192.0.2.2:2049" });
});
