// RFC 1320. Node's OpenSSL has it no more, and NTLM hashes passwords with it.

const add = (...values: readonly number[]): number => values.reduce((sum, value) => (sum + value) >>> 0, 0);
const rotate = (value: number, by: number): number => ((value << by) | (value >>> (32 - by))) >>> 0;

interface Round {
  readonly mix: (x: number, y: number, z: number) => number;
  readonly constant: number;
  readonly order: readonly number[];
  readonly shifts: readonly [number, number, number, number];
}

const rounds: readonly Round[] = [
  {
    mix: (x, y, z) => (x & y) | (~x & z),
    constant: 0,
    order: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    shifts: [3, 7, 11, 19],
  },
  {
    mix: (x, y, z) => (x & y) | (x & z) | (y & z),
    constant: 0x5a82_7999,
    order: [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15],
    shifts: [3, 5, 9, 13],
  },
  {
    mix: (x, y, z) => x ^ y ^ z,
    constant: 0x6ed9_eba1,
    order: [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15],
    shifts: [3, 9, 11, 15],
  },
];

export function md4(message: Buffer): Buffer {
  const padded = Buffer.alloc(Math.ceil((message.length + 9) / 64) * 64);
  message.copy(padded);
  padded.writeUInt8(0x80, message.length);
  padded.writeBigUInt64LE(BigInt(message.length) * 8n, padded.length - 8);
  let state: readonly [number, number, number, number] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
  for (let block = 0; block < padded.length; block += 64) {
    let [a, b, c, d] = state;
    for (const { mix, constant, order, shifts } of rounds) {
      for (const [step, word] of order.entries()) {
        const value = add(a, mix(b, c, d) >>> 0, padded.readUInt32LE(block + 4 * word), constant);
        [a, b, c, d] = [d, rotate(value, shifts[step % 4] ?? 0), b, c];
      }
    }
    state = [add(state[0], a), add(state[1], b), add(state[2], c), add(state[3], d)];
  }
  const digest = Buffer.alloc(16);
  for (const [index, value] of state.entries()) digest.writeUInt32LE(value, 4 * index);
  return digest;
}
