// What an SMB2 request asks for, from the bytes behind its header: MS-SMB2 2.2.3 and on. Reads any bytes without throwing: what is
// not there is left out.
import { controlCode, dialect, disposition, fileClass, hex, infoClass, infoType, oplockLevel } from "./params-names.ts";

export interface Param {
  /** As MS-SMB2 has it: `RequestedOplockLevel`. */
  readonly name: string;
  readonly value: string | number;
}

/** The bytes of one request. */
export interface RequestBytes {
  readonly commandCode: number;
  /** What follows the 64 bytes of the header, or its beginning. */
  readonly fixed: Buffer;
  /** UTF-16LE: the name that follows it, or its beginning. */
  readonly text: Buffer;
}

type Read = (request: RequestBytes) => string | number | undefined;
type Layout = readonly (readonly [name: string, read: Read])[];

const u8 = at(1, (bytes, offset) => bytes.readUInt8(offset));
const u16 = at(2, (bytes, offset) => bytes.readUInt16LE(offset));
const u32 = at(4, (bytes, offset) => bytes.readUInt32LE(offset));
const x8 = at(1, (bytes, offset) => hex(bytes.readUInt8(offset)));
const x16 = at(2, (bytes, offset) => hex(bytes.readUInt16LE(offset)));
const x32 = at(4, (bytes, offset) => hex(bytes.readUInt32LE(offset)));
const x64 = at(8, (bytes, offset) => hex(bytes.readBigUInt64LE(offset)));
const x128 = at(16, (bytes, offset) => bytes.toString("hex", offset, offset + 16));
/** A position in a file: a number, as text where it is beyond what a number holds. */
const u64 = at(8, (bytes, offset) => {
  const value = bytes.readBigUInt64LE(offset);
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : String(value);
});

const fileId = (offset: number): Layout => [
  ["PersistentFileId", x64(offset)],
  ["VolatileFileId", x64(offset + 8)],
];

const lease: Layout = [
  ["LeaseFlags", x32(4)],
  ["LeaseKey", x128(8)],
  ["LeaseState", x32(24)],
];

const layouts: Readonly<Record<number, Layout>> = {
  0: [
    ["SecurityMode", x16(4)],
    ["Capabilities", x32(8)],
    ["DialectCount", u16(2)],
    ["Dialects", dialects],
  ],
  1: [
    ["Flags", x8(2)],
    ["SecurityMode", x8(3)],
    ["Capabilities", x32(4)],
    ["Channel", u32(8)],
    ["PreviousSessionId", x64(16)],
  ],
  3: [
    ["Flags", x16(2)],
    ["Path", text(6)],
  ],
  5: [
    ["RequestedOplockLevel", as(u8(3), oplockLevel)],
    ["DesiredAccess", x32(24)],
    ["ShareAccess", x32(32)],
    ["Disposition", as(u32(36), disposition)],
    ["CreateOptions", x32(40)],
    ["File", text(46)],
  ],
  6: [["Flags", x16(2)], ...fileId(8)],
  7: fileId(8),
  8: [["Length", u32(4)], ["Offset", u64(8)], ...fileId(16), ["Channel", u32(36)]],
  9: [["Length", u32(4)], ["Offset", u64(8)], ...fileId(16), ["Channel", u32(32)], ["Flags", x32(44)]],
  10: [["LockCount", u16(2)], ...fileId(8), ["Offset", u64(24)], ["Length", u64(32)], ["Flags", x32(40)]],
  11: [
    ["CtlCode", as(u32(4), controlCode)],
    ["InputCount", u32(28)],
    ["MaxOutputResponse", u32(44)],
    ["Flags", x32(48)],
    ...fileId(8),
  ],
  14: [
    ["FileInfoClass", as(u8(2), fileClass)],
    ["Flags", x8(3)],
    ["OutputBufferLength", u32(28)],
    ...fileId(8),
    ["Pattern", text(26)],
  ],
  15: [["Flags", x16(2)], ["CompletionFilter", x32(24)], ...fileId(8)],
  16: [
    ["InfoType", as(u8(2), infoType)],
    ["FileInfoClass", classOf],
    ["OutputBufferLength", u32(4)],
    ["AdditionalInformation", x32(16)],
    ...fileId(24),
  ],
  17: [
    ["InfoType", as(u8(2), infoType)],
    ["FileInfoClass", classOf],
    ["BufferLength", u32(4)],
    ["AdditionalInformation", x32(12)],
    ...fileId(16),
  ],
  18: [["OplockLevel", as(u8(2), oplockLevel)], ...fileId(8)],
};

/** U+F020 and on: SFM_DOUBLEQUOTE to SFM_PERIOD. */
const mappedMarks = '"*:<>?\\| .';
const OPLOCK_BREAK = 18;
const LEASE_BREAK_SIZE = 36;

/** In the order in which they are shown; empty for a command that asks for nothing more. */
export function paramsOf(request: RequestBytes): readonly Param[] {
  return layoutOf(request).flatMap(([name, read]) => {
    const value = read(request);
    return value === undefined ? [] : [{ name, value }];
  });
}

function layoutOf(request: RequestBytes): Layout {
  const isLease = request.commandCode === OPLOCK_BREAK && u16(0)(request) === LEASE_BREAK_SIZE;
  return isLease ? lease : (layouts[request.commandCode] ?? []);
}

/** `Length=4096|Offset=0`: a bar within a value is shown as `\x7c`, so that the text can be taken apart. */
export function paramsText(params: readonly Param[]): string {
  return params.map(({ name, value }) => `${name}=${String(value).replaceAll("|", "\\x7c")}`).join("|");
}

/** `{"length": 4096, "offset": 0}` */
export function paramsJson(params: readonly Param[]): Readonly<Record<string, string | number>> {
  return Object.fromEntries(params.map(({ name, value }) => [snakeCase(name), value]));
}

function snakeCase(name: string): string {
  return name.replaceAll(/(?<=[a-z0-9])[A-Z]/g, "_$&").toLowerCase();
}

/** Reads `size` bytes of the fixed part. */
function at<T>(
  size: number,
  read: (bytes: Buffer, offset: number) => T,
): (offset: number) => (r: RequestBytes) => T | undefined {
  return (offset) =>
    ({ fixed }) =>
      offset + size <= fixed.length ? read(fixed, offset) : undefined;
}

function as(read: (r: RequestBytes) => number | undefined, name: (value: number) => string): Read {
  return (request) => {
    const value = read(request);
    return value === undefined ? undefined : name(value);
  };
}

/** The name whose length in bytes stands at `lengthAt`; one that was cut ends in an ellipsis. */
function text(lengthAt: number): Read {
  const length = u16(lengthAt);
  return (request) => {
    const whole = length(request);
    if (whole === undefined) return undefined;
    const there = Math.min(whole, request.text.length);
    return localName(request.text.toString("utf16le", 0, there - (there % 2))) + (there < whole ? "…" : "");
  };
}

/** The name as the client's programs know it: what SMB does not allow in names travels in the private use area (fs/smb/client/cifs_unicode.h). */
function localName(name: string): string {
  return name.replaceAll(/[\uf001-\uf029\uf02a\uf03a\uf03c\uf03e\uf03f\uf05c\uf07c]/g, (mapped) => {
    const code = mapped.charCodeAt(0) - 0xf000;
    return code >= 0x20 && code < 0x2a ? (mappedMarks[code - 0x20] ?? mapped) : String.fromCharCode(code);
  });
}

/** The dialects that are offered: MS-SMB2 2.2.3. */
function dialects(request: RequestBytes): string | undefined {
  const offered: string[] = [];
  const count = u16(2)(request) ?? 0;
  for (let index = 0; index < count; index++) {
    const code = u16(36 + 2 * index)(request);
    if (code === undefined) return offered.length === 0 ? undefined : `${offered.join(",")},…`;
    offered.push(dialect(code));
  }
  return offered.join(",") || undefined;
}

function classOf(request: RequestBytes): string | undefined {
  const [type, value] = [u8(2)(request), u8(3)(request)];
  return type === undefined || value === undefined ? undefined : infoClass(type, value);
}
