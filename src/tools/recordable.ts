// What `aod record ops` can record: one line for each probe.
import type { OpEvent, ProbeCodec, ProbeName } from "../probe/codec.ts";
import type { OpBase } from "../probe/op.ts";
import { rpcSettingsFrame } from "../probe/rpc-settings.ts";
import { nfsRpc } from "../probe/rpc-wire.ts";
import { settingsFrame } from "../probe/settings.ts";
import { smbWire } from "../probe/smb-wire.ts";
import { nfsVfs, smbVfs } from "../probe/vfs-decoder.ts";
import { vfsTypes } from "../probe/vfs-op.ts";
import { vfsSettingsFrame } from "../probe/vfs-settings.ts";
import type { World } from "./op.ts";
import { reconnectWaiters } from "./smb.ts";
import type { WaiterSampler } from "./spec.ts";

export interface RecordOptions {
  /** What requests ask for. */
  readonly params: boolean;
}

/** One probe, as it is recorded: everything, whatever tool will read it. */
export interface Recordable {
  readonly codec: ProbeCodec<OpBase, OpEvent<OpBase>>;
  /** The request that makes it report every op. */
  readonly request: Buffer;
  readonly args: (options: RecordOptions) => readonly string[];
  /** Files below /proc that the names of its ops come from. */
  readonly files: readonly string[];
  readonly waiters?: (world: World) => WaiterSampler<OpBase>;
}

const mounts = "self/mountinfo";

export const recordables: readonly Recordable[] = [
  {
    codec: smbWire,
    request: settingsFrame({ slowUs: 0, inflightUs: 0 }),
    args: ({ params }) => (params ? ["--params"] : []),
    files: ["fs/cifs/DebugData", mounts],
    waiters: reconnectWaiters,
  },
  {
    codec: nfsRpc,
    request: rpcSettingsFrame({ slowUs: 0, errors: true, paths: true, inflightUs: 0 }),
    args: () => [],
    files: [mounts],
  },
  ...[smbVfs, nfsVfs].map((codec) => ({
    codec,
    request: vfsSettingsFrame({ slowUs: 0, inflightUs: 0 }),
    // Not those that other file systems share: their calls would cost, whoever makes them.
    args: () => ["--types", vfsTypes.map((type) => type.toLowerCase()).join(","), "--paths"],
    files: [mounts],
  })),
];

export const recordableNames: readonly ProbeName[] = recordables.map(({ codec }) => codec.name);
