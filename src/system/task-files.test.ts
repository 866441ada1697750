import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import fc from "fast-check";
import { withDir } from "./fixture.ts";
import { eachTask, parseTaskStat, taskWaitsIn, taskWchan } from "./task-files.ts";

// From a 6.1 kernel: fields 4 (ppid), 9 (flags), 14 and 15 (utime, stime), 22 (starttime).
const kthread = "77 (kworker/0:1-events) I 2 0 0 0 -1 69238880 0 0 0 0 3 40 0 0 20 0 1 0 555 0 0\n";

describe("files of tasks", () => {
  it("a stat has the fields of proc_pid_stat(5)", () => {
    const expected = {
      ppid: 2,
      comm: "kworker/0:1-events",
      state: "I",
      cpuTicks: 43,
      startTicks: 555,
      kernel: true,
      threads: 1,
    };
    assert.deepEqual(parseTaskStat(kthread), expected);
  });

  it("no text makes the parser throw, and no name confuses it", () => {
    fc.assert(fc.property(fc.string(), (text) => void parseTaskStat(text)));
    const name = fc.string({ maxLength: 15 });
    fc.assert(
      fc.property(name, (comm) => {
        const stat = parseTaskStat(`7 (${comm}) D 12 7`);
        assert.deepEqual([stat?.comm, stat?.state, stat?.ppid], [comm, "D", 12]);
      }),
    );
  });

  it("a function that the compiler split has its name; 0 is none", () =>
    withDir(async (root) => {
      const place = (tid: number, wchan: string) => {
        const directory = join(root, `${tid}/task/${tid}`);
        mkdirSync(directory, { recursive: true });
        writeFileSync(join(directory, "wchan"), wchan);
        return { pid: tid, tid, directory };
      };
      const split = place(7, "rpc_wait_bit_killable.isra.0");
      assert.equal(taskWaitsIn(split), "rpc_wait_bit_killable");
      assert.equal(taskWchan(split), "rpc_wait_bit_killable.isra.0");
      assert.equal(taskWaitsIn(place(5, "0")), undefined);
      assert.equal(taskWaitsIn({ pid: 6, tid: 6, directory: join(root, "6/task/6") }), undefined);
    }));

  it("an aborted walk ends", () =>
    withDir(async (root) => {
      mkdirSync(join(root, "1/task/1"), { recursive: true });
      await assert.rejects(
        eachTask(root, () => assert.fail(), AbortSignal.abort(new Error("out of time"))),
        /out of time/,
      );
    }));
});
