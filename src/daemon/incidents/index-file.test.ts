import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { IncidentIndex } from "./index-file.ts";
import type { IncidentJson } from "./json.ts";

const incident = (number: number, anomalies: number, state: IncidentJson["state"] = "closed"): IncidentJson => ({
  id: `i${number}`,
  state,
  opened: "2026-11-22T13:05:11Z",
  closed: state === "open" ? null : "2026-11-22T13:06:11Z",
  target: {},
  anomalies: Array.from({ length: anomalies }, (_, index) => ({
    detector: "latency",
    time: "2026-11-22T13:05:11Z",
    summary: `anomaly ${index}`,
    rule: "single",
    severity: "warning",
    count: 1,
  })),
  more_anomalies: 7,
  bundle: null,
});

test("what is remembered of all incidents is bounded: old ones keep their first anomalies and the number of the rest", (t) => {
  const dir = mkdtempSync(join(tmpdir(), "aod-index-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const index = new IncidentIndex(dir);
  index.put(incident(0, 100, "open"));
  for (let number = 1; number <= 600; number++) index.put(incident(number, 100));
  for (const one of [index, new IncidentIndex(dir)]) {
    const list = one.list();
    assert.equal(list.length, 500);
    assert.ok(list.reduce((sum, { anomalies }) => sum + anomalies.length, 0) <= 2000);
    const [oldest, newest] = [list[0], list.at(-1)];
    assert.deepEqual([oldest?.id, oldest?.anomalies.length, oldest?.more_anomalies], ["i101", 3, 104]);
    assert.equal(oldest?.anomalies[0]?.summary, "anomaly 0");
    assert.deepEqual([newest?.id, newest?.anomalies.length, newest?.more_anomalies], ["i600", 100, 7]);
  }
});

test("an open incident keeps all", (t) => {
  const dir = mkdtempSync(join(tmpdir(), "aod-index-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const index = new IncidentIndex(dir);
  index.put(incident(0, 100, "open"));
  for (let number = 1; number <= 30; number++) index.put(incident(number, 100));
  assert.equal(index.get("i0")?.anomalies.length, 100);
  assert.equal(index.get("i1")?.anomalies.length, 3);
});
