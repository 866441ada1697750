import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type SlowEntry, SlowWindow } from "./slow-window.ts";

const entry = (key: string, timeNs: number): SlowEntry<undefined> => ({ key, timeNs, detail: undefined });

test("the times of the entries count, not the batches that they come in", () => {
  const spread = new SlowWindow<undefined>({ windowNs: 10, count: 3 });
  assert.equal(spread.add([entry("a", 0), entry("b", 10), entry("c", 20)]), undefined, "one batch, but 20 apart");
  const dense = new SlowWindow<undefined>({ windowNs: 10, count: 3 });
  assert.equal(dense.add([entry("a", 0)]), undefined);
  assert.equal(dense.add([entry("b", 5)]), undefined);
  assert.deepEqual(
    dense.add([entry("c", 9)])?.entries.map(({ key }) => key),
    ["a", "b", "c"],
  );
});

test("the window is half open: entries exactly a window apart do not meet", () => {
  const window = new SlowWindow<undefined>({ windowNs: 10, count: 2 });
  assert.equal(window.add([entry("a", 0), entry("b", 10)]), undefined);
  assert.equal(window.add([entry("c", 9)])?.timeNs, 10);
});

test("a key counts once, at its latest time", () => {
  const window = new SlowWindow<undefined>({ windowNs: 10, count: 2 });
  window.add([entry("a", 0)]);
  assert.equal(window.add([entry("a", 5)]), undefined);
  assert.equal(window.add([entry("b", 12)])?.entries.length, 2, "a moved from 0 to 5");
});

test("a cluster without anything new in it is not told again", () => {
  const window = new SlowWindow<undefined>({ windowNs: 10, count: 2 });
  assert.notEqual(window.add([entry("a", 0), entry("b", 1)]), undefined);
  assert.equal(window.add([entry("c", 18)]), undefined);
});

/** All entries ever, the rule as it is written. */
class Naive {
  readonly #entries = new Map<string, number>();
  readonly #windowNs: number;
  readonly #count: number;

  constructor(windowNs: number, count: number) {
    this.#windowNs = windowNs;
    this.#count = count;
  }

  add(batch: readonly SlowEntry<undefined>[]): number | undefined {
    for (const { key, timeNs } of batch) this.#entries.set(key, Math.max(timeNs, this.#entries.get(key) ?? timeNs));
    const fresh = new Set(batch.map(({ key }) => key));
    const ends = [...this.#entries.values()].filter((endNs) => {
      const within = [...this.#entries].filter(([, timeNs]) => timeNs <= endNs && endNs - timeNs < this.#windowNs);
      return within.length >= this.#count && within.some(([key]) => fresh.has(key));
    });
    return ends.length === 0 ? undefined : Math.max(...ends);
  }
}

/** Batches whose times lie at most one window behind the newest that came before. */
const arrivals = fc
  .array(
    fc.array(
      fc.record({
        key: fc.integer({ min: 0, max: 40 }),
        late: fc.integer({ min: 0, max: 99 }),
        step: fc.nat({ max: 60 }),
      }),
      { maxLength: 8 },
    ),
    {
      maxLength: 40,
    },
  )
  .map((batches) => {
    let newest = 0;
    return batches.map((batch) =>
      batch.map(({ key, late, step }) => {
        newest += step;
        return entry(String(key), Math.max(0, newest - late));
      }),
    );
  });

test("it says what a model that forgets nothing says, for what comes at most a window late", () => {
  fc.assert(
    fc.property(arrivals, fc.integer({ min: 1, max: 12 }), fc.integer({ min: 0, max: 40 }), (batches, count, limit) => {
      const window = new SlowWindow<undefined>({ windowNs: 100, count, limit: Math.max(limit, 100) });
      const naive = new Naive(100, count);
      for (const batch of batches) assert.equal(window.add(batch)?.timeNs, naive.add(batch));
    }),
    { numRuns: 300 },
  );
});

test("it stays within its bound, and a bound of `count` still finds every cluster of what comes in order", () => {
  const ordered = fc.array(fc.array(fc.nat({ max: 30 }), { maxLength: 20 }), { maxLength: 30 });
  fc.assert(
    fc.property(ordered, fc.integer({ min: 1, max: 6 }), (batches, count) => {
      const window = new SlowWindow<undefined>({ windowNs: 100, count, limit: count });
      const naive = new Naive(100, count);
      let timeNs = 0;
      let key = 0;
      for (const steps of batches) {
        const batch = steps.map((step) => {
          timeNs += step;
          key += 1;
          return entry(String(key), timeNs);
        });
        const found = window.add(batch);
        const expected = naive.add(batch);
        // With so little memory it may see only the last of a batch; what it sees is true, and it misses no batch that ends in a cluster.
        if (found !== undefined) assert.notEqual(expected, undefined);
        if (expected === timeNs && batch.length > 0) assert.equal(found?.timeNs, timeNs);
        assert.ok(window.size <= Math.max(count, 1));
      }
    }),
    { numRuns: 300 },
  );
});
