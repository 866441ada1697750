import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { takeLock } from "./lock.ts";

/** A run directory and a /proc with these processes: pid -> start time. */
function machine(t: TestContext, processes: Readonly<Record<number, string>>, boot = "boot-1") {
  const root = mkdtempSync(join(tmpdir(), "aod-lock-"));
  t.after(() => rmSync(root, { recursive: true }));
  const procRoot = join(root, "proc");
  const runDir = join(root, "run");
  mkdirSync(runDir);
  mkdirSync(join(procRoot, "sys/kernel/random"), { recursive: true });
  writeFileSync(join(procRoot, "sys/kernel/random/boot_id"), `${boot}\n`);
  const started = (pid: number, time: string) => {
    mkdirSync(join(procRoot, String(pid)), { recursive: true });
    writeFileSync(
      join(procRoot, String(pid), "stat"),
      `${pid} (a) b) S ${Array.from({ length: 18 }, () => "0").join(" ")} ${time} 0\n`,
    );
  };
  for (const [pid, time] of Object.entries(processes)) started(Number(pid), time);
  return {
    procRoot,
    runDir,
    started,
    reboot: () => writeFileSync(join(procRoot, "sys/kernel/random/boot_id"), "boot-2\n"),
  };
}

test("a second daemon is told the process that runs", (t) => {
  const { procRoot, runDir } = machine(t, { 10: "100", 20: "200" });
  takeLock({ procRoot, directory: runDir, pid: 10 });
  assert.throws(() => takeLock({ procRoot, directory: runDir, pid: 20 }), {
    message: `aod is already running as process 10 (its lock: ${join(runDir, "aod.lock")})`,
  });
});

test("it is free again after its release, and nothing is left", (t) => {
  const { procRoot, runDir } = machine(t, { 10: "100", 20: "200" });
  takeLock({ procRoot, directory: runDir, pid: 10 }).release();
  takeLock({ procRoot, directory: runDir, pid: 20 }).release();
  assert.deepEqual(readdirSync(runDir), []);
});

test("the lock of a process that is gone is taken over, also when another has its number or the machine was restarted", (t) => {
  const { procRoot, runDir, started, reboot } = machine(t, { 10: "100", 20: "200", 30: "300" });
  takeLock({ procRoot, directory: runDir, pid: 10 });
  started(10, "999");
  takeLock({ procRoot, directory: runDir, pid: 20 });
  reboot();
  takeLock({ procRoot, directory: runDir, pid: 30 });
  assert.deepEqual(readdirSync(runDir), ["aod.lock"]);
});

test("a lock that is not whole is nobody's", (t) => {
  const { procRoot, runDir } = machine(t, { 10: "100" });
  writeFileSync(join(runDir, "aod.lock"), '{"pid":1');
  takeLock({ procRoot, directory: runDir, pid: 10 });
});

test("who was overtaken leaves the new holder's lock alone", (t) => {
  const { procRoot, runDir, started } = machine(t, { 10: "100", 20: "200" });
  const first = takeLock({ procRoot, directory: runDir, pid: 10 });
  started(10, "999");
  takeLock({ procRoot, directory: runDir, pid: 20 });
  first.release();
  assert.deepEqual(readdirSync(runDir), ["aod.lock"]);
});

test("a directory that cannot be written, such as on a full disk, is told with the reason", (t) => {
  const { procRoot, runDir } = machine(t, { 7: "1" });
  const own = join(runDir, "aod.lock.7");
  assert.throws(() => takeLock({ directory: join(runDir, "none"), procRoot, pid: 7 }), {
    name: "AodError",
    message: /^cannot write .*none\/aod\.lock\.7: ENOENT/,
  });
  const full = (path: string): never => {
    writeFileSync(path, "");
    throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
  };
  assert.throws(() => takeLock({ directory: runDir, procRoot, pid: 7, write: full }), {
    name: "AodError",
    message: `cannot write ${own}: ENOSPC: no space left on device, write`,
  });
  assert.deepEqual(readdirSync(runDir), [], "nothing half");
});
