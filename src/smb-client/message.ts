// The header of SMB2: MS-SMB2 2.2.1.2.

export const HEADER = 64;
const SIGNATURE = 48;

export const commands = { negotiate: 0, sessionSetup: 1, treeConnect: 3, create: 5 } as const;

export const flags = { response: 1, async: 2, signed: 8 } as const;

export interface Request {
  readonly command: number;
  readonly messageId: bigint;
  readonly sessionId?: bigint;
  readonly treeId?: number;
  readonly body: Buffer;
}

export interface Response {
  readonly command: number;
  readonly status: number;
  readonly flags: number;
  readonly messageId: bigint;
  readonly treeId: number;
  readonly sessionId: bigint;
  readonly body: Buffer;
  /** With its header. */
  readonly whole: Buffer;
}

export function requestBytes({ command, messageId, sessionId, treeId, body }: Request): Buffer {
  const header = Buffer.alloc(HEADER);
  header.writeUInt32BE(0xfe53_4d42, 0);
  header.writeUInt16LE(HEADER, 4);
  header.writeUInt16LE(command === commands.negotiate ? 0 : 1, 6);
  header.writeUInt16LE(command, 12);
  header.writeUInt16LE(31, 14);
  header.writeBigUInt64LE(messageId, 24);
  header.writeUInt32LE(treeId ?? 0, 36);
  header.writeBigUInt64LE(sessionId ?? 0n, 40);
  return Buffer.concat([header, body]);
}

/** Undefined for what is no message of SMB2. */
export function parseResponse(whole: Buffer): Response | undefined {
  if (whole.length < HEADER || whole.readUInt32BE(0) !== 0xfe53_4d42) return undefined;
  return {
    status: whole.readUInt32LE(8),
    command: whole.readUInt16LE(12),
    flags: whole.readUInt32LE(16),
    messageId: whole.readBigUInt64LE(24),
    treeId: whole.readUInt32LE(36),
    sessionId: whole.readBigUInt64LE(40),
    body: whole.subarray(HEADER),
    whole,
  };
}

/** A request with its signature, which is made over the message with zeros in its place. */
export function signedBytes(message: Buffer, sign: (message: Buffer) => Buffer): Buffer {
  const signed = Buffer.from(message);
  signed.writeUInt32LE(signed.readUInt32LE(16) | flags.signed, 16);
  signed.fill(0, SIGNATURE, HEADER);
  sign(signed).copy(signed, SIGNATURE, 0, 16);
  return signed;
}
