import assert from "node:assert/strict";
import { test } from "node:test";
import { op } from "../detect/fixture.ts";
import { parseDebugData } from "../smb/debug-data.ts";
import { judgedWorld } from "./judge-fixture.ts";

const listed = parseDebugData(`Servers: 
1) ConnectionId: 0x1 Hostname: files.example 
TCP status: 1 Instance: 1

	MIDs: 
	Server ConnectionId: 0x1
		State: 2 com: 5 pid: 273 cbdata: 00000000107d8d34 mid 33
--
`);

function hangOf(data: ReturnType<typeof parseDebugData> | undefined) {
  const world = judgedWorld();
  world.data = data;
  const { nowNs } = world;
  const ops = [op({ seq: 1, latencyMs: 11_000, endedNs: undefined, nowNs, connectionId: 1n, mid: 33n })];
  world.judge.observe({ type: "inflight", nowNs, inflight: { ops, waiters: [] } });
  return world.steps.find(({ anomaly }) => anomaly.detector === "hang")?.anomaly;
}

test("a hang that DebugData lists says so", () => {
  assert.equal(hangOf(listed)?.evidence["confirmed_by"], "DebugData");
});

test("one that cannot be held against it does not", () => {
  const anomaly = hangOf(undefined);
  assert.ok(anomaly);
  assert.equal(anomaly.evidence["confirmed_by"], undefined);
});
