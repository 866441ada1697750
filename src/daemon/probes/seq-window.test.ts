import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SeqWindow } from "./seq-window.ts";

test("it knows what a set knows, for as many as it has places", () => {
  const step = fc.oneof(
    fc.record({ what: fc.constant("add"), by: fc.integer({ min: -2000, max: 40_000 }) }),
    fc.record({ what: fc.constant("advance"), by: fc.integer({ min: 0, max: 40_000 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const [window, set] = [new SeqWindow(), new Set<number>()];
      let from = 0;
      for (const { what, by } of steps) {
        const seq = Math.max(0, from + by);
        if (what === "add") {
          const fits = seq >= from && seq < from + 32_768;
          assert.equal(window.add(seq), fits);
          if (fits) set.add(seq);
        } else {
          const gone = [...set].filter((one) => one < seq);
          assert.equal(window.advance(seq), gone.length);
          for (const one of gone) set.delete(one);
          from = seq;
        }
        assert.equal(window.size, set.size);
        assert.ok([...set].every((one) => window.has(one)));
        for (const other of [from - 1, from, seq, seq + 1, seq + 32_768, seq - 32_768])
          assert.equal(window.has(other), set.has(other));
      }
    }),
  );
});
