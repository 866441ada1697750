import assert from "node:assert/strict";
import test from "node:test";
import { mergeNeeds, type Needs } from "./detector.ts";

test("what one detector needs is not lost for what another does", () => {
  const merged = mergeNeeds([
    { slowNs: new Map([[5, 200]]), inflightNs: 500, rpc: { slowNs: 100, errors: true } },
    {
      slowNs: new Map([
        [5, 100],
        [8, 300],
      ]),
      errorCommands: new Set([5]),
      rpc: { slowNsOf: new Map([["READ", 400]]), inflightNs: 900 },
      vfsErrors: true,
    },
    { slowNs: new Map(), errorCommands: new Set([6]), inflightNs: 700 },
  ]);
  assert.deepEqual(merged, {
    slowNs: new Map([
      [5, 100],
      [8, 300],
    ]),
    errorCommands: new Set([5, 6]),
    inflightNs: 500,
    rpc: { slowNs: 100, slowNsOf: new Map([["READ", 100]]), errors: true, inflightNs: 900 },
    vfsErrors: true,
  });
});

test("statuses are left out only where nobody wants them all", () => {
  const some = { slowNs: new Map(), errorCommands: new Set([5]), errorStatuses: new Set([1]) };
  const others = { slowNs: new Map(), errorCommands: new Set([6]), errorStatuses: new Set([2]) };
  const all = { slowNs: new Map(), errorCommands: new Set([6]) };
  assert.deepEqual(mergeNeeds([some, others, { slowNs: new Map() }]).errorStatuses, new Set([1, 2]));
  assert.equal(mergeNeeds([some, all]).errorStatuses, undefined);
});

test("those of RPCs too", () => {
  const of = (rpc: Needs["rpc"]): Needs => ({ slowNs: new Map(), ...(rpc === undefined ? {} : { rpc }) });
  const some = of({ errors: true, errorStatuses: new Set([70]) });
  const others = of({ errors: true, errorStatuses: new Set([13]) });
  assert.deepEqual(mergeNeeds([some, others, of({ slowNs: 5 }), of(undefined)]).rpc?.errorStatuses, new Set([70, 13]));
  assert.equal(mergeNeeds([some, of({ errors: true })]).rpc?.errorStatuses, undefined);
  assert.equal(mergeNeeds([some, of({ errors: true })]).rpc?.errors, true);
});

test("what nobody needs is not asked for", () => {
  assert.deepEqual(mergeNeeds([{ slowNs: new Map() }]), { slowNs: new Map() });
});
