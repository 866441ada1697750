import assert from "node:assert/strict";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import type { StreamOptions } from "../system/stream.ts";
import { fakeMachine, only } from "./fixture.ts";
import { journalSource } from "./journal.ts";

const root = {
  id: 1,
  parent: 0,
  source: "/dev/vda1",
  target: "/",
  root: "/",
  type: "ext4",
  device: "8:1",
  options: {},
};

/** A journal that says what it is told to. */
function world(t: TestContext) {
  const starts: StreamOptions[] = [];
  let stopped = 0;
  const machine = fakeMachine(t, {
    stream: (_argv, options) => {
      starts.push(options);
      return { stop: () => void stopped++ };
    },
  });
  for (const path of ["run/log/journal", "run/systemd/journal/socket"])
    mkdirSync(join(machine.roots.fsRoot, path), { recursive: true });
  const source = journalSource(machine.roots, { mounts: [root] });
  const say = (text: string) =>
    starts.at(-1)?.onLine(JSON.stringify({ MESSAGE: text, SYSLOG_IDENTIFIER: "cifs.upcall", _PID: "3" }), false);
  return { machine, source, starts, say, stopped: () => stopped };
}

test("lines come at the next look, each once", async (t) => {
  const { machine, source, say } = world(t);
  assert.deepEqual(await machine.look(source), []);
  say("Exit status 1");
  const outcome = await machine.outcome(source);
  assert.ok("observations" in outcome && outcome.trouble);
  assert.deepEqual(
    only(outcome.observations, "journal").lines.map(({ verdict }) => verdict),
    ["upcall-failed"],
  );
  assert.deepEqual(await machine.look(source), []);
});

test("without a journal, and without journalctl, it is off and says why", async (t) => {
  const machine = fakeMachine(t);
  const source = journalSource(machine.roots, { mounts: [root] });
  assert.match(JSON.stringify(await machine.outcome(source)), /there is no journal: neither/);
  mkdirSync(join(machine.roots.fsRoot, "var/log/journal"), { recursive: true });
  assert.deepEqual(await machine.outcome(source), { off: "journalctl is not installed" });
});

test("where journald does not run it says so: what lies there is from before", async (t) => {
  const { machine, source } = world(t);
  assert.deepEqual(await machine.outcome(source), { observations: [], trouble: false });
  rmSync(join(machine.roots.fsRoot, "run/systemd"), { recursive: true });
  assert.deepEqual(await machine.outcome(source), {
    observations: [],
    degraded: "journald does not listen: there is no /run/systemd/journal/socket",
    trouble: false,
  });
});

test("a journal on a server is not touched", async (t) => {
  const { machine } = world(t);
  const log = { ...root, source: "nas:/log", target: "/var/log", type: "nfs4" };
  const source = journalSource(machine.roots, { mounts: [root, { ...log, target: "/run" }, log] });
  assert.deepEqual(await machine.outcome(source), { off: "/run/log/journal is on nfs4: it is not looked at" });
  assert.deepEqual(await machine.outcome(journalSource(machine.roots, { mounts: [] })), {
    off: "the mounts are not known",
  });
});

test("journalctl that ends is a failure with what it said, and is started again, later each time", async (t) => {
  const { machine, source, starts } = world(t);
  await machine.look(source);
  starts[0]?.onEnd({ missing: false, reason: "exit status 1: no permission" });
  await assert.rejects(async () => machine.outcome(source), /journalctl ended: exit status 1: no permission/);
  assert.equal(starts.length, 1);
  machine.seconds(2);
  assert.deepEqual(await machine.look(source), []);
  assert.equal(starts.length, 2);
  starts[1]?.onEnd({ missing: false, reason: "gone" });
  machine.seconds(2);
  await assert.rejects(async () => machine.outcome(source));
  machine.seconds(2);
  await machine.look(source);
  assert.equal(starts.length, 3);
});

test("a storm is bounded; what is cut off and what is not understood are counted", async (t) => {
  const { machine, source, say, starts } = world(t);
  await machine.look(source);
  for (let count = 0; count < 600; count++) say("Exit status 1");
  starts[0]?.onLine("garbage", false);
  starts[0]?.onLine('{"MESS', true);
  assert.equal(only(await machine.look(source), "journal").lines.length, 500);
  assert.deepEqual(source.losses?.(), { "over-limit": 100, "cut-lines": 1, "not-understood": 1 });
});

test("it ends with the daemon", async (t) => {
  const { machine, source, stopped } = world(t);
  await machine.look(source);
  source.close?.();
  assert.equal(stopped(), 1);
});
