import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { createRunner } from "./process.ts";

const run = createRunner();
const limits = { timeoutMs: 20_000, maxBytes: 10_000 };

describe("running a program", () => {
  it("gives what it wrote and its status", async () => {
    const good = await run(["sh", "-c", "echo out; echo err >&2"], limits);
    assert.deepEqual([good.status, good.code, good.stdout.toString(), good.stderr], ["ok", 0, "out\n", "err\n"]);
    const bad = await run(["sh", "-c", "echo half; exit 3"], limits);
    assert.deepEqual(
      [bad.status, bad.code, bad.reason, bad.stdout.toString()],
      ["failed", 3, "exit status 3", "half\n"],
    );
    const killed = await run(["sh", "-c", "kill -TERM $$"], limits);
    assert.deepEqual([killed.status, killed.code, killed.reason], ["failed", null, "ended by SIGTERM"]);
  });

  it("says that a program is missing, also one that is no program", async () => {
    for (const name of ["aod-no-such-program", "/etc/passwd"]) {
      const { status, reason } = await run([name], limits);
      assert.deepEqual([status, reason], ["missing", `${name} is not installed`]);
    }
  });

  it("takes arguments as they are", async () => {
    const { stdout } = await run(["printf", "%s|", "a b", "$HOME", "; ls", "*"], limits);
    assert.equal(stdout.toString(), "a b|$HOME|; ls|*|");
  });

  it("passes no environment of its own on", async () => {
    const { stdout } = await run(["env"], limits);
    assert.deepEqual(
      stdout
        .toString()
        .trim()
        .split("\n")
        .map((line) => line.split("=")[0])
        .sort(),
      ["LC_ALL", "PATH"],
    );
    assert.equal((await run(["env"], { ...limits, env: { A: "1" } })).stdout.toString(), "A=1\n");
  });

  it("cuts at the limit of bytes and ends what would go on for ever", async () => {
    const { status, truncated, stdout } = await run(["yes"], limits);
    assert.deepEqual([status, truncated, stdout.length], ["ok", true, 10_000]);
  });

  it("kills the whole group at the limit of time", async () => {
    // The grandchild keeps the pipe open: only its end ends the run. At the lowest priority a busy machine takes its time to start it.
    const result = await run(["sh", "-c", "sleep 1000 & echo $!; wait"], { ...limits, timeoutMs: 2000 });
    assert.equal(result.status, "timeout");
    const grandchild = Number(result.stdout.toString());
    assert.ok(grandchild > 1);
    const state = await readFile(`/proc/${grandchild}/stat`, "utf8").catch(() => "gone");
    assert.ok(state === "gone" || / [ZX] /.test(state), state);
  });

  it("ends with the caller's signal, also before it began", async () => {
    const control = new AbortController();
    const running = run(["sleep", "1000"], { ...limits, signal: control.signal });
    control.abort();
    assert.equal((await running).status, "timeout");
    assert.equal((await run(["true"], { ...limits, signal: control.signal })).status, "timeout");
  });

  it("runs at the lowest priority, in a group of its own", async () => {
    const { stdout } = await run(["sh", "-c", "sleep 0.2; cat /proc/self/stat"], limits);
    const fields = stdout.toString().split(") ")[1]?.split(" ") ?? [];
    assert.equal(fields[16], "19", "nice");
    const own = (await readFile("/proc/self/stat", "utf8")).split(") ")[1]?.split(" ")[2];
    assert.notEqual(fields[2], own, "process group");
  });
});
