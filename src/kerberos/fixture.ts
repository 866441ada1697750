// For tests: credential caches, as a Kerberos library writes them.

const data = (bytes: Buffer | string): Buffer => {
  const content = Buffer.from(bytes as string);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  return Buffer.concat([length, content]);
};

const u32 = (...values: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, 4 * index);
  return bytes;
};

/** `a/b@REALM` */
function principal(name: string): Buffer {
  const at = name.lastIndexOf("@");
  const parts = name.slice(0, at).split("/");
  return Buffer.concat([u32(1, parts.length), data(name.slice(at + 1)), ...parts.map(data)]);
}

export interface MadeTicket {
  readonly service: string;
  readonly end: number;
  readonly renewUntil?: number;
}

/** What must never leave the parser. */
export const SESSION_KEY = "0123456789abcdef0123456789ABCDEF";

export function makeCcache(client: string, tickets: readonly MadeTicket[], version: 3 | 4 = 4): Buffer {
  const head = version === 4 ? [Buffer.from([5, 4, 0, 12, 0, 1, 0, 8]), Buffer.alloc(8)] : [Buffer.from([5, 3])];
  const entries = tickets.map(({ service, end, renewUntil = 0 }) =>
    Buffer.concat([
      principal(client),
      principal(service),
      Buffer.from(version === 4 ? [0, 18] : [0, 18, 0, 18]),
      data(SESSION_KEY),
      u32(end - 3600, end - 3600, end, renewUntil),
      Buffer.from([0]),
      u32(0x40e10000),
      u32(1),
      Buffer.from([0, 2]),
      data(Buffer.from([10, 0, 0, 1])),
      u32(0),
      data("a ticket"),
      data(""),
    ]),
  );
  return Buffer.concat([...head, principal(client), ...entries]);
}

/** A keytab of version 2, with a hole before each entry. */
export function makeKeytab(principals: readonly string[]): Buffer {
  const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff]);
  const text = (value: string): Buffer => Buffer.concat([u16(Buffer.byteLength(value)), Buffer.from(value)]);
  const entries = principals.flatMap((principal) => {
    const at = principal.lastIndexOf("@");
    const parts = principal.slice(0, at).split("/");
    const names = [u16(parts.length), text(principal.slice(at + 1)), ...parts.map(text)];
    const entry = Buffer.concat([
      ...names,
      u32(1, 1_700_000_000),
      Buffer.from([2]),
      u16(18),
      text(SESSION_KEY),
      u32(2),
    ]);
    const hole = Buffer.alloc(4);
    hole.writeInt32BE(-3);
    return [hole, Buffer.alloc(3), u32(entry.length), entry];
  });
  return Buffer.concat([Buffer.from([5, 2]), ...entries]);
}
