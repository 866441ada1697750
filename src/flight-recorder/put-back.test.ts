import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { fakeKernel, putProcess, putSwitches } from "../switches/testing/kernel.ts";
import { withDir } from "../system/fixture.ts";
import { putBack, switchesFile } from "./put-back.ts";
import { fakeTracefs } from "./testing/tracefs.ts";
import { VerboseLogging } from "./verbose-logging.ts";

it("what a daemon that was killed left in the kernel is undone without a daemon, and what cannot be is told", () =>
  withDir(async (dir) => {
    const [sysRoot, procRoot, stateDir] = [join(dir, "sys"), join(dir, "proc"), join(dir, "state")];
    mkdirSync(stateDir);
    putSwitches(dir);
    putProcess(dir, 10, "100");
    const killed = {
      procRoot,
      sysRoot,
      stateFile: switchesFile(stateDir),
      nowNs: () => 0,
      kernel: fakeKernel,
      pid: 10,
    };
    new VerboseLogging(killed).on(30e9);
    rmSync(join(procRoot, "10"), { recursive: true });
    const cifsFyi = join(procRoot, "fs/cifs/cifsFYI");
    assert.equal(readFileSync(cifsFyi, "utf8").trim(), "7");
    const { root, directories } = fakeTracefs(sysRoot);
    directories.make(join(root, "instances/aod-52-5"));
    const options = { sysRoot, procRoot, stateDir, directories, kernel: fakeKernel };
    const { done, failed } = putBack(options);
    assert.deepEqual([done.length, failed], [6, []]);
    assert.ok(done.includes("tracing instance aod-52-5") && done.includes(cifsFyi), done.join());
    assert.equal(readFileSync(cifsFyi, "utf8").trim(), "0");
    assert.ok(!existsSync(join(root, "instances/aod-52-5")) && !existsSync(switchesFile(stateDir)));
    assert.deepEqual(putBack(options), { done: [], failed: [] });
    directories.make(join(root, "instances/aod-53-1"));
    const busy = { ...directories, remove: () => assert.fail("EBUSY") };
    assert.deepEqual(putBack({ ...options, directories: busy }), { done: [], failed: ["aod-53-1: EBUSY"] });
    assert.deepEqual(putBack({ ...options, sysRoot: join(dir, "none") }), { done: [], failed: [] });
  }));
