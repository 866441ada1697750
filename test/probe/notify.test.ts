// aod-probe --notify against a socket that stands for the service manager's.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
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
