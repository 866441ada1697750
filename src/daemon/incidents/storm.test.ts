import assert from "node:assert/strict";
import { test } from "node:test";
import { op, rpc, S, smbState } from "../../detect/fixture.ts";
import { judgedWorld } from "../judge-fixture.ts";

const MOUNTS = 200;
const A_SECOND = 1000;
const SECONDS = 100;

/** Every mount fails in every way, 1,000 times a second. */
function storm(world: ReturnType<typeof judgedWorld>): number {
  const { judge } = world;
  const servers = Array.from({ length: MOUNTS }, (_, index) => {
    const [server] = smbState({ connectionId: BigInt(index + 1), hostname: `server${index}`, index }).servers;
    if (server === undefined) throw new Error("no server");
    return server;
  });
  world.data = { ...smbState(), servers };
  let closed = 0;
  for (let second = 1; second <= SECONDS; second++) {
    world.nowNs += S;
    const nowNs = world.nowNs;
    for (let index = 0; index < A_SECOND / 2; index++) {
      const connectionId = BigInt(((second * 7 + index) % MOUNTS) + 1);
      const facts = { seq: second * A_SECOND + index, endedNs: nowNs, connectionId, status: 0xc000_0022 };
      judge.event({ type: "ops", ops: [op({ ...facts, latencyMs: 2000 })] });
      const target = { clientId: 1, server: `nas${index % MOUNTS}` };
      judge.observe({
        type: "rpc-ops",
        nowNs,
        ops: [rpc({ seq: facts.seq, latencyMs: 2000, endedNs: nowNs, target })],
      });
    }
    closed += judge.advance().length;
  }
  return closed;
}

test("1,000 anomalies a second of 200 mounts: incidents, what they hold, and what detectors remember stay within their bounds", () => {
  const world = judgedWorld("", false);
  const { judge } = world;
  storm(world);
  const { open, counts, dropped } = judge.incidents;
  assert.ok(judge.counters.anomalies >= SECONDS * A_SECOND, `${judge.counters.anomalies} anomalies`);
  assert.ok(open.length <= 10);
  assert.ok(counts.opened <= 60, `${counts.opened} bundles at most in this hour`);
  for (const incident of open) assert.ok(incident.anomalies.length <= 100);
  assert.ok(dropped.tooManyOpen + dropped.tooManyAnHour > 0, "and what found no room is counted");
  for (const detector of judge.detectors) {
    for (const [name, value] of Object.entries(detector.state())) {
      if (/^(targets|tallies|connections|servers|baselines|tracked|upcalls_followed)$/.test(name)) {
        assert.ok(typeof value === "number" && value <= 256 * 10, `${detector.name}: ${name} ${value}`);
      }
    }
  }
});

test("every anomaly of a storm is in an incident, dropped or noted: none is lost without a count", () => {
  const world = judgedWorld(
    "incidents: {max_per_hour: 3, max_open: 2, cool_down: 5s, max_length: 20s, repeat: 40s}",
    false,
  );
  const { judge } = world;
  let held = 0;
  const tally = (incidents: readonly { readonly incident: (typeof judge.incidents.open)[number] }[]) => {
    for (const { incident } of incidents)
      held += incident.anomalies.length + incident.more.anomalies + incident.more.ongoing;
  };
  const advance = judge.advance.bind(judge);
  judge.advance = () => {
    const closed = advance();
    tally(closed);
    return closed;
  };
  storm(world);
  assert.equal(judge.incidents.counts.opened, 3, "and no more in this hour");
  tally(judge.end());
  const { tooManyOpen, tooManyAnHour, sameFault } = judge.incidents.dropped;
  assert.ok(tooManyAnHour > 0 && tooManyOpen > 0);
  assert.equal(held + tooManyOpen + tooManyAnHour + sameFault + judge.incidents.counts.noted, judge.counters.anomalies);
});
