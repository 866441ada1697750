import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { parsePressureCounters } from "./pressure.ts";

const io = "some avg10=1.00 avg60=0.50 avg300=0.10 total=123456\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7890\n";

test("ticks, memory and stalled time", () => {
  const counters = parsePressureCounters({
    stat: "cpu  100 1 50 800 40 2 3 4 5 6\ncpu0 1 2 3\nprocs_blocked 2\n",
    meminfo: "MemTotal:  1000 kB\nMemAvailable: 400 kB\nDirty: 8 kB\nShmem: 1 kB\n",
    pressure: { io, cpu: undefined },
  });
  assert.deepEqual(counters.cpu, { busy: 160, iowait: 40, total: 1000 });
  assert.equal(counters.tasksBlocked, 2);
  assert.deepEqual([...counters.memory.keys()], ["MemTotal", "MemAvailable", "Dirty"]);
  assert.deepEqual(
    [...counters.stalled],
    [
      ["io some", 123456],
      ["io full", 7890],
    ],
  );
});

test("a kernel that tells nothing", () => {
  const counters = parsePressureCounters({ stat: undefined, meminfo: undefined, pressure: {} });
  assert.deepEqual([counters.cpu, counters.memory.size, counters.stalled.size], [undefined, 0, 0]);
  fc.assert(
    fc.property(
      fc.string(),
      (text) => void parsePressureCounters({ stat: text, meminfo: text, pressure: { io: text } }),
    ),
  );
});
