// The daemon and its sources: what they see reaches the detectors, and none stops another.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createWorld, S } from "./fixture.ts";

test("what a source sees opens an incident, a source that fails stops nothing, and both end with the daemon", async (t) => {
  let closed = 0;
  const text = "nfs: server nas not responding, still trying";
  const message = {
    id: "nfs.not-responding",
    protocol: "nfs",
    kind: "trouble",
    level: 4,
    server: "nas",
    text,
  } as const;
  const base = { summary: "/nowhere", timeoutMs: 1000, everyNs: () => S, close: () => void closed++ };
  let said = false;
  const world = createWorld(t, {
    deps: {
      sources: [
        {
          ...base,
          name: "broken",
          read: () => {
            throw new Error("no permission");
          },
        },
        {
          ...base,
          name: "kernel-log",
          read: () => {
            const nowNs = world.clock.nowNs();
            const messages = said ? [] : [{ ...message, timeNs: nowNs }];
            said = true;
            return { observations: [{ type: "kernel-messages", nowNs, messages }] };
          },
        },
      ],
    },
  });
  await world.seconds(2);
  const [incident] = world.daemon.incidents.list();
  assert.deepEqual([incident?.state, incident?.target.server], ["open", "nas"]);
  assert.deepEqual(
    world.daemon.sources.health.map(({ name, state, why }) => [name, state, why]),
    [
      ["broken", "failed", "no permission"],
      ["kernel-log", "ok", undefined],
    ],
  );
  await world.daemon.end();
  assert.equal(closed, 2);
});

test("what a source sees is dealt when the clock has gone on", async (t) => {
  const order: string[] = [];
  const world = createWorld(t, {
    deps: {
      observed: (observation, deal) => {
        order.push(observation.type);
        deal();
      },
      sources: [
        {
          name: "pressure",
          summary: "/nowhere",
          timeoutMs: 1000,
          everyNs: () => S,
          read: () => ({ observations: [{ type: "pressure", nowNs: 1, sample: { intervalNs: 1 } }] }),
        },
      ],
    },
  });
  await world.seconds(1);
  // How the source does, and what it saw; of the probe, which is starting, nothing can be said yet.
  assert.deepEqual(order, ["source", "pressure"]);
  await world.daemon.end();
});
