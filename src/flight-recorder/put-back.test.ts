import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { it } from "node:test";
import { withDir } from "../system/fixture.ts";
import { putBack, switchesFile } from "./put-back.ts";
import { fakeTracefs } from "./testing/tracefs.ts";

it("what a daemon that was killed left in the kernel is undone without a daemon, and what cannot be is told", () =>
  withDir(async (dir) => {
    const [sysRoot, procRoot, stateDir] = [join(dir, "sys"), join(dir, "proc"), join(dir, "state")];
    const put = (path: string, text: string): void => {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    };
    const cifsFyi = join(procRoot, "fs/cifs/cifsFYI");
    put(cifsFyi, "7");
    put(join(procRoot, "sys/kernel/random/boot_id"), "boot\n");
    put(switchesFile(stateDir), JSON.stringify({ boot: "boot", switches: [{ path: cifsFyi, undo: "0" }] }));
    const { root, directories } = fakeTracefs(sysRoot);
    directories.make(join(root, "instances/aod-52-5"));
    const options = { sysRoot, procRoot, stateDir, directories };
    assert.deepEqual(putBack(options), { done: ["tracing instance aod-52-5", cifsFyi], failed: [] });
    assert.equal(readFileSync(cifsFyi, "utf8").trim(), "0");
    assert.ok(!existsSync(join(root, "instances/aod-52-5")) && !existsSync(switchesFile(stateDir)));
    assert.deepEqual(putBack(options), { done: [], failed: [] });
    directories.make(join(root, "instances/aod-53-1"));
    const busy = { ...directories, remove: () => assert.fail("EBUSY") };
    assert.deepEqual(putBack({ ...options, directories: busy }), { done: [], failed: ["aod-53-1: EBUSY"] });
    assert.deepEqual(putBack({ ...options, sysRoot: join(dir, "none") }), { done: [], failed: [] });
  }));
