import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type Argv, createRunner, type Run, type RunOptions, type RunResult } from "../../system/process.ts";
import { createWorld } from "../fixture.ts";
import { type AnnounceRules, Announcer, type IncidentNews, journalFields, messageIds } from "./announcer.ts";
import type { IncidentJson } from "./json.ts";

const incident: IncidentJson = {
  id: "20261122T130511Z-hang-3f9a",
  state: "open",
  opened: "2026-11-22T13:05:11.000000Z",
  closed: null,
  severity: "critical",
  target: { server: "files.example", share: "\\\\files.example\\share" },
  anomalies: [{ detector: "hang", time: "2026-11-22T13:05:11.000000Z", summary: "SMB2_READ has not ended for 10 s" }],
  bundle: null,
};
const news = (change: Partial<IncidentNews> = {}): IncidentNews => ({
  event: "opened",
  incident,
  summary: "SMB2_READ has not ended for 10 s",
  ...change,
});
const ok: RunResult = { status: "ok", code: 0, stdout: Buffer.alloc(0), stderr: "", truncated: false, tookMs: 1 };

function announcer(rules: Partial<AnnounceRules>, run?: Run, journald = true) {
  const runs: { readonly argv: Argv; readonly options: RunOptions }[] = [];
  const warnings: string[] = [];
  const made = new Announcer({
    rules: () => ({ journal: true, program: [], programLimitMs: 1000, ...rules }),
    run: async (argv, options) => {
      runs.push({ argv, options });
      return run === undefined ? ok : run(argv, options);
    },
    journald: () => journald,
    log: { warn: (details) => warnings.push(JSON.stringify(details)) },
  });
  return { made, runs, warnings };
}

test("an opened incident is an entry of the journal with fields to look for", async () => {
  const { made, runs } = announcer({});
  made.announce(news());
  await made.idle();
  assert.deepEqual(runs[0]?.argv, ["logger", "--journald"]);
  assert.deepEqual(runs[0]?.options.input?.trimEnd().split("\n"), [
    `MESSAGE_ID=${messageIds.opened}`,
    "PRIORITY=3",
    "SYSLOG_IDENTIFIER=aod",
    "MESSAGE=incident 20261122T130511Z-hang-3f9a opened (\\\\files.example\\share): SMB2_READ has not ended for 10 s",
    "AOD_EVENT=opened",
    "AOD_INCIDENT=20261122T130511Z-hang-3f9a",
    "AOD_SEVERITY=critical",
    "AOD_SUMMARY=SMB2_READ has not ended for 10 s",
    "AOD_DETECTOR=hang",
    "AOD_SERVER=files.example",
    "AOD_SHARE=\\\\files.example\\share",
    "AOD_OPENED=2026-11-22T13:05:11.000000Z",
  ]);
  assert.deepEqual([made.counts.journal_entries, made.journalState], [1, "ok"]);
});

test("the ids are fixed, and a text cannot make a field of its own", () => {
  assert.deepEqual(messageIds, {
    opened: "5f1d9c0e6b0a4f6c9a8e3d27c41b7e90",
    worse: "a3c2f7d4180b4e0d8f5b96e1427ac358",
    closed: "0d84be6f93c7458fb1627ae95cd03f11",
  });
  for (const field of journalFields(news({ summary: "a\nPRIORITY=0\u0000b" })))
    assert.ok(/^[A-Z_]+=.*$/.test(field) && !field.includes("\0"), field);
});

test("without journald it says so, and goes on", async () => {
  const { made, runs } = announcer({}, undefined, false);
  made.announce(news());
  await made.idle();
  assert.equal(runs.length, 0);
  assert.equal(made.counts.journal_failed, 1);
  assert.match(made.journalState, /journald does not listen: there is no \/run\/systemd\/journal\/socket/);
  assert.equal(announcer({ journal: false }).made.journalState, "off");
});

test("a program of the site is run without a shell, with the incident in its environment and nothing else", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "aod-announce-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, "said");
  const script = `require("fs").writeFileSync(process.argv[1], JSON.stringify(process.env))`;
  const program = [process.execPath, "-e", script, file];
  const { made } = announcer({ journal: false, program, programLimitMs: 120_000 }, createRunner());
  process.env.AOD_TEST_SECRET = "secret";
  t.after(() => delete process.env.AOD_TEST_SECRET);
  made.announce(news({ event: "closed", incident: { ...incident, state: "closed", bundle: "/b/x.tar.zst" } }));
  await made.idle();
  const said = JSON.parse(readFileSync(file, "utf8"));
  assert.deepEqual([said.AOD_EVENT, said.AOD_BUNDLE, said.AOD_TEST_SECRET], ["closed", "/b/x.tar.zst", undefined]);
  assert.equal(made.counts.programs_failed, 0);
});

test("a program that fails or is not there is told, and the next news comes all the same", async () => {
  const { made, warnings } = announcer({ journal: false, program: ["/not/there"] }, createRunner());
  made.announce(news());
  made.announce(news());
  await made.idle();
  assert.deepEqual([made.counts.programs, made.counts.programs_failed, warnings.length], [2, 2, 2]);
  assert.match(made.lastError ?? "", /^on_incident: \/not\/there: /);
});

test("news that a slow program does not take are dropped and counted", async () => {
  const { promise, resolve } = Promise.withResolvers<RunResult>();
  const { made } = announcer({ journal: false, program: ["/bin/slow"] }, () => promise);
  for (let count = 0; count < 1000; count++) made.announce(news());
  assert.equal(made.counts.dropped, 1000 - 64 - 1);
  resolve(ok);
  await made.idle();
  assert.equal(made.counts.programs, 65);
});

test("the daemon announces what opens and closes; a snapshot by hand too", async (t) => {
  const told: string[] = [];
  const world = createWorld(t, {
    deps: {
      announce: ({ event, incident: { severity, anomalies } }) =>
        told.push(`${event} ${severity} ${anomalies[0]?.detector}`),
    },
  });
  await world.seconds(1);
  world.daemon.incidents.snapshot({ note: "for a test", forNs: 5e9 });
  await world.seconds(8);
  await world.daemon.incidents.idle();
  assert.deepEqual(told, ["opened info snapshot", "closed info snapshot"]);
});
