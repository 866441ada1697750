// MS-SMB2 2.2.3 and 2.2.4, with their contexts (2.2.3.1, 2.2.4.1). Bodies begin behind the header of 64 bytes.
import { capabilityBits } from "../../smb/state-words.ts";

export interface Offer {
  readonly dialects: readonly string[];
  readonly signing: Signing;
  readonly capabilities: readonly string[];
  readonly ciphers: readonly string[];
  readonly signingAlgorithms: readonly string[];
  readonly compression: readonly string[];
  /** The name by which the client calls the server. */
  readonly serverName?: string;
}

export interface Choice {
  readonly dialect: string;
  readonly signing: Signing;
  readonly capabilities: readonly string[];
  readonly ciphers: readonly string[];
  readonly signingAlgorithms: readonly string[];
  readonly compression: readonly string[];
  readonly maxTransact: number;
  readonly maxRead: number;
  readonly maxWrite: number;
  /** Unix time in µs; undefined: the server does not say. */
  readonly serverTimeUs?: number;
  /** What it takes to log in, of its SPNEGO offer. */
  readonly mechanisms: readonly string[];
}

export type Signing = "required" | "enabled" | "disabled";

const dialects: Readonly<Record<number, string>> = {
  514: "2.0.2",
  528: "2.1",
  767: "2.???",
  768: "3.0",
  770: "3.0.2",
  785: "3.1.1",
};

const ciphers: Readonly<Record<number, string>> = {
  1: "AES-128-CCM",
  2: "AES-128-GCM",
  3: "AES-256-CCM",
  4: "AES-256-GCM",
};
const signingAlgorithms: Readonly<Record<number, string>> = { 0: "HMAC-SHA256", 1: "AES-CMAC", 2: "AES-GMAC" };
const compressions: Readonly<Record<number, string>> = {
  1: "LZNT1",
  2: "LZ77",
  3: "LZ77+Huffman",
  4: "Pattern_V1",
  5: "LZ4",
};

const MAX_LIST = 64;

export function readOffer(body: Buffer, headerSize: number): Offer | undefined {
  if (body.length < 36) return undefined;
  const count = Math.min(body.readUInt16LE(2), MAX_LIST);
  const codes = words(body, 36, count);
  const contexts = codes.includes(0x311)
    ? readContexts(body, body.readUInt32LE(28) - headerSize, body.readUInt16LE(32))
    : none;
  return {
    dialects: codes.map(dialectName),
    signing: signingOf(body.readUInt16LE(4)),
    capabilities: capabilityNames(body.readUInt32LE(8)),
    ...contexts,
  };
}

export function readChoice(body: Buffer, headerSize: number): Choice | undefined {
  if (body.length < 64) return undefined;
  const dialect = body.readUInt16LE(4);
  const [blobAt, blobLength] = [body.readUInt16LE(56) - headerSize, body.readUInt16LE(58)];
  const { serverName: _, ...contexts } =
    dialect === 0x311 ? readContexts(body, body.readUInt32LE(60) - headerSize, body.readUInt16LE(6)) : none;
  const serverTimeUs = fileTime(body, 40);
  return {
    dialect: dialectName(dialect),
    signing: signingOf(body.readUInt16LE(2)),
    capabilities: capabilityNames(body.readUInt32LE(24)),
    maxTransact: body.readUInt32LE(28),
    maxRead: body.readUInt32LE(32),
    maxWrite: body.readUInt32LE(36),
    ...(serverTimeUs === undefined ? {} : { serverTimeUs }),
    mechanisms: mechanismsOf(body.subarray(Math.max(0, blobAt), Math.max(0, blobAt + blobLength))),
    ...contexts,
  };
}

interface Contexts {
  readonly ciphers: readonly string[];
  readonly signingAlgorithms: readonly string[];
  readonly compression: readonly string[];
  readonly serverName?: string;
}

const none: Contexts = { ciphers: [], signingAlgorithms: [], compression: [] };

function readContexts(body: Buffer, from: number, count: number): Contexts {
  let found = none;
  let at = from;
  for (let index = 0; index < Math.min(count, MAX_LIST) && at >= 0 && at + 8 <= body.length; index++) {
    const [type, length] = [body.readUInt16LE(at), body.readUInt16LE(at + 2)];
    const data = body.subarray(at + 8, at + 8 + length);
    if (type === 2) found = { ...found, ciphers: named(data, 2, 0, ciphers) };
    else if (type === 3) found = { ...found, compression: named(data, 8, 0, compressions) };
    else if (type === 5) found = { ...found, serverName: data.toString("utf16le") };
    else if (type === 8) found = { ...found, signingAlgorithms: named(data, 2, 0, signingAlgorithms) };
    at += 8 + Math.ceil(length / 8) * 8;
  }
  return found;
}

/** A list of 16-bit codes whose number stands at `countAt`. */
function named(data: Buffer, from: number, countAt: number, names: Readonly<Record<number, string>>): string[] {
  if (data.length < 2) return [];
  const codes = words(data, from, Math.min(data.readUInt16LE(countAt), MAX_LIST));
  return codes
    .filter((code) => code !== 0 || names[0] !== undefined)
    .map((code) => names[code] ?? `0x${code.toString(16)}`);
}

function words(bytes: Buffer, from: number, count: number): number[] {
  const found: number[] = [];
  for (let at = from; found.length < count && at + 2 <= bytes.length; at += 2) found.push(bytes.readUInt16LE(at));
  return found;
}

const dialectName = (code: number): string => dialects[code] ?? `0x${code.toString(16)}`;
const signingOf = (mode: number): Signing =>
  (mode & 2) !== 0 ? "required" : (mode & 1) !== 0 ? "enabled" : "disabled";

function capabilityNames(bits: number): string[] {
  return capabilityBits.filter(([bit]) => (bits & bit) !== 0).map(([, name]) => name);
}

/** FILETIME: 100 ns since 1601. */
function fileTime(bytes: Buffer, at: number): number | undefined {
  const ticks = bytes.readBigUInt64LE(at);
  return ticks === 0n ? undefined : Number(ticks / 10n) - 11_644_473_600_000_000;
}

/** Object identifiers as they stand in SPNEGO: RFC 4178, MS-SPNG. */
const mechanisms: readonly (readonly [oid: string, name: string])[] = [
  ["060a2b06010401823702020a", "NTLMSSP"],
  ["06092a864886f712010202", "Kerberos"],
  ["06092a864882f712010202", "Kerberos"],
  ["060a2a864886f71201020203", "Kerberos user-to-user"],
  ["060a2b06010401823702021e", "NEGOEX"],
  ["06062b0601050205", "IAKerb"],
];

/** What a security buffer offers or carries. */
export function mechanismsOf(blob: Buffer): string[] {
  const found = mechanisms.flatMap(([oid, name]) => {
    const at = blob.indexOf(Buffer.from(oid, "hex"));
    return at < 0 ? [] : [{ at, name }];
  });
  return [...new Set(found.sort((left, right) => left.at - right.at).map(({ name }) => name))];
}
