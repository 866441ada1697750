// AES-128-CMAC, RFC 4493: SMB 3 signs with it.
import { createCipheriv } from "node:crypto";

const BLOCK = 16;

export function aesCmac(key: Buffer, message: Buffer): Buffer {
  const once = doubled(encrypt(key, Buffer.alloc(BLOCK)));
  const blocks = Math.max(1, Math.ceil(message.length / BLOCK));
  const rest = message.subarray((blocks - 1) * BLOCK);
  const last = Buffer.alloc(BLOCK);
  rest.copy(last);
  if (rest.length < BLOCK) last.writeUInt8(0x80, rest.length);
  xorInto(last, rest.length < BLOCK ? doubled(once) : once);
  let state = Buffer.alloc(BLOCK);
  for (let block = 0; block < blocks - 1; block++) {
    xorInto(state, message.subarray(block * BLOCK, (block + 1) * BLOCK));
    state = encrypt(key, state);
  }
  xorInto(state, last);
  return encrypt(key, state);
}

function encrypt(key: Buffer, block: Buffer): Buffer<ArrayBuffer> {
  const cipher = createCipheriv("aes-128-ecb", key, null).setAutoPadding(false);
  return Buffer.concat([cipher.update(block), cipher.final()]);
}

/** In the field of 2^128 elements. */
function doubled(block: Buffer): Buffer {
  const value = BigInt(`0x${block.toString("hex")}`) << 1n;
  const folded = (value & ((1n << 128n) - 1n)) ^ (value >> 128n === 0n ? 0n : 0x87n);
  return Buffer.from(folded.toString(16).padStart(2 * BLOCK, "0"), "hex");
}

function xorInto(target: Buffer, other: Buffer): void {
  for (const [index, byte] of other.entries()) target.writeUInt8((target[index] ?? 0) ^ byte, index);
}
