import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { withDir } from "./fixture.ts";
import { readLocal } from "./proc.ts";

describe("reading a file of /proc", () => {
  it("gives all of it, up to the limit", () =>
    withDir(async (dir) => {
      const path = join(dir, "file");
      await writeFile(path, "x".repeat(200_000));
      const whole = await readLocal(path, { limitBytes: 200_000 });
      assert.deepEqual([whole?.content.length, whole?.truncated], [200_000, false]);
      const cut = await readLocal(path, { limitBytes: 199_999 });
      assert.deepEqual([cut?.content.length, cut?.truncated], [199_999, true]);
    }));

  it("reads what tells no size", async () => {
    const file = await readLocal("/proc/self/mounts", { limitBytes: 1e6 });
    assert.ok((file?.content.length ?? 0) > 0);
  });

  it("tells what is not there from what fails", async () => {
    assert.equal(await readLocal("/proc/fs/no/such", { limitBytes: 10 }), undefined);
    await assert.rejects(readLocal("/proc", { limitBytes: 10 }), /EISDIR/);
  });

  it("does not begin after its time, and serves the others", async () => {
    await assert.rejects(readLocal("/proc/self/mounts", { limitBytes: 10, signal: AbortSignal.abort() }));
    const many = Array.from({ length: 50 }, () => readLocal("/proc/self/mounts", { limitBytes: 10 }));
    assert.ok((await Promise.all(many)).every((file) => file?.content.length === 10));
  });
});
