import { commandName, OTHER_COMMAND } from "../smb/commands.ts";
import {
  AOD_HISTORY_REQUEST_SIZE,
  AOD_SETTINGS_SIZE,
  AodFrameType,
  AodLimit,
  encodeAodHistoryRequest,
  encodeAodSettings,
} from "./decoders.gen.ts";
import { frameOf } from "./frames.ts";

/** What makes an op an outlier, and what INFLIGHT shows. Times in µs; null = never. */
export interface ProbeSettings {
  /** An op that took at least this long; for every command that `slowUsOf` does not name. */
  readonly slowUs: number | null;
  /** Command code (19 = all without a name) -> at least this long. */
  readonly slowUsOf?: ReadonlyMap<number, number | null>;
  /** Command codes: an NTSTATUS of severity error makes their ops outliers ... */
  readonly errorCommands?: Iterable<number>;
  /** ... if it is one of these; absent: any. Of others the ticks tell how many there were. A few may come that are none of them. */
  readonly errorStatuses?: Iterable<number>;
  /** Requests and waiters that are at least this old are reported while in flight. */
  readonly inflightUs: number | null;
}

/** The AOD_REQUEST_SET frame. Throws a RangeError on a code that is not a command's or a time that is no number ≥ 0. */
export function settingsFrame(settings: ProbeSettings): Buffer {
  const slowNs: number[] = [];
  for (let code = 0; code <= OTHER_COMMAND; code++) {
    const own = settings.slowUsOf?.get(code);
    slowNs.push(nanos(own === undefined ? settings.slowUs : own, `slow threshold of ${commandName(code)}`));
  }
  let errorCommands = 0;
  for (const code of settings.errorCommands ?? []) {
    if (!(code >= 0 && code <= OTHER_COMMAND)) throw new RangeError(`no command has the code ${code}`);
    errorCommands |= 1 << code;
  }
  const payload = Buffer.alloc(AOD_SETTINGS_SIZE);
  const inflightNs = nanos(settings.inflightUs, "age of what is in flight");
  encodeAodSettings({ smb: { slowNs, errorCommands, told: toldOf(settings.errorStatuses) }, inflightNs }, payload, 0);
  return frameOf(AodFrameType.REQUEST_SET, payload);
}

const WORD_BITS = 32;

/** AOD_TOLD_BIT() of smb_wire.h: the kernel looks at one bit of a status, not at a list. */
export function toldOf(statuses: Iterable<number> | undefined): number[] {
  const words = Array<number>(AodLimit.TOLD / WORD_BITS).fill(statuses === undefined ? 0xffff_ffff : 0);
  for (const status of statuses ?? []) {
    const bit = Math.imul(status, 0x9e3779b1) >>> 22;
    const at = Math.floor(bit / WORD_BITS);
    words[at] = ((words[at] ?? 0) | (1 << (bit % WORD_BITS))) >>> 0;
  }
  return words;
}

/** The AOD_REQUEST_HISTORY frame. `from`: first seq wanted, 0 = everything. */
export function historyFrame(from: number, token: number): Buffer {
  const payload = Buffer.alloc(AOD_HISTORY_REQUEST_SIZE);
  encodeAodHistoryRequest({ from, token }, payload, 0);
  return frameOf(AodFrameType.REQUEST_HISTORY, payload);
}

/** A threshold as the helper has it. */
export function nanos(us: number | null, what: string): number {
  if (us === null) return Number.POSITIVE_INFINITY;
  if (!(us >= 0)) throw new RangeError(`${what}: ${us} is not a time in µs`);
  return Math.round(us * 1000);
}
