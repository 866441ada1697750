// A keytab, version 2: MIT Kerberos, doc/formats/keytab_file_format. Its keys are passed over, never taken out.

export interface KeytabEntry {
  /** `nfs/client.example@REALM` */
  readonly principal: string;
  /** Number of the encryption type. */
  readonly type: number;
}

const MAX_ENTRIES = 1024;

/** Undefined when it is none. Never throws. */
export function parseKeytab(bytes: Buffer): readonly KeytabEntry[] | undefined {
  if (bytes.length < 2 || bytes.readUInt16BE(0) !== 0x0502) return undefined;
  const entries: KeytabEntry[] = [];
  let at = 2;
  while (at + 4 <= bytes.length && entries.length < MAX_ENTRIES) {
    const size = bytes.readInt32BE(at);
    at += 4;
    // A negative size is a hole; zero ends it.
    if (size === 0) break;
    const entry = size > 0 ? entryOf(bytes.subarray(at, at + size)) : undefined;
    if (entry !== undefined) entries.push(entry);
    at += Math.abs(size);
  }
  return entries;
}

function entryOf(bytes: Buffer): KeytabEntry | undefined {
  let at = 0;
  const u16 = (): number | undefined => {
    if (at + 2 > bytes.length) return undefined;
    at += 2;
    return bytes.readUInt16BE(at - 2);
  };
  const text = (): string | undefined => {
    const length = u16();
    if (length === undefined || at + length > bytes.length) return undefined;
    at += length;
    return bytes.toString("utf8", at - length, at);
  };
  const count = u16();
  const realm = text();
  const parts: string[] = [];
  for (let left = count ?? 0; left > 0; left--) {
    const part = text();
    if (part === undefined) return undefined;
    parts.push(part);
  }
  // Type of the name, time, version of the key.
  at += 9;
  const type = u16();
  if (realm === undefined || type === undefined || parts.length === 0) return undefined;
  return { principal: `${parts.join("/")}@${realm}`, type };
}
