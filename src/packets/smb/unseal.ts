// MS-SMB2 2.2.41 and 3.1.4.3: both modes encrypt as AES in counter mode does, so that any part of a message can be read without the rest.
import { createDecipheriv } from "node:crypto";

export interface SessionKeys {
  /** `0x1b80118000065` */
  readonly session: string;
  readonly toServer: Buffer;
  readonly toClient: Buffer;
}

/** Of a message: its bytes that begin at an offset, decrypted. */
export type Unseal = (bytes: Buffer, offset: number) => Buffer;

/** By the transform header and the first bytes behind it; undefined: there is no key for it, or the key is not the right one. */
export type Unsealer = (transform: Buffer, beginning: Buffer, toServer: boolean) => Unseal | undefined;

type Mode = "GCM" | "CCM";

const BLOCK = 16;
const NONCE = 20;
const SESSION = 44;

/** Which cipher it is follows from the length of the key and from what comes out: SMB2's header begins with a known word. */
export function unsealerOf(keys: readonly SessionKeys[]): Unsealer {
  const bySession = new Map(keys.map((entry) => [entry.session, entry]));
  const modes = new Map<string, Mode>();
  return (transform, beginning, toServer) => {
    const session = `0x${transform.readBigUInt64LE(SESSION).toString(16)}`;
    const entry = bySession.get(session);
    if (entry === undefined || beginning.length < 4) return undefined;
    const key = toServer ? entry.toServer : entry.toClient;
    const known = modes.get(session);
    for (const mode of known === undefined ? (["GCM", "CCM"] as const) : [known]) {
      const unseal = unsealWith(key, mode, transform);
      if (!isMessage(unseal(beginning, 0))) continue;
      modes.set(session, mode);
      return unseal;
    }
    return undefined;
  };
}

function unsealWith(key: Buffer, mode: Mode, transform: Buffer): Unseal {
  // The counter begins with 2 (GCM: 1 is that of the signature) or 1 (CCM: 0 is that of the signature).
  const counter = Buffer.alloc(BLOCK);
  if (mode === "GCM") transform.copy(counter, 0, NONCE, NONCE + 12);
  else {
    counter.writeUInt8(3, 0);
    transform.copy(counter, 1, NONCE, NONCE + 11);
  }
  const first = mode === "GCM" ? 2 : 1;
  return (bytes, offset) => {
    const skipped = offset % BLOCK;
    counter.writeUInt32BE((first + Math.floor(offset / BLOCK)) >>> 0, 12);
    const cipher = createDecipheriv(key.length === 32 ? "aes-256-ctr" : "aes-128-ctr", key, counter);
    if (skipped > 0) cipher.update(Buffer.alloc(skipped));
    return cipher.update(bytes);
  };
}

function isMessage(bytes: Buffer): boolean {
  const magic = bytes.readUInt32BE(0);
  return magic === 0xfe534d42 || magic === 0xfc534d42;
}
