import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { askDaemon } from "../daemon/api-client.ts";
import type { Status } from "../daemon/status.ts";
import { requireRoot } from "./run.ts";

const root = process.geteuid?.() === 0 ? {} : { skip: "only root may run the daemon" };

/** `aod run` with directories of its own and no probe: nothing of the kernel is touched. */
function start(t: TestContext): {
  readonly child: ChildProcess;
  readonly directory: string;
  readonly env: NodeJS.ProcessEnv;
  readonly runs: Promise<void>;
} {
  const directory = mkdtempSync(join(tmpdir(), "aod-run-"));
  const file = join(directory, "aod.yaml");
  writeFileSync(file, "probes: {smb_wire: false}\n");
  const env = {
    ...process.env,
    AOD_STATE_DIR: join(directory, "state"),
    AOD_RUN_DIR: join(directory, "run"),
    AOD_CONFIG: file,
  };
  const child = spawn(process.execPath, [join(import.meta.dirname, "main.ts"), "run"], {
    env,
    stdio: ["ignore", "ignore", "pipe"],
  });
  t.after(() => {
    child.kill("SIGKILL");
    rmSync(directory, { recursive: true, force: true });
  });
  const lines = createInterface({ input: child.stderr });
  const runs = new Promise<void>((resolve, reject) => {
    lines.on("line", (line) => {
      if (line.includes(" runs")) resolve();
    });
    child.once("exit", (code) => reject(new Error(`it ended with ${code}`)));
  });
  return { child, directory, env, runs };
}

test("who is not root is told to be", () => {
  assert.throws(() => requireRoot(1000), {
    message: "the daemon needs root to load BPF programs: run it as root, or with sudo",
    exitStatus: 1,
  });
  requireRoot(0);
});

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  test(`${signal} ends it with status 0, and its socket and locks are gone`, root, async (t) => {
    const { child, directory, runs } = start(t);
    await runs;
    const status = (await askDaemon(join(directory, "run"), "/status")) as Status;
    assert.equal(status.pid, child.pid);
    assert.equal(status.probes[0]?.state, "off");
    child.kill(signal);
    const [code] = await once(child, "exit");
    assert.equal(code, 0);
    assert.deepEqual(readdirSync(join(directory, "run")), []);
    assert.deepEqual(readdirSync(join(directory, "state")), ["bundles"]);
  });
}

test("after kill -9 the next one starts", root, async (t) => {
  const { child, env, directory, runs } = start(t);
  await runs;
  child.kill("SIGKILL");
  await once(child, "exit");
  const next = spawn(process.execPath, [join(import.meta.dirname, "main.ts"), "run"], {
    env,
    stdio: ["ignore", "ignore", "pipe"],
  });
  t.after(() => void next.kill("SIGKILL"));
  for await (const line of createInterface({ input: next.stderr })) if (line.includes(" runs")) break;
  assert.equal(((await askDaemon(join(directory, "run"), "/status")) as Status).pid, next.pid);
});

test("SIGHUP reads the configuration again; a wrong one is refused and told", root, async (t) => {
  const { child, env, directory, runs } = start(t);
  await runs;
  const file = env.AOD_CONFIG ?? "";
  const told = (what: string) =>
    new Promise<void>((resolve, reject) => {
      child.once("exit", (code) => reject(new Error(`it ended with ${code}`)));
      createInterface({ input: child.stderr ?? process.stdin }).on("line", (line) => {
        if (line.includes(what)) resolve();
      });
    });
  const refused = told("the old one goes on");
  writeFileSync(file, "probes: {smb_wire: false}\nbundles: {max_count: none}\n");
  child.kill("SIGHUP");
  await refused;
  const taken = told("configuration reloaded");
  writeFileSync(file, "probes: {smb_wire: false}\nbundles: {max_count: 3}\n");
  child.kill("SIGHUP");
  await taken;
  const { config_reload, pid } = (await askDaemon(join(directory, "run"), "/status")) as Status;
  assert.deepEqual([config_reload?.result, pid], ["taken", child.pid]);
});
