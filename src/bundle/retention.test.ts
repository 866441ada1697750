import assert from "node:assert/strict";
import { readdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import fc from "fast-check";
import { withDir } from "../system/fixture.ts";
import { realDisk } from "./disk.ts";
import { fixedClock } from "./fixture.ts";
import { applyRetention, decideRetention, listBundles, type StoredBundle } from "./retention.ts";

const none = { maxCount: 1000, maxBytes: 1e12, maxAgeMs: 1e12, minFreeBytes: 0 };
const day = 86_400_000;
const of = (id: string, ageDays: number, bytes = 10): StoredBundle => ({
  id,
  bytes,
  mtimeMs: 100 * day - ageDays * day,
  pinned: false,
});
const sizeOf = (bundles: readonly StoredBundle[]): number => bundles.reduce((sum, { bytes }) => sum + bytes, 0);
const three = [of("new", 1), of("old", 3), of("middle", 2)];
const ids = (limits: Partial<typeof none>, bundles: readonly StoredBundle[] = three, freeBytes = 1e12): string[] =>
  decideRetention(bundles, { ...none, ...limits }, { wallMs: 100 * day, freeBytes }).map(
    ({ id, why }) => `${id} ${why}`,
  );

describe("retention", () => {
  it("keeps all within the limits", () => assert.deepEqual(ids({}), []));
  it("removes what is too old", () => assert.deepEqual(ids({ maxAgeMs: 2.5 * day }), ["old age"]));
  it("removes the oldest above the count", () => assert.deepEqual(ids({ maxCount: 1 }), ["old count", "middle count"]));
  it("removes the oldest above the bytes", () => assert.deepEqual(ids({ maxBytes: 20 }), ["old bytes"]));
  it("never removes the newest", () =>
    assert.deepEqual(ids({ maxCount: 0, maxBytes: 0, maxAgeMs: 0 }), ["old age", "middle age"]));
  it("gives room on a disk that is too full", () => {
    assert.deepEqual(ids({ minFreeBytes: 100 }, three, 95), ["old free"]);
    assert.deepEqual(ids({ minFreeBytes: 100 }, three, 85), ["old free", "middle free"]);
    assert.deepEqual(ids({ minFreeBytes: 100 }, three, 100), []);
  });
  it("leaves pinned ones alone, and counts them", () => {
    const pinned = three.map((bundle) => ({ ...bundle, pinned: bundle.id === "old" }));
    assert.deepEqual(ids({ maxCount: 2 }, pinned), ["middle count"]);
    assert.deepEqual(ids({ maxCount: 0, maxBytes: 0, maxAgeMs: 0 }, pinned), ["middle age"]);
  });
  it("has nothing to decide on nothing", () => assert.deepEqual(ids({ maxCount: 0 }, []), []));

  it("keeps the limits with as few removals as possible, whatever there is", () => {
    const bundle = fc.record({ id: fc.string(), bytes: fc.nat(1000), mtimeMs: fc.nat(1000), pinned: fc.boolean() });
    const limits = fc.record({
      maxCount: fc.nat(10),
      maxBytes: fc.nat(5000),
      maxAgeMs: fc.nat(1000),
      minFreeBytes: fc.nat(5000),
    });
    fc.assert(
      fc.property(
        fc.uniqueArray(bundle, { selector: ({ id }) => id }),
        limits,
        fc.nat(5000),
        (bundles, limit, free) => {
          const removed = new Set(
            decideRetention(bundles, limit, { wallMs: 1000, freeBytes: free }).map(({ id }) => id),
          );
          const kept = bundles.filter(({ id }) => !removed.has(id));
          const within = (list: readonly StoredBundle[]): boolean =>
            list.length <= limit.maxCount &&
            free + sizeOf(bundles) - sizeOf(list) >= limit.minFreeBytes &&
            list.reduce((sum, { bytes }) => sum + bytes, 0) <= limit.maxBytes &&
            list.every(({ mtimeMs, pinned }) => pinned || 1000 - mtimeMs <= limit.maxAgeMs);
          const newest = [...bundles].sort((a, b) => b.mtimeMs - a.mtimeMs || (a.id < b.id ? 1 : -1))[0];
          assert.ok(
            bundles.every((one) => !(one.pinned && removed.has(one.id))),
            "a pinned one stays",
          );
          assert.ok(newest === undefined || !removed.has(newest.id), "the newest stays");
          assert.ok(within(kept) || kept.every((one) => one.pinned || one === newest), "as much as may go goes");
          const gone = bundles.filter(({ id }) => removed.has(id));
          const last = gone.sort((a, b) => b.mtimeMs - a.mtimeMs || (a.id < b.id ? 1 : -1))[0];
          if (last) assert.ok(!within([...kept, last]), "one less would have been enough");
        },
      ),
    );
  });

  it("acts on the directory, and only on finished bundles", () =>
    withDir(async (state) => {
      const folder = join(state, "bundles");
      await realDisk.makeDirectory(folder);
      for (const [index, name] of ["a.tar.zst", "b.tar.zst", "c.tar.zst", ".d.tar.zst.part", "notes"].entries()) {
        await writeFile(join(folder, name), "x");
        await utimes(join(folder, name), index, index);
      }
      assert.deepEqual(
        (await listBundles(state)).map(({ id }) => id),
        ["c", "b", "a"],
      );
      const { removed, failed } = await applyRetention(state, { ...none, maxAgeMs: 1e15, maxCount: 1 }, fixedClock);
      assert.deepEqual([removed.map(({ id }) => id), failed], [["a", "b"], []]);
      assert.deepEqual((await readdir(folder)).sort(), [".d.tar.zst.part", "c.tar.zst", "notes"]);
    }));
});
