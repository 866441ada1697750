import type { Clock } from "../../system/clock.ts";
import { FrameReader } from "../frames.ts";
import type { ProbeEvent } from "../op.ts";
import { fitsWire, SmbWireDecoder } from "../smb-wire.ts";

/** What a test's clock says when it matters little. */
const stillClock: Clock = { nowNs: () => 2e12, wallMs: () => Date.UTC(2026, 10, 22, 13, 5, 11) };

/** Every event of a frames file, and what was thrown away of it. */
export function readFrames(bytes: Buffer): {
  readonly events: readonly ProbeEvent[];
  readonly discarded: readonly string[];
} {
  const reader = new FrameReader(fitsWire);
  const decoder = new SmbWireDecoder();
  const events: ProbeEvent[] = [];
  for (const frame of reader.push(bytes)) {
    const event = decoder.decode(frame, stillClock.nowNs());
    if (event !== undefined) events.push(event);
  }
  reader.end();
  return { events, discarded: [...reader.discarded.keys(), ...decoder.discarded.keys()] };
}

/** Events as JSON text, one a line: bigints as `0x...`, maps as lists of pairs. */
export function goldenText(bytes: Buffer): string {
  const { events, discarded } = readFrames(bytes);
  const plain = (_key: string, value: unknown): unknown => {
    if (typeof value === "bigint") return `0x${value.toString(16)}`;
    return value instanceof Map ? [...value] : value;
  };
  return `${[...events, { discarded }].map((line) => JSON.stringify(line, plain)).join("\n")}\n`;
}
