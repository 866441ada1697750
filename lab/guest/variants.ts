import type { MountOptions } from "./cifs.ts";
import type { Lab } from "./lab.ts";
import type { SmbOptions } from "./samba.ts";

/** A way to mount a share: for `mountCifs`, and what the server needs for it, for `startSamba`. */
export interface MountVariant {
  readonly options: MountOptions;
  readonly global?: SmbOptions;
  /** Connections that a mount by itself has; 1 when absent. */
  readonly connections?: number;
}

/** Ways to mount that take other paths through cifs.ko. */
export const mountVariants = {
  plain: { options: {} },
  signed: { options: { sign: true } },
  encrypted: { options: { seal: true } },
  /** Responses of at least so many bytes are decrypted by a kernel worker when more than one request is on the wire. */
  offloaded: { options: { seal: true, esize: 4096 } },
  /** A connection of its own, even to a server that another mount is connected to. */
  nosharesock: { options: { nosharesock: true } },
  multichannel: {
    options: { multichannel: true, max_channels: 2 },
    global: {
      "server multi channel support": "yes",
      // The client opens a second channel to the same address only where the server says that the interface has several queues.
      // The address instead of `lo`: else the second channel goes to ::1, past the faults.
      interfaces: '"127.0.0.1;speed=1000000000,capability=RSS"',
    },
    connections: 2,
  },
  "cache-none": { options: { cache: "none" } },
  "cache-strict": { options: { cache: "strict" } },
  "cache-loose": { options: { cache: "loose" } },
} as const satisfies Readonly<Record<string, MountVariant>>;

/** Loads ksmbd, the kernel's own SMB server, whose functions have names as the client's. False where the kernel has none (5.10). */
export async function loadKsmbd(lab: Lab): Promise<boolean> {
  if ((await lab.run(["modinfo", "ksmbd"], { anyStatus: true })).status !== 0) return false;
  await lab.run(["modprobe", "ksmbd"]);
  return true;
}
