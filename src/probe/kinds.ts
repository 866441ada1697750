// The probes that aod-probe knows, and the language of each: one line here and the files that it names.
import type { Frame } from "./frames.ts";
import type { CommonEvent, ProbeEvent } from "./op.ts";
import { type ProbeSettings, settingsFrame } from "./settings.ts";
import { fitsWire, SmbWireDecoder } from "./smb-wire.ts";

/** Reads a probe's frames. Never throws: what does not hold together is counted in `discarded` and left out. */
export interface ProbeDecoder<Event> {
  /** Why records were left out, and how many. */
  readonly discarded: ReadonlyMap<string, number>;
  /** `nowNs`: how far an op in flight has got, where the frame itself does not say when it was made. */
  decode(frame: Frame, nowNs: number): CommonEvent | Event | undefined;
}

/** What startProbe() must know of one kind of probe. */
export interface ProbeKind<Event, Settings> {
  readonly decoder: () => ProbeDecoder<Event>;
  /** Whether a payload of that length can be of that type: for FrameReader. */
  readonly fits: (type: number, length: number) => boolean;
  /** The AOD_REQUEST_SET frame. */
  readonly settingsFrame: (settings: Settings) => Buffer;
}

/** What each probe says and what can be set. */
interface Languages {
  readonly smb_wire: { readonly event: ProbeEvent; readonly settings: ProbeSettings };
}

export type ProbeName = keyof Languages;
export type EventOf<Name extends ProbeName> = Languages[Name]["event"];
export type SettingsOf<Name extends ProbeName> = Languages[Name]["settings"];

export const probeKinds: { readonly [Name in ProbeName]: ProbeKind<EventOf<Name>, SettingsOf<Name>> } = {
  smb_wire: { decoder: () => new SmbWireDecoder(), fits: fitsWire, settingsFrame },
};
