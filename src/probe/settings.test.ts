import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AOD_FRAME_SIZE, decodeAodHistoryRequest, decodeAodSettings } from "./decoders.gen.ts";
import { historyFrame, settingsFrame } from "./settings.ts";

const NEVER = 2 ** 64;

describe("settingsFrame", () => {
  it("has a threshold for each command, in ns", () => {
    const slowUsOf = new Map([
      [8, 250],
      [15, null],
    ]);
    const frame = settingsFrame({ slowUs: 10_000, slowUsOf, errorCommands: [5, 19], inflightUs: 1_000_000 });
    const { smb, inflightNs } = decodeAodSettings(frame, AOD_FRAME_SIZE);
    assert.equal(smb.slowNs[0], 1e7);
    assert.equal(smb.slowNs[8], 250_000);
    assert.equal(smb.slowNs[15], NEVER);
    assert.equal(smb.slowNs[19], 1e7);
    assert.equal(smb.errorCommands, (1 << 5) | (1 << 19));
    assert.equal(inflightNs, 1e9);
  });

  it("has a bit for each status that is wanted one by one, the kernel's", () => {
    const told = (errorStatuses?: number[]): readonly number[] =>
      decodeAodSettings(
        settingsFrame({ slowUs: null, inflightUs: null, ...(errorStatuses === undefined ? {} : { errorStatuses }) }),
        AOD_FRAME_SIZE,
      ).smb.told;
    const isTold = (words: readonly number[], status: number): boolean => {
      // AOD_TOLD_BIT() of smb_wire.h
      const bit = Number((BigInt(status) * 0x9e3779b1n) & 0xffff_ffffn) >>> 22;
      return (((words[bit >>> 5] ?? 0) >>> (bit & 31)) & 1) === 1;
    };
    assert.ok(told().every((word) => word === 0xffff_ffff));
    assert.ok(told([]).every((word) => word === 0));
    const words = told([0xc0000022, 0xc000007f]);
    assert.deepEqual(
      [isTold(words, 0xc0000022), isTold(words, 0xc000007f), isTold(words, 0xc0000034)],
      [true, true, false],
    );
  });

  it("null is never", () => {
    const { smb, inflightNs } = decodeAodSettings(settingsFrame({ slowUs: null, inflightUs: null }), AOD_FRAME_SIZE);
    assert.ok(smb.slowNs.every((ns) => ns === NEVER));
    assert.equal(inflightNs, NEVER);
  });

  it("refuses what is no time and no command", () => {
    assert.throws(() => settingsFrame({ slowUs: -1, inflightUs: null }), RangeError);
    assert.throws(() => settingsFrame({ slowUs: Number.NaN, inflightUs: null }), RangeError);
    assert.throws(() => settingsFrame({ slowUs: 1, inflightUs: null, errorCommands: [20] }), RangeError);
  });
});

describe("historyFrame", () => {
  it("carries the first seq and the token", () => {
    assert.deepEqual(decodeAodHistoryRequest(historyFrame(7, 9), AOD_FRAME_SIZE), { from: 7, token: 9 });
  });
});
