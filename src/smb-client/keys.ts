// What a session's key becomes: MS-SMB2 3.1.4.2, the derivation of NIST SP 800-108 in counter mode; signing of 3.1.4.1.
import { createHash, createHmac } from "node:crypto";
import { aesCmac } from "./crypto/cmac.ts";
import type { Dialect } from "./negotiate.ts";

export interface Keys {
  readonly sign: (message: Buffer) => Buffer;
  readonly toServer: Buffer;
  readonly toClient: Buffer;
}

/** `preauth`: the hash over what was said until the session was there, of SMB 3.1.1. `signing`, `cipher`: the server's choice. */
export interface KeyCircumstances {
  readonly dialect: Dialect;
  readonly preauth: Buffer;
  readonly signing: "HMAC-SHA256" | "AES-CMAC";
  readonly keyLength: 16 | 32;
}

export function derive(key: Buffer, label: string, context: Buffer, length: number): Buffer {
  const suffix = Buffer.alloc(4);
  suffix.writeUInt32BE(8 * length);
  return createHmac("sha256", key)
    .update(Buffer.from([0, 0, 0, 1]))
    .update(`${label}\0`, "latin1")
    .update(Buffer.from([0]))
    .update(context)
    .update(suffix)
    .digest()
    .subarray(0, length);
}

export function keysOf(session: Buffer, { dialect, preauth, signing, keyLength }: KeyCircumstances): Keys {
  const text = (context: string): Buffer => Buffer.from(`${context}\0`, "latin1");
  const sha256 = (key: Buffer) => (message: Buffer) => createHmac("sha256", key).update(message).digest();
  const cmac = (key: Buffer) => (message: Buffer) => aesCmac(key, message);
  if (dialect === "3.1.1") {
    const signingKey = derive(session, "SMBSigningKey", preauth, 16);
    return {
      sign: signing === "AES-CMAC" ? cmac(signingKey) : sha256(signingKey),
      toServer: derive(session, "SMBC2SCipherKey", preauth, keyLength),
      toClient: derive(session, "SMBS2CCipherKey", preauth, keyLength),
    };
  }
  if (dialect === "3.0" || dialect === "3.0.2") {
    return {
      sign: cmac(derive(session, "SMB2AESCMAC", text("SmbSign"), 16)),
      toServer: derive(session, "SMB2AESCCM", text("ServerIn "), 16),
      toClient: derive(session, "SMB2AESCCM", text("ServerOut"), 16),
    };
  }
  return { sign: sha256(session), toServer: session, toClient: session };
}

/** SMB2_PREAUTH_INTEGRITY: each message joins the hash of those before it. */
export const preauthHash = (messages: readonly Buffer[]): Buffer =>
  messages.reduce<Buffer>(
    (hash, message) => createHash("sha512").update(hash).update(message).digest(),
    Buffer.alloc(64),
  );
