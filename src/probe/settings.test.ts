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
