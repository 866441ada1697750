// aod-probe --notify against a socket that stands for the service manager's.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { withDir } from "../../src/system/fixture.ts";
import { compile, runProgram, withoutCompiler } from "./compile.ts";

const program = join(import.meta.dirname, "../../build/aod-probe");
const skip = withoutCompiler || (existsSync(program) ? false : "aod-probe is not built");

describe("aod-probe --notify", { skip }, () => {
  it("sends each line as one message, to a socket with a path and to an abstract one", () =>
    withDir(async (directory) => {
      const manager = compile("notify_socket", []);
      for (const socket of [join(directory, "notify"), `@aod-notify-${process.pid}`]) {
        const input = "READY=1\n\nSTATUS=probe smb_wire running; 0 incidents open\nWATCHDOG=1\n";
        const { status, stdout, stderr } = runProgram(manager, [socket, program, "--notify"], input);
        assert.deepEqual([status, stderr], [0, ""]);
        assert.equal(stdout.toString(), "[READY=1]\n[STATUS=probe smb_wire running; 0 incidents open]\n[WATCHDOG=1]\n");
      }
    }));

  it("has no huge pages, as any aod-probe: the kernel would fill what is hardly used", () =>
    withDir(async (directory) => {
      const manager = spawn(compile("notify_socket", []), [join(directory, "notify"), program, "--notify"], {
        stdio: ["pipe", "ignore", "inherit"],
      });
      const ended = once(manager, "exit");
      let status = "";
      for (let tries = 0; tries < 500 && !/^THP_enabled:\s+0$/m.test(status); tries++) {
        await sleep(10);
        const [child] = readFileSync(`/proc/${manager.pid}/task/${manager.pid}/children`, "utf8").split(" ");
        if (child !== undefined && child !== "") status = readFileSync(`/proc/${child}/status`, "utf8");
      }
      manager.stdin.end();
      await ended;
      assert.match(status, /^Name:\s+aod-probe$/m);
      assert.match(status, /^THP_enabled:\s+0$/m);
    }));

  it("says that there is no socket, in one line", () => {
    for (const [NOTIFY_SOCKET, why] of [
      ["/nonexistent/notify", "No such file or directory"],
      ["", "Invalid argument"],
      ["vsock:2:1", "Invalid argument"],
    ] as const) {
      const { status, stderr } = spawnSync(program, ["--notify"], { env: { NOTIFY_SOCKET }, encoding: "utf8" });
      assert.equal(status, 1);
      assert.equal(stderr, `aod-probe: cannot reach the socket that NOTIFY_SOCKET names: ${why}\n`);
    }
  });
});
