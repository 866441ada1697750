import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parseKernelRecord, type RecordReader, readKernelLog } from "./kernel-log.ts";

const error = (code: string): Error => Object.assign(new Error(code), { code });

/** Gives each text as a record; an Error is thrown. EAGAIN at the end. */
function readerOf(script: readonly (string | Error)[]): RecordReader & { closed: boolean } {
  let next = 0;
  return {
    closed: false,
    read(into) {
      const step = script[next++] ?? error("EAGAIN");
      if (step instanceof Error) throw step;
      return into.write(step);
    },
    close() {
      this.closed = true;
    },
  };
}

const line = (seq: number, timeUs: number): string => `6,${seq},${timeUs},-;message ${seq}\n`;
const all = { fromUs: 0, maxRecords: 1000 };

describe("the kernel's log", () => {
  it("is read to its end and closed", async () => {
    const reader = readerOf([line(1, 10), line(2, 20)]);
    const slice = await readKernelLog(reader, all);
    assert.deepEqual(
      slice.records.map(({ seq }) => seq),
      [1, 2],
    );
    assert.deepEqual([slice.lost, slice.unparsed, slice.dropped, reader.closed], [0, 0, 0, true]);
  });

  it("counts what the kernel overwrote by the gap in the numbers", async () => {
    const slice = await readKernelLog(readerOf([line(1, 1), error("EPIPE"), line(8, 8), line(9, 9)]), all);
    assert.equal(slice.lost, 6);
    assert.equal((await readKernelLog(readerOf([error("EPIPE"), line(8, 8)]), all)).lost, 1);
  });

  it("gives the time that was asked for, and of that the last", async () => {
    const script = Array.from({ length: 5000 }, (_, n) => line(n, n));
    const slice = await readKernelLog(readerOf(script), { fromUs: 1000, maxRecords: 10 });
    assert.deepEqual([slice.records[0]?.seq, slice.records.at(-1)?.seq, slice.records.length], [4990, 4999, 10]);
    assert.equal(slice.dropped, 3990);
  });

  it("passes other errors on, and closes", async () => {
    const reader = readerOf([line(1, 1), error("EIO")]);
    await assert.rejects(readKernelLog(reader, all), /EIO/);
    assert.equal(reader.closed, true);
  });

  it("counts what it does not understand", async () => {
    const slice = await readKernelLog(readerOf(["garbage", line(3, 3)]), all);
    assert.deepEqual([slice.unparsed, slice.records.length], [1, 1]);
  });
});

describe("a record", () => {
  it("is parsed with its dictionary and escapes", () => {
    const text = "30,1234,5678901,c,caller=T1;CIFS: \\xc3\\xa4 message; with more\n SUBSYSTEM=net\n DEVICE=+net:lo\n";
    assert.deepEqual(parseKernelRecord(text), {
      level: 6,
      facility: 3,
      seq: 1234,
      timeUs: 5678901,
      message: "CIFS: ä message; with more",
      details: { SUBSYSTEM: "net", DEVICE: "+net:lo" },
    });
  });

  it("never throws", () => {
    fc.assert(fc.property(fc.string(), (text) => void parseKernelRecord(text)));
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.string(), (seq, time, message) => {
        const flat = message.replace(/[\n\\]/g, " ");
        assert.equal(parseKernelRecord(`6,${seq},${time},-;${flat}\n`)?.message, flat);
      }),
    );
  });
});
