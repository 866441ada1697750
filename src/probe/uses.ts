import type { ProbeCodec } from "./codec.ts";
import type { OpBase } from "./op.ts";
import { nfsRpc } from "./rpc-wire.ts";
import { smbWire } from "./smb-wire.ts";
import { nfsVfs, smbVfs } from "./vfs-decoder.ts";

/** Which probe each tool rests on. */
export const probeUses: readonly { readonly codec: ProbeCodec<OpBase>; readonly tools: readonly string[] }[] = [
  { codec: smbWire, tools: ["smbslower", "smbiosnoop"] },
  { codec: smbVfs, tools: ["smbvfsslower", "smbvfsiosnoop"] },
  { codec: nfsVfs, tools: ["nfsvfsslower"] },
  { codec: nfsRpc, tools: ["nfsslower", "nfsiosnoop"] },
];
