import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { withDir } from "../../system/fixture.ts";
import { thisMachine } from "../machine.ts";
import { hasWord, moduleImage } from "./module-image.ts";

test("a module is unpacked; one that is damaged, absent or unpacked only in part is no module", () =>
  withDir(async (dir) => {
    const words = Buffer.from("ELF\0vers\0sec=%s\0");
    let truncated = false;
    const ran = { code: 0, stderr: "", tookMs: 0 };
    const machine = {
      ...thisMachine(),
      run: async () => ({ ...ran, status: "ok" as const, stdout: words, truncated }),
    };
    const read = (name: string, bytes?: Buffer): Promise<Buffer | undefined> => {
      const path = join(dir, name);
      if (bytes !== undefined) writeFileSync(path, bytes);
      return moduleImage(machine, path, AbortSignal.timeout(10_000));
    };
    assert.deepEqual(await read("a.ko", words), words);
    assert.deepEqual(await read("a.ko.gz", gzipSync(words)), words);
    assert.deepEqual(await read("a.ko.zst", zstdCompressSync(words)), words);
    assert.deepEqual(await read("a.ko.xz"), words);
    truncated = true;
    assert.equal(await read("a.ko.xz"), undefined);
    assert.equal(await read("b.ko.zst", words), undefined);
    assert.equal(await read("none.ko"), undefined);
    assert.deepEqual(
      ["vers", "sec", "ver"].map((word) => hasWord(words, word)),
      [true, true, false],
    );
  }));
