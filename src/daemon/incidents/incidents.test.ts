import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Anomaly, Severity } from "../../detect/detector.ts";
import { incidentId } from "./id.ts";
import { type IncidentRules, Incidents, type IncidentTarget } from "./incidents.ts";

const S = 1e9;
const rules: IncidentRules = {
  coolDownNs: 60 * S,
  maxLengthNs: 600 * S,
  repeatNs: 3600 * S,
  postNs: 10 * S,
  maxOpen: 3,
  maxPerHour: 1000,
  maxAnomalies: 5,
};
const anomaly = (timeNs: number, stage: Anomaly["stage"] = "onset", severity: Severity = "warning"): Anomaly => ({
  detector: "latency",
  rule: "single",
  stage,
  severity,
  firstNs: timeNs,
  timeNs,
  count: 1,
  evidence: {},
  summary: `at ${timeNs / S}`,
  target: {},
});
const make = (change: Partial<IncidentRules> = {}) => {
  let count = 0;
  return new Incidents({ ...rules, ...change }, () => `i${++count}`);
};
const take = (
  incidents: Incidents,
  atS: number,
  target: IncidentTarget = { server: "a", connectionId: 1n },
  stage?: Anomaly["stage"],
) => incidents.take(anomaly(atS * S, stage), target, atS * S);

test("a fault that lasts is one incident that grows", () => {
  const incidents = make();
  assert.equal(take(incidents, 0).type, "opened");
  for (let s = 1; s < 300; s++) {
    assert.equal(take(incidents, s, undefined, "ongoing").type, "grew");
    assert.deepEqual(incidents.advance(s * S), []);
  }
  assert.equal(incidents.open.length, 1);
  assert.deepEqual(incidents.open[0]?.more, { anomalies: 0, ongoing: 299 });
  assert.deepEqual(incidents.advance(358 * S), []);
  const [closed] = incidents.advance(359 * S);
  assert.equal(closed?.reason, "quiet");
  assert.equal(take(incidents, 360).type, "opened", "the next one is another");
});

test("connections of one server, and all its shares, are one incident; another server is another", () => {
  const incidents = make();
  take(incidents, 0, { server: "a", share: "\\\\a\\x", connectionId: 1n });
  assert.equal(take(incidents, 1, { server: "a", share: "\\\\a\\x", connectionId: 2n }).type, "grew");
  assert.deepEqual(incidents.open[0]?.target, { server: "a", share: "\\\\a\\x" }, "two connections: neither is named");
  assert.equal(take(incidents, 2, { server: "a", share: "\\\\a\\y", connectionId: 1n }).type, "grew");
  assert.deepEqual(incidents.open[0]?.target, { server: "a" });
  assert.equal(take(incidents, 3, { server: "b", connectionId: 3n }).type, "opened");
  assert.equal(incidents.open.length, 2);
});

test("a name that is learnt later is added", () => {
  const incidents = make();
  take(incidents, 0, { connectionId: 1n });
  take(incidents, 1, { connectionId: 1n, server: "a", share: "\\\\a\\x" });
  assert.deepEqual(incidents.open[0]?.target, { server: "a", share: "\\\\a\\x", connectionId: 1n });
});

test("tasks that wait for nobody knows which connection join what is open", () => {
  const incidents = make();
  take(incidents, 0);
  assert.equal(take(incidents, 1, {}).type, "grew");
});

test("at its greatest length it closes, and the same fault opens none until it was quiet or `repeat` has passed", () => {
  const incidents = make();
  take(incidents, 0);
  let opened = 1;
  for (let s = 1; s <= 4000; s++) {
    if (take(incidents, s, undefined, "ongoing").type === "opened") opened++;
    for (const { reason } of incidents.advance(s * S)) assert.equal(reason, "length");
  }
  assert.equal(opened, 2, "the second at 3,600 s");
  assert.ok(incidents.dropped.sameFault > 2900);
  incidents.advance(5000 * S);
  assert.equal(take(incidents, 5100).type, "opened", "quiet in between");
});

test("open incidents and their anomalies are bounded, and the rest is counted", () => {
  const incidents = make();
  for (let id = 0; id < 5; id++) take(incidents, 0, { connectionId: BigInt(id) });
  assert.equal(incidents.open.length, 3);
  assert.equal(incidents.dropped.tooManyOpen, 2);
  for (let s = 1; s < 20; s++) take(incidents, s, { connectionId: 0n });
  assert.equal(incidents.open[0]?.anomalies.length, 5);
  assert.equal(incidents.open[0]?.more.anomalies, 15);
});

test("evidence reaches a little beyond the last anomaly, and never beyond the greatest length", () => {
  const incidents = make();
  take(incidents, 0);
  take(incidents, 30);
  const [incident] = incidents.open;
  assert.ok(incident !== undefined);
  assert.equal(incidents.evidenceUntilNs(incident), 40 * S);
  take(incidents, 60);
  take(incidents, 119);
  assert.equal(make({ maxLengthNs: 100 * S }).evidenceUntilNs(incident), 100 * S);
});

test("whatever comes: nothing overlaps for one server, nothing is lost without a count, nothing stays open for ever", () => {
  const events = fc.array(fc.record({ gapS: fc.nat({ max: 100 }), server: fc.constantFrom("a", "b", "c", "d", "e") }), {
    maxLength: 200,
  });
  fc.assert(
    fc.property(events, (list) => {
      const incidents = make({ maxOpen: 3 });
      let nowS = 0;
      let inIncidents = 0;
      for (const { gapS, server } of list) {
        nowS += gapS;
        for (const { incident } of incidents.advance(nowS * S))
          inIncidents += incident.anomalies.length + incident.more.anomalies;
        take(incidents, nowS, { server });
        assert.ok(incidents.open.length <= 3);
        assert.equal(new Set(incidents.open.map((incident) => incident.target.server)).size, incidents.open.length);
      }
      for (const { incident } of incidents.advance((nowS + 60) * S))
        inIncidents += incident.anomalies.length + incident.more.anomalies;
      assert.equal(incidents.open.length, 0);
      assert.equal(inIncidents + incidents.dropped.tooManyOpen + incidents.dropped.sameFault, list.length);
    }),
    { numRuns: 200 },
  );
});

test("ids sort by time and are names of files", () => {
  assert.equal(
    incidentId(Date.UTC(2026, 10, 22, 13, 5, 11, 999), "latency", () => "3f9a"),
    "20261122T130511Z-latency-3f9a",
  );
  assert.match(incidentId(0, "latency"), /^19700101T000000Z-latency-[0-9a-f]{4}$/);
});

test("information opens nothing; what is open takes it in, and is not kept open by it", () => {
  const incidents = make();
  const info = (atS: number) => incidents.take(anomaly(atS * S, "onset", "info"), { server: "a" }, atS * S);
  assert.equal(info(0).type, "noted");
  take(incidents, 1);
  for (let s = 2; s < 60; s++) assert.equal(info(s).type, "grew");
  assert.equal(incidents.advance(61 * S).length, 1);
  assert.deepEqual(incidents.counts, { opened: 1, escalated: 0, noted: 1 });
});

test("an incident is as bad as the worst that joined it, and gets worse once", () => {
  const incidents = make();
  take(incidents, 0);
  const steps = (["critical", "warning", "critical"] as const).map((severity, index) =>
    incidents.take(anomaly(index * S, "onset", severity), { server: "a" }, index * S),
  );
  assert.deepEqual(
    steps.map((step) => step.type === "grew" && step.worse),
    [true, false, false],
  );
  assert.equal(incidents.open[0]?.severity, "critical");
  assert.equal(incidents.counts.escalated, 1);
});

test("what is critical finds room where the rest does not", () => {
  const incidents = make({ maxOpen: 1 });
  const servers = ["a", "b", "c", "d"];
  const types = servers.map((server) => incidents.take(anomaly(0, "onset", "critical"), { server }, 0).type);
  assert.deepEqual(types, ["opened", "opened", "opened", "dropped"]);
});

test("no more are opened within an hour than may be", () => {
  const incidents = make({ maxPerHour: 2, maxOpen: 64 });
  const types = ["a", "b", "c"].map((server) => take(incidents, 0, { server }).type);
  assert.deepEqual(types, ["opened", "opened", "dropped"]);
  assert.equal(incidents.dropped.tooManyAnHour, 1);
  assert.equal(take(incidents, 3600, { server: "c" }).type, "opened");
});

test("what is known of SMB alone does not join an incident of NFS, unless the server is the same", () => {
  const incidents = make();
  incidents.take(anomaly(0), { protocol: "nfs", server: "a" }, 0);
  assert.equal(incidents.take(anomaly(0), { protocol: "smb" }, 0).type, "opened");
  assert.equal(incidents.take(anomaly(0), { protocol: "nfs" }, 0).type, "grew");
  assert.equal(incidents.take(anomaly(0), { protocol: "smb", server: "a" }, 0).type, "grew");
});
