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
