import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { put } from "../flight-recorder/testing/tracefs.ts";
import { withDir } from "../system/fixture.ts";
import { ClientSwitches, DEBUG, type Outcome } from "./client-switches.ts";
import { clientLines, offAgain, offBefore } from "./dynamic-debug.ts";
import { controlText, fakeKernel, putProcess, putSwitches } from "./testing/kernel.ts";

const made = (dir: string, pid: number, nowNs = 0) =>
  new ClientSwitches({
    ...{ procRoot: join(dir, "proc"), sysRoot: join(dir, "sys"), stateFile: join(dir, "switches.json") },
    ...{ nowNs: () => nowNs, pid, kernel: fakeKernel },
  });

function done(outcome: Outcome | "busy"): Outcome {
  assert.ok(outcome !== "busy");
  return outcome;
}

const textOf = (dir: string, name: string): string => readFileSync(join(dir, "proc", name), "utf8");

describe("the clients' debug switches", () => {
  it("of one client leave those of the other alone", () =>
    withDir(async (dir) => {
      putSwitches(dir);
      putProcess(dir, 10, "100");
      const outcome = done(made(dir, 10).hold(DEBUG, ["smb"], 5));
      assert.deepEqual(
        outcome.switched.map(({ protocol }) => protocol),
        ["smb", "smb"],
      );
      assert.equal(textOf(dir, "sys/sunrpc/rpc_debug"), "0x0000\n");
      assert.match(textOf(dir, "dynamic_debug/control"), /\[sunrpc\]rpc_run =_ /);
      assert.deepEqual(made(dir, 10).now().dynamicDebug, {
        path: join(dir, "proc/dynamic_debug/control"),
        lines: 5,
        on: 5,
      });
    }));

  it("are put back by whoever comes after a process that was killed, once", () =>
    withDir(async (dir) => {
      putSwitches(dir);
      putProcess(dir, 10, "100");
      putProcess(dir, 20, "200");
      done(made(dir, 10).hold(DEBUG, ["smb", "nfs"], 5));
      assert.deepEqual(done(made(dir, 20).tidy()).putBack, [], "it lives");
      rmSync(join(dir, "proc/10"), { recursive: true });
      assert.equal(done(made(dir, 20).tidy()).putBack.length, 5);
      assert.equal(textOf(dir, "dynamic_debug/control"), controlText);
      assert.ok(!existsSync(join(dir, "switches.json")));
      assert.deepEqual(done(made(dir, 20).tidy()), { switched: [], putBack: [], foreign: [], errors: [] });
    }));

  it("are put back when the time of a holder is over that does not do it, or whose number another process has", () =>
    withDir(async (dir) => {
      for (const [pid, nowNs, started] of [
        [20, 6, "100"],
        [20, 1, "999"],
      ] as const) {
        putSwitches(dir);
        putProcess(dir, 10, "100");
        putProcess(dir, 20, "200");
        done(made(dir, 10).hold(DEBUG, ["nfs"], 5));
        putProcess(dir, 10, started);
        assert.equal(done(made(dir, pid, nowNs).tidy()).putBack.length, 3);
      }
    }));

  it("can be taken away from those who hold them, for one client or for both", () =>
    withDir(async (dir) => {
      putSwitches(dir);
      for (const [pid, started] of [
        [10, "100"],
        [11, "110"],
        [20, "200"],
      ] as const)
        putProcess(dir, pid, started);
      done(made(dir, 10).hold(DEBUG, ["smb", "nfs"], 5));
      done(made(dir, 11).hold("daemon", ["nfs"], 5));
      assert.equal(done(made(dir, 20).revoke(DEBUG, ["smb"])).putBack.length, 2);
      assert.deepEqual(
        made(dir, 20)
          .remembered()
          .holders.map(({ name, protocols }) => [name, protocols]),
        [
          [DEBUG, ["nfs"]],
          ["daemon", ["nfs"]],
        ],
      );
      assert.deepEqual(done(made(dir, 20).revoke(DEBUG, ["smb", "nfs"])).putBack, [], "the daemon wants it still");
      assert.equal(done(made(dir, 11).release()).putBack.length, 3);
    }));

  it("stand in a file that is not ours or not whole: it is told, and the next change replaces it", () =>
    withDir(async (dir) => {
      putSwitches(dir);
      put(dir, "switches.json", '{"boot":"first","switches":[{"path":"/etc/passwd","undo":"x"}]}');
      const { errors, putBack } = done(made(dir, 10).tidy());
      assert.deepEqual(putBack, []);
      assert.match(errors[0] ?? "", /switches\.json/);
      assert.ok(!existsSync(join(dir, "switches.json")));
    }));
});

describe("dynamic debug", () => {
  it("reads the lines of the client in every form of the kernels, and no others", () => {
    const lines = clientLines(
      [
        "# filename:lineno [module]function flags format",
        'fs/cifs/cifsfs.c:88 [cifs]cifs_sb_active =_ "x\\012"',
        'fs/smb/client/smb1ops.c:7 [cifs]x =pmf "say =p \\"" class:DRM',
        'fs/smb/client/built.c:7 [smbclient]x =_ ""',
        'fs/smb/server/x.c:1 [ksmbd]y =p "y"',
        "no line at all",
      ].join("\n"),
    );
    assert.deepEqual(lines, [
      { file: "fs/cifs/cifsfs.c", line: 88, module: "cifs", on: false },
      { file: "fs/smb/client/smb1ops.c", line: 7, module: "cifs", on: true },
      { file: "fs/smb/client/built.c", line: 7, module: "smbclient", on: false },
    ]);
  });

  it("switches off what was off: a file at once, or the lines of it that were, in writes that the kernel takes", () => {
    const line = (file: string, number: number, on: boolean) => ({ file, line: number, module: "cifs", on });
    const files = offBefore([
      line("a.c", 1, false),
      line("a.c", 2, false),
      line("b.c", 1, true),
      line("b.c", 9, false),
    ]);
    assert.deepEqual(offAgain(files), ["file a.c -p; file b.c line 9 -p"]);
    const many = Array.from({ length: 500 }, (_, at) => line("fs/smb/client/long-name.c", at, at === 7));
    const writes = offAgain(offBefore(many));
    assert.ok(writes.length > 1 && writes.every((text) => text.length < 4096));
    assert.equal(writes.join("; ").split("; ").length, 499);
  });
});
