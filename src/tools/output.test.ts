import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { describe, it } from "node:test";
import { setImmediate } from "node:timers/promises";
import { LineOutput } from "./output.ts";

/** A reader that takes nothing until it is told to. */
function reader() {
  const chunks: string[] = [];
  let release: (() => void) | undefined;
  let open = false;
  const stream = new Writable({
    highWaterMark: 1,
    decodeStrings: false,
    write: (chunk: string, _encoding, done) => {
      chunks.push(chunk);
      if (open) done();
      else release = done;
    },
  });
  const take = (): void => {
    open = true;
    release?.();
  };
  return { stream, chunks, take };
}

describe("lines of output", () => {
  it("go out together, once per turn of the event loop", async () => {
    const { stream, chunks, take } = reader();
    take();
    const output = new LineOutput(stream);
    output.line("a");
    output.line("b");
    assert.deepEqual(chunks, []);
    await setImmediate();
    output.line("c");
    await output.end();
    assert.deepEqual(chunks, ["a\nb\n", "c\n"]);
    assert.equal(output.dropped, 0);
  });

  it("that nobody takes are dropped at the limit, and counted", async () => {
    const { stream, chunks, take } = reader();
    const output = new LineOutput(stream, 100);
    for (let line = 0; line < 50; line++) {
      output.line("123456789");
      await setImmediate();
    }
    assert.equal(output.dropped, 40);
    take();
    await output.end();
    assert.equal(chunks.join("").split("\n").length - 1, 50 - output.dropped);
  });

  it("that wait at the end for a reader who has stopped are given up", async () => {
    const { stream } = reader();
    const output = new LineOutput(stream);
    output.line("a");
    await setImmediate();
    output.line("b");
    output.line("c");
    await output.end(20);
    assert.equal(output.dropped, 3);
    assert.equal(stream.destroyed, true);
  });
});
