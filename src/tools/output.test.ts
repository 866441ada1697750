import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { Writable } from "node:stream";
import { text } from "node:stream/consumers";
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

  it("into a pipe that nobody reads hold nobody up", async () => {
    const program = `
      import { setImmediate } from "node:timers/promises";
      import { LineOutput } from ${JSON.stringify(join(import.meta.dirname, "output.ts"))};
      const output = new LineOutput(process.stdout, 1024 ** 2);
      for (let turn = 0; turn < 40; turn++) {
        for (let line = 0; line < 1000; line++) output.line("x".repeat(99));
        await setImmediate();
      }
      await output.end(50);
      process.stderr.write(String(output.dropped));
      if (output.stuck) process.exit();`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    // Nobody reads its stdout: only what the pipe holds gets through.
    child.stdout.pause();
    const said = await text(child.stderr);
    assert.ok(Number(said) > 28_000 && Number(said) <= 40_000, said);
    child.stdout.resume();
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
    assert.equal(output.stuck, true);
  });
});
