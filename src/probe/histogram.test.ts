import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { bucketBounds, bucketOf } from "./histogram.ts";

describe("histogram buckets", () => {
  it("count in units of 1.024 µs below four units", () => {
    assert.deepEqual([0, 1_023, 1_024, 2_048, 3_072, 4_095].map(bucketOf), [0, 0, 1, 2, 3, 3]);
  });

  it("have four to an octave above", () => {
    assert.deepEqual(
      [4, 5, 6, 7, 8, 9, 10, 15, 16].map((units) => bucketOf(units * 1_024)),
      [4, 5, 6, 7, 8, 8, 9, 11, 12],
    );
  });

  it("hold what is put into them", () => {
    fc.assert(
      fc.property(fc.oneof(fc.nat(100_000), fc.maxSafeNat()), (ns) => {
        const { low, high } = bucketBounds(bucketOf(ns));
        assert.ok(low <= ns / 1_000 && ns / 1_000 < high, `${low} <= ${ns / 1_000} < ${high}`);
      }),
    );
  });

  it("are at most a quarter wider than they begin", () => {
    for (let bucket = 4; bucket < 124; bucket++) {
      const { low, high } = bucketBounds(bucket);
      assert.ok((high - low) / low <= 0.2501, `bucket ${bucket}`);
    }
  });

  it("end where the next begins, and the last never", () => {
    for (let bucket = 0; bucket < 127; bucket++) assert.equal(bucketBounds(bucket).high, bucketBounds(bucket + 1).low);
    assert.equal(bucketBounds(127).high, Number.POSITIVE_INFINITY);
  });
});
