import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bucketBounds, bucketOf } from "../probe/histogram.ts";
import { bounds, Durations } from "./durations.ts";
import { exposition, type Family, formatOf } from "./exposition.ts";
import { SeriesMap } from "./series-map.ts";

const families: Family[] = [
  {
    name: "aod_x",
    type: "counter",
    help: 'Says "x"\\y.',
    samples: [{ labels: { share: '\\\\a\\b "c"\n' }, value: 3 }],
  },
  { name: "aod_none", type: "gauge", help: "Nothing.", samples: [] },
  {
    name: "aod_h_seconds",
    type: "histogram",
    help: "H.",
    samples: [{ labels: { a: "1" }, bounds: [0.5, Number.POSITIVE_INFINITY], counts: [1, 4], sum: 2.5 }],
  },
];

test("OpenMetrics: counters by their family's name, an end", () => {
  assert.equal(
    exposition(families, "openmetrics"),
    `# HELP aod_x Says \\"x\\"\\\\y.
# TYPE aod_x counter
aod_x_total{share="\\\\\\\\a\\\\b \\"c\\"\\n"} 3
# HELP aod_h_seconds H.
# TYPE aod_h_seconds histogram
aod_h_seconds_bucket{a="1",le="0.5"} 1
aod_h_seconds_bucket{a="1",le="+Inf"} 4
aod_h_seconds_sum{a="1"} 2.5
aod_h_seconds_count{a="1"} 4
# EOF
`,
  );
});

test("the older format: counters by their sample's name, no end", () => {
  const text = exposition(families, "text");
  assert.match(text, /^# HELP aod_x_total Says "x"\\\\y\.\n# TYPE aod_x_total counter\naod_x_total\{/);
  assert.doesNotMatch(text, /EOF/);
});

test("who asks for OpenMetrics gets it", () => {
  assert.equal(formatOf("application/openmetrics-text;version=1.0.0,text/plain;q=0.5"), "openmetrics");
  assert.equal(formatOf("text/plain;version=0.0.4"), "text");
  assert.equal(formatOf(undefined), "text");
});

test("every duration is counted once, at most its bound, whatever the kernel's bucket", () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 100e9, noNaN: true }), { maxLength: 50 }), (allNs) => {
      const durations = new Durations();
      const buckets = new Map<number, number>();
      for (const ns of allNs) buckets.set(bucketOf(ns), (buckets.get(bucketOf(ns)) ?? 0) + 1);
      durations.add(buckets);
      const counts = durations.cumulative();
      assert.equal(counts.at(-1), allNs.length);
      for (const [index, bound] of bounds.entries()) {
        const below = allNs.filter((ns) => bucketBounds(bucketOf(ns)).high / 1e6 <= bound * (1 + 1e-9)).length;
        assert.equal(counts[index], Number.isFinite(bound) ? below : allNs.length);
        if (Number.isFinite(bound))
          assert.ok(
            below <= allNs.filter((ns) => ns <= bound * 1e9 * (1 + 1e-9)).length,
            "none counts below its bound",
          );
      }
    }),
  );
});

test("the bounds are borders of the kernel's buckets", () => {
  for (const bound of bounds.slice(0, -1)) {
    const { low } = bucketBounds(bucketOf(Math.round(bound * 1e9)));
    assert.ok(Math.abs(low / 1e6 - bound) < 1e-9 * bound, `${bound}`);
  }
});

test("the sum is within 13 % of the durations", () => {
  const durations = new Durations();
  for (const ns of [20_000, 1e6, 3.3e7, 1.2e9]) {
    const one = new Durations();
    one.add(new Map([[bucketOf(ns), 1]]));
    assert.ok(Math.abs(one.sum - ns / 1e9) <= 0.13 * (ns / 1e9));
    durations.add(new Map([[bucketOf(ns), 2]]));
  }
  assert.equal(durations.cumulative().at(-1), 8);
});

test("a series that there is no room for is counted, and those that are there stay", () => {
  const map = new SeriesMap<{ count: number }>(2);
  const make = () => ({ count: 0 });
  const a = map.get({ s: "a" }, 1, make);
  map.get({ s: "b" }, 1, make);
  assert.equal(map.get({ s: "c" }, 5, make), undefined);
  assert.equal(map.get({ s: "a" }, 1, make), a);
  assert.deepEqual([map.dropped, map.list().length], [5, 2]);
});
