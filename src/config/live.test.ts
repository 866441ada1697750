import assert from "node:assert/strict";
import { test } from "node:test";
import { AodError } from "../system/error.ts";
import { type Config, parseConfig } from "./config.ts";
import { LiveConfig } from "./live.ts";

const clock = { nowNs: () => 0, wallMs: () => Date.UTC(2026, 10, 22, 13, 5, 11) };
const loadedOf = (yaml: string, source = "aod.yaml") => ({ config: parseConfig(yaml, source), source });

test("what is right is taken as a whole", () => {
  const live = new LiveConfig(loadedOf(""), clock);
  const applied: Config[] = [];
  const report = live.reload(
    () => loadedOf("bundles: {max_count: 3}", "new"),
    (config) => {
      applied.push(config);
    },
  );
  assert.deepEqual(report, { time: "2026-11-22T13:05:11.000000Z", result: "taken" });
  assert.deepEqual([live.config.bundles.max_count, live.source, applied[0]?.bundles.max_count], [3, "new", 3]);
  assert.equal(live.last, report);
});

test("what cannot be read, or needs a restart, is refused: the old one goes on", () => {
  const live = new LiveConfig(loadedOf("bundles: {max_count: 5}"), clock);
  const never = (): never => assert.fail("nothing is applied");
  const wrong = live.reload(() => {
    throw new AodError("usage", "the configuration is wrong:\naod.yaml:1: x");
  }, never);
  assert.deepEqual([wrong.result, wrong.message], ["refused", "the configuration is wrong:\naod.yaml:1: x"]);
  const moved = live.reload(() => loadedOf("state_dir: /srv\nbundles: {max_count: 6}"), never);
  assert.match(moved.message ?? "", /^state_dir: a change of this needs a restart/);
  assert.deepEqual([live.config.bundles.max_count, live.source], [5, "aod.yaml"]);
});

test("what fails while it is applied is refused", () => {
  const live = new LiveConfig(loadedOf(""), clock);
  const report = live.reload(
    () => loadedOf("bundles: {max_count: 3}"),
    () => {
      throw new Error("no");
    },
  );
  assert.deepEqual([report.result, live.config.bundles.max_count], ["refused", 100]);
});
