// NTLMv2 over NTLMSSP: MS-NLMP 2.2.1 and 3.3.2. The flags are those that the kernel's client sends.
import { createHmac, randomBytes } from "node:crypto";
import { md4 } from "./crypto/md4.ts";
import { rc4 } from "./crypto/rc4.ts";

export interface Credentials {
  readonly user: string;
  readonly domain: string;
  readonly password: string;
}

const SIGNATURE = "NTLMSSP\0";
const flag = {
  unicode: 0x1,
  requestTarget: 0x4,
  sign: 0x10,
  seal: 0x20,
  ntlm: 0x200,
  anonymous: 0x800,
  alwaysSign: 0x8000,
  extendedSecurity: 0x8_0000,
  targetInfo: 0x80_0000,
  version: 0x200_0000,
  bits128: 0x2000_0000,
  keyExchange: 0x4000_0000,
} as const;
const offered =
  flag.unicode |
  flag.requestTarget |
  flag.sign |
  flag.seal |
  flag.ntlm |
  flag.alwaysSign |
  flag.extendedSecurity |
  flag.targetInfo |
  flag.bits128 |
  flag.keyExchange;

export function ntlmNegotiate(): Buffer {
  const message = Buffer.alloc(32);
  message.write(SIGNATURE, "latin1");
  message.writeUInt32LE(1, 8);
  message.writeUInt32LE(offered, 12);
  return message;
}

export interface NtlmChallenge {
  readonly flags: number;
  readonly nonce: Buffer;
  readonly targetInfo: Buffer;
}

/** Undefined for what is no CHALLENGE. */
export function parseChallenge(buffer: Buffer): NtlmChallenge | undefined {
  const start = buffer.indexOf(SIGNATURE, 0, "latin1");
  const message = buffer.subarray(Math.max(0, start));
  if (start < 0 || message.length < 48 || message.readUInt32LE(8) !== 2) return undefined;
  const [length, offset] = [message.readUInt16LE(40), message.readUInt32LE(44)];
  return {
    flags: message.readUInt32LE(20),
    nonce: message.subarray(24, 32),
    targetInfo: message.subarray(offset, offset + length),
  };
}

export interface Authenticate {
  readonly message: Buffer;
  /** Signing and encryption derive theirs from it; undefined for nobody, who has none. */
  readonly sessionKey?: Buffer;
}

const utf16 = (text: string): Buffer => Buffer.from(text, "utf16le");
const hmac = (key: Buffer, ...data: readonly Buffer[]): Buffer => {
  const mac = createHmac("md5", key);
  for (const piece of data) mac.update(piece);
  return mac.digest();
};

/** NTOWFv2. */
export const ntlmV2Key = ({ user, domain, password }: Credentials): Buffer =>
  hmac(md4(utf16(password)), utf16(user.toUpperCase() + domain));

export interface Nonces {
  readonly client: Buffer;
  readonly sessionKey: Buffer;
  /** FILETIME, for a server that tells no time. */
  readonly time: bigint;
}

const EPOCH_TICKS = 116_444_736_000_000_000n;
const freshNonces = (): Nonces => ({
  client: randomBytes(8),
  sessionKey: randomBytes(16),
  time: BigInt(Date.now()) * 10_000n + EPOCH_TICKS,
});

export function ntlmAuthenticate(who: Credentials, challenge: NtlmChallenge, nonces = freshNonces()): Authenticate {
  const time = Buffer.alloc(8);
  time.writeBigUInt64LE(nonces.time);
  const serverTime = timeOf(challenge.targetInfo);
  const blob = Buffer.concat([
    Buffer.from([1, 1, 0, 0, 0, 0, 0, 0]),
    serverTime ?? time,
    nonces.client,
    Buffer.alloc(4),
    challenge.targetInfo,
    Buffer.alloc(4),
  ]);
  const key = ntlmV2Key(who);
  const proof = hmac(key, challenge.nonce, blob);
  const base = hmac(key, proof);
  const exchanged = (challenge.flags & flag.keyExchange) !== 0;
  return {
    message: authenticateBytes(who, {
      lm: Buffer.alloc(24),
      nt: Buffer.concat([proof, blob]),
      key: exchanged ? rc4(base, nonces.sessionKey) : Buffer.alloc(0),
      flags: offered & challenge.flags,
    }),
    sessionKey: exchanged ? nonces.sessionKey : base,
  };
}

/** Nobody: what `sec=none` and `guest` without a name send. */
export const ntlmAnonymous = (challenge: NtlmChallenge): Authenticate => ({
  message: authenticateBytes(
    { user: "", domain: "" },
    {
      lm: Buffer.alloc(1),
      nt: Buffer.alloc(0),
      key: Buffer.alloc(0),
      flags: (offered & challenge.flags & ~flag.keyExchange) | flag.anonymous,
    },
  ),
});

interface Answers {
  readonly lm: Buffer;
  readonly nt: Buffer;
  readonly key: Buffer;
  readonly flags: number;
}

function authenticateBytes(who: Pick<Credentials, "user" | "domain">, { lm, nt, key, flags }: Answers): Buffer {
  const fixed = Buffer.alloc(64);
  fixed.write(SIGNATURE, "latin1");
  fixed.writeUInt32LE(3, 8);
  const fields = [lm, nt, utf16(who.domain), utf16(who.user), utf16("aod"), key];
  let offset = fixed.length;
  for (const [index, bytes] of fields.entries()) {
    const at = 12 + 8 * index;
    fixed.writeUInt16LE(bytes.length, at);
    fixed.writeUInt16LE(bytes.length, at + 2);
    fixed.writeUInt32LE(offset, at + 4);
    offset += bytes.length;
  }
  fixed.writeUInt32LE(flags >>> 0, 60);
  return Buffer.concat([fixed, ...fields]);
}

/** MsvAvTimestamp, which the answer has to repeat: a client whose clock is wrong logs in all the same. */
function timeOf(info: Buffer): Buffer | undefined {
  for (let at = 0; at + 4 <= info.length; ) {
    const [id, length] = [info.readUInt16LE(at), info.readUInt16LE(at + 2)];
    if (id === 0) return undefined;
    if (id === 7 && length === 8) return info.subarray(at + 4, at + 12);
    at += 4 + length;
  }
  return undefined;
}
