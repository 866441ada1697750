import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { parseDebugData } from "../smb/debug-data.ts";
import type { SleepingTask } from "../system/tasks.ts";
import { ReconnectWaiters } from "./reconnect-waiters.ts";

function sample(name: string): string {
  return readFileSync(new URL(`../../test/fixtures/proc/6.12/${name}`, import.meta.url), "utf8");
}
const good = sample("DebugData");
const down = sample("DebugData_down");
const ls: SleepingTask = { pid: 70, tid: 71, comm: "ls", wchan: "cifs_wait_for_server_reconnect" };

function waitersIn(text: string) {
  const world = { text, nowNs: 1e12, scans: 0, tasks: [ls] };
  const waiters = new ReconnectWaiters({
    clock: { nowNs: () => world.nowNs, wallMs: () => 0 },
    debugData: () => parseDebugData(world.text),
    sleepingIn: async (functions) => {
      world.scans++;
      return world.tasks.filter((task) => functions.has(task.wchan));
    },
  });
  return { waiters, world };
}

const tick = (reconnects: number) =>
  ({
    type: "tick",
    tick: { nowNs: 0, head: 0, oldest: 0, recursionMisses: 0, reconnects, entries: [], failures: [] },
  }) as const;

describe("ReconnectWaiters", () => {
  it("looks at no task while all connections are good", async () => {
    const { waiters, world } = waitersIn(good);
    assert.deepEqual(await waiters.sample(), []);
    assert.equal(world.scans, 0);
  });

  it("finds who waits on a connection that was down from the start", async () => {
    const { waiters } = waitersIn(down);
    assert.deepEqual(await waiters.sample(), [
      { kind: "reconnect", tid: 71, pid: 70, comm: "ls", connectionId: 1n, sinceNs: 1e12 },
    ]);
  });

  it("knows since when, over several samples", async () => {
    const { waiters, world } = waitersIn(down);
    await waiters.sample();
    world.nowNs += 5e9;
    assert.equal((await waiters.sample())[0]?.sinceNs, 1e12);
    world.tasks = [];
    await waiters.sample();
    world.tasks = [ls];
    world.nowNs += 1e9;
    assert.equal((await waiters.sample())[0]?.sinceNs, world.nowNs);
  });

  it("stops looking ten seconds after the last sign, and begins again with a reconnect", async () => {
    const { waiters, world } = waitersIn(good);
    waiters.note(tick(3));
    world.nowNs += 11e9;
    world.text = down;
    assert.deepEqual(await waiters.sample(), []);
    waiters.note(tick(3));
    assert.deepEqual(await waiters.sample(), []);
    waiters.note(tick(4));
    assert.equal((await waiters.sample()).length, 1);
  });

  it("names no connection when more than one is bad", async () => {
    const { waiters } = waitersIn(sample("DebugData_reconn").replaceAll("TCP status: 1", "TCP status: 3"));
    const [waiter] = await waiters.sample();
    assert.equal(waiter && "connectionId" in waiter, false);
  });
});
