import type { Frame } from "./frames.ts";
import type { CommonEvent, OpBase, ProbeEvent, TickBase } from "./op.ts";

/** The probes that aod-probe knows. */
export type ProbeName = "smb_wire" | "smb_vfs" | "nfs_rpc" | "nfs_vfs";

/** What any probe says about ops of one kind, as far as all of them say the same. */
export type OpEvent<Op extends OpBase> = ProbeEvent<Op, TickBase>;

/** Reads a probe's frames. Never throws: what does not hold together is counted in `discarded` and left out. */
export interface ProbeDecoder<Event> {
  /** Why records were left out, and how many. */
  readonly discarded: ReadonlyMap<string, number>;
  /** `nowNs`: how far an op in flight has got, where the frame itself does not say when it was made. */
  decode(frame: Frame, nowNs: number): CommonEvent | Event | undefined;
}

/** What aod needs to know of one kind of probe to start it and to understand it. */
export interface ProbeCodec<Op extends OpBase, Event extends OpEvent<Op> = OpEvent<Op>> {
  readonly name: ProbeName;
  /** The name of its BPF object, without `.bpf.o`. */
  readonly object: string;
  /** The kernel module whose presence means that there is something to see. */
  readonly module: string;
  /** Whether a payload of that length can be of that type: for FrameReader. */
  readonly fits: (type: number, length: number) => boolean;
  readonly decoder: () => ProbeDecoder<Event>;
}
