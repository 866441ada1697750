// A small part of ASN.1's Distinguished Encoding Rules (X.690): as much as Kerberos messages and SPNEGO tokens need.

/** One element: its identifier and what is in it. Nothing is copied. */
export interface DerElement {
  /** Identifier octet: class, constructed, number. Numbers above 30 are not read. */
  readonly tag: number;
  readonly content: Buffer;
}

/** Identifiers of what has a meaning of its own. */
export const derTags = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  generalizedTime: 0x18,
  generalString: 0x1b,
  sequence: 0x30,
} as const;

/** `[number]` around something, and `[APPLICATION number]`. */
export const contextTag = (number: number): number => 0xa0 | number;
export const applicationTag = (number: number): number => 0x60 | number;

/** The elements one after the other; undefined when the bytes are not that. Never throws. */
export function readDer(bytes: Buffer): readonly DerElement[] | undefined {
  const elements: DerElement[] = [];
  let at = 0;
  while (at < bytes.length) {
    const tag = bytes[at] ?? 0;
    if ((tag & 0x1f) === 0x1f) return undefined;
    const length = lengthAt(bytes, at + 1);
    if (length === undefined) return undefined;
    const end = length.next + length.value;
    if (end > bytes.length) return undefined;
    elements.push({ tag, content: bytes.subarray(length.next, end) });
    at = end;
  }
  return elements;
}

function lengthAt(bytes: Buffer, at: number): { readonly value: number; readonly next: number } | undefined {
  const first = bytes[at];
  if (first === undefined) return undefined;
  if (first < 0x80) return { value: first, next: at + 1 };
  const count = first & 0x7f;
  // 0x80 is BER's indefinite form.
  if (count === 0 || count > 4 || at + 1 + count > bytes.length) return undefined;
  return { value: bytes.readUIntBE(at + 1, count), next: at + 1 + count };
}

/** What is inside the element of that identifier, among some; undefined: it is not there or not well formed. */
export function insideDer(elements: readonly DerElement[] | undefined, tag: number): readonly DerElement[] | undefined {
  const found = elements?.find((element) => element.tag === tag);
  return found === undefined ? undefined : readDer(found.content);
}

/** The element behind `[number]`, of the given identifier. */
export function fieldOf(sequence: readonly DerElement[] | undefined, number: number, tag: number): Buffer | undefined {
  return insideDer(sequence, contextTag(number))?.find((element) => element.tag === tag)?.content;
}

/** Of at most six octets; undefined for one that is larger or empty. */
export function derNumber(content: Buffer | undefined): number | undefined {
  if (content === undefined || content.length === 0 || content.length > 6) return undefined;
  return content.readIntBE(0, content.length);
}

/** `20261122130511Z` in ms since 1970. */
export function derTime(content: Buffer | undefined): number | undefined {
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(content?.toString("latin1") ?? "");
  if (match === null) return undefined;
  const [year = 0, month = 1, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number);
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

export function writeDer(tag: number, ...content: readonly Buffer[]): Buffer {
  const length = content.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([Buffer.from([tag]), lengthBytes(length), ...content]);
}

function lengthBytes(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const bytes = numberBytes(length);
  return Buffer.from([0x80 | bytes.length, ...bytes]);
}

/** Big-endian, without zeros in front; one zero for zero. */
function numberBytes(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return bytes.length === 0 ? [0] : bytes;
}

/** Not negative. */
export function writeNumber(value: number): Buffer {
  const bytes = numberBytes(value);
  if ((bytes[0] ?? 0) >= 0x80) bytes.unshift(0);
  return writeDer(derTags.integer, Buffer.from(bytes));
}

export const writeTime = (unixMs: number): Buffer =>
  writeDer(
    derTags.generalizedTime,
    Buffer.from(`${new Date(unixMs).toISOString().slice(0, 19).replace(/[-:T]/g, "")}Z`, "latin1"),
  );
