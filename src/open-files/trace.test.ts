import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { OpenTrace } from "./trace.ts";

/** `TASK call`, one after the other. */
function traced(...calls: readonly string[]): OpenTrace {
  const trace = new OpenTrace((path) => path.startsWith("/mnt/"));
  trace.begin(10, [11]);
  calls.forEach((call, at) => {
    const [tid = "", ...rest] = call.split(" ");
    trace.take(`${tid} 1795408928.${String(at).padStart(6, "0")} ${rest.join(" ")}`);
  });
  return trace;
}

const opened = (tid: number, fd: number, name = "a", flags = "O_RDONLY"): string =>
  `${tid} openat(AT_FDCWD</>, "/mnt/${name}", ${flags}) = ${fd}</mnt/${name}>`;
const left = (trace: OpenTrace): string[] =>
  trace.left.map(({ path, descriptors }) => `${path} ${[...descriptors].join()}`);

describe("a trace of opens and closes", () => {
  const cases: readonly [string, readonly string[], readonly string[]][] = [
    ["what is closed is gone", [opened(10, 3), "10 close(3</mnt/a>) = 0"], []],
    [
      "what is not stays, with its descriptor",
      [opened(10, 3), opened(10, 4), "10 close(4</mnt/a>) = 0"],
      ["/mnt/a 10 3"],
    ],
    ["a thread closes what another opened", [opened(10, 3), "11 close(3</mnt/a>) = 0"], []],
    ["a copy keeps it", [opened(10, 3), "10 dup(3</mnt/a>) = 5</mnt/a>", "10 close(3</mnt/a>) = 0"], ["/mnt/a 10 5"]],
    [
      "by fcntl too",
      [opened(10, 3), "10 fcntl(3</mnt/a>, F_DUPFD_CLOEXEC, 9) = 9</mnt/a>", "10 close(3</mnt/a>) = 0"],
      ["/mnt/a 10 9"],
    ],
    [
      "dup2 closes what stood there",
      [opened(10, 3), opened(10, 4, "b"), "10 dup2(4</mnt/b>, 3</mnt/a>) = 3</mnt/b>"],
      ["/mnt/b 10 4,10 3"],
    ],
    [
      "a child has a copy until it ends",
      [opened(10, 3), "10 clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|SIGCHLD) = 20", "10 close(3</mnt/a>) = 0"],
      ["/mnt/a 20 3"],
    ],
    ["and not after it", [opened(10, 3), "10 fork() = 20", "10 close(3</mnt/a>) = 0", "20 +++ exited with 0 +++"], []],
    [
      "a new thread has the same",
      [
        "10 clone3({flags=CLONE_VM|CLONE_FILES|CLONE_THREAD, exit_signal=0}, 88) = 21",
        opened(21, 3),
        "10 close(3</mnt/a>) = 0",
      ],
      [],
    ],
    ["the end of one thread closes nothing", [opened(11, 3), "11 +++ exited with 0 +++"], ["/mnt/a 10 3"]],
    [
      "execve closes what was to be closed then",
      [opened(10, 3, "a", "O_RDWR|O_CLOEXEC"), opened(10, 4, "b"), '10 execve("/bin/x", [...], 0x1) = 0'],
      ["/mnt/b 10 4"],
    ],
    ["close_range", [opened(10, 3), opened(10, 7), "10 close_range(5, 4294967295, 0) = 0"], ["/mnt/a 10 3"]],
    ["other file systems do not concern us", ['10 openat(AT_FDCWD</>, "/etc/hosts", O_RDONLY) = 3</etc/hosts>'], []],
  ];
  for (const [name, calls, expected] of cases) it(name, () => assert.deepEqual(left(traced(...calls)), expected));

  it("calls in two parts are put together, by task", () => {
    const trace = traced(
      '10 openat(AT_FDCWD</>, "/mnt/a", O_RDONLY <unfinished ...>',
      opened(11, 4, "b"),
      "10 <... openat resumed>) = 3</mnt/a>",
      "11 close(4</mnt/b> <unfinished ...>",
      "11 <... close resumed>) = 0",
    );
    assert.deepEqual(left(trace), ["/mnt/a 10 3"]);
    assert.equal(trace.files.find(({ path }) => path === "/mnt/b")?.closed, 1795408928.000004);
    assert.equal(trace.unknown, 0);
  });

  it("failures, closes of older descriptors and unknown lines are counted", () => {
    const trace = traced(
      '10 openat(AT_FDCWD</>, "/mnt/none", O_RDONLY) = -1 ENOENT (No such file or directory)',
      "10 close(9</mnt/old>) = 0",
      "10 --- SIGCHLD {si_signo=SIGCHLD} ---",
      "10 close(3</mnt/a>) = ?",
    );
    trace.take("what is this");
    assert.deepEqual([trace.failed, trace.closedBefore, trace.unknown, trace.files.length], [1, 1, 1, 0]);
  });

  it("never throws", () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (lines) => {
        const trace = new OpenTrace(() => true);
        for (const line of lines) trace.take(`1 2.3 ${line}`);
      }),
    );
  });
});
