import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { Lines, type StreamEnd, startStream } from "./stream.ts";

const run = (argv: readonly [string, ...string[]], onLine: (line: string) => void = () => {}) => {
  let stop = (): void => {};
  const end = new Promise<StreamEnd>((onEnd) => {
    stop = startStream(argv, { maxLine: 100, onLine, onEnd }).stop;
  });
  return { end, stop: () => stop() };
};

test("lines come as they are written, and the end with what was said", async () => {
  const lines: string[] = [];
  const { end } = run(["sh", "-c", "echo one; echo two; echo oops >&2; exit 3"], (line) => lines.push(line));
  assert.deepEqual(await end, { missing: false, reason: "exit status 3: oops" });
  assert.deepEqual(lines, ["one", "two"]);
});

test("a program that is not there", async () => {
  assert.deepEqual(await run(["aod-no-such-program"]).end, {
    missing: true,
    reason: "aod-no-such-program is not installed",
  });
});

test("it is stopped with all that it started", async () => {
  const lines: string[] = [];
  let begun = (): void => {};
  const first = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const { end, stop } = run(["sh", "-c", "echo begun; sleep 1000 & wait"], (line) => {
    lines.push(line);
    begun();
  });
  await first;
  stop();
  assert.deepEqual(await end, { missing: false, reason: "ended by SIGKILL" });
});

test("it may be stopped before it has begun", async () => {
  const { end, stop } = run(["sleep", "1000"]);
  stop();
  assert.equal((await end).missing, false);
});

test("a text is cut into the same lines, whatever pieces it comes in, none longer than allowed", () => {
  const text = fc.array(fc.string({ maxLength: 30 }).map((line) => line.replaceAll("\n", " ")));
  fc.assert(
    fc.property(text, fc.array(fc.nat(50)), (lines, cuts) => {
      const got: [string, boolean][] = [];
      const cutter = new Lines({ maxLine: 10, onLine: (line, cut) => got.push([line, cut]) });
      let rest = lines.map((line) => `${line}\n`).join("");
      for (const cut of cuts) {
        cutter.push(rest.slice(0, cut));
        rest = rest.slice(cut);
      }
      cutter.push(rest);
      assert.deepEqual(
        got,
        lines.map((line) => [line.slice(0, 10), line.length > 10]),
      );
    }),
  );
});
