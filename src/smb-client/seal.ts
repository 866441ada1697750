// SMB2 TRANSFORM_HEADER: MS-SMB2 2.2.41 and 3.1.4.3.
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

export type Cipher = "AES-128-CCM" | "AES-128-GCM" | "AES-256-CCM" | "AES-256-GCM";

const HEADER = 52;
const AUTHENTICATED = 20;
const TAG = { authTagLength: 16 };

const nonceLength = (cipher: Cipher): number => (cipher.endsWith("GCM") ? 12 : 11);

export function seal(
  message: Buffer,
  { key, cipher, session }: { key: Buffer; cipher: Cipher; session: bigint },
): Buffer {
  const header = Buffer.alloc(HEADER);
  header.writeUInt32BE(0xfd53_4d42, 0);
  const nonce = randomBytes(nonceLength(cipher));
  nonce.copy(header, AUTHENTICATED);
  header.writeUInt32LE(message.length, 36);
  header.writeUInt16LE(1, 42);
  header.writeBigUInt64LE(session, 44);
  const aad = header.subarray(AUTHENTICATED);
  const encrypting = cipher.endsWith("GCM")
    ? createCipheriv(gcm(cipher), key, nonce, TAG).setAAD(aad)
    : createCipheriv(ccm(cipher), key, nonce, TAG).setAAD(aad, { plaintextLength: message.length });
  const sealed = Buffer.concat([encrypting.update(message), encrypting.final()]);
  encrypting.getAuthTag().copy(header, 4);
  return Buffer.concat([header, sealed]);
}

/** Undefined for what is not sealed or was not with this key. */
export function unseal(bytes: Buffer, key: Buffer, cipher: Cipher): Buffer | undefined {
  if (bytes.length <= HEADER || bytes.readUInt32BE(0) !== 0xfd53_4d42) return undefined;
  const sealed = bytes.subarray(HEADER);
  const aad = bytes.subarray(AUTHENTICATED, HEADER);
  const nonce = bytes.subarray(AUTHENTICATED, AUTHENTICATED + nonceLength(cipher));
  const tag = bytes.subarray(4, 20);
  const decrypting = cipher.endsWith("GCM")
    ? createDecipheriv(gcm(cipher), key, nonce, TAG).setAuthTag(tag).setAAD(aad)
    : createDecipheriv(ccm(cipher), key, nonce, TAG).setAuthTag(tag).setAAD(aad, { plaintextLength: sealed.length });
  try {
    return Buffer.concat([decrypting.update(sealed), decrypting.final()]);
  } catch {
    // Node says of a wrong tag only that it "failed to authenticate": another key.
    return undefined;
  }
}

const gcm = (cipher: Cipher) => (cipher.includes("256") ? "aes-256-gcm" : "aes-128-gcm");
const ccm = (cipher: Cipher) => (cipher.includes("256") ? "aes-256-ccm" : "aes-128-ccm");
