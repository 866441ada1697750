import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { recordPasses } from "./passes.ts";
import type { Verdict } from "./run.ts";

const verdict = (scenario: string, kernel: string, failure?: string): Verdict => ({
  scenario,
  kernel,
  release: `${kernel}.0`,
  tookMs: 1234.5,
  directory: "/not/told",
  ...(failure === undefined ? {} : { failure }),
});

test("the last pass of each scenario on each kernel is kept with its commit; a failure takes nothing's place", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "aod-passes-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, "results", "lab-passes.json");
  const [first, second] = [new Date(1e12), new Date(2e12)];
  await recordPasses(file, [verdict("hang", "6.12"), verdict("hang", "6.1")], { commit: "aa" }, first);
  const later = [verdict("hang", "6.12"), verdict("hang", "6.1", "no"), verdict("filters", "6.1")];
  const all = await recordPasses(file, later, { commit: "bb", dirty: "12ab" }, second);
  assert.deepEqual(
    all.map(({ scenario, kernel, commit, dirty, date }) => [scenario, kernel, commit, dirty, date]),
    [
      ["filters", "6.1", "bb", "12ab", second.toISOString()],
      ["hang", "6.1", "aa", undefined, first.toISOString()],
      ["hang", "6.12", "bb", "12ab", second.toISOString()],
    ],
  );
  const shorter = await recordPasses(file, [verdict("hang", "6.12")], { commit: "cc" }, second, { minutes: "9" });
  assert.deepEqual(
    shorter.filter(({ kernel }) => kernel === "6.12").map(({ commit, set }) => [commit, set]),
    [
      ["bb", undefined],
      ["cc", { minutes: "9" }],
    ],
    "other settings are another pass",
  );
  const text = readFileSync(file, "utf8");
  assert.deepEqual(JSON.parse(text), shorter);
  assert.ok(!text.includes("/not/told"), "directories of this machine stay out of it");
});
