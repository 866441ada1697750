// MS-SMB2 2.1 (transport), 2.2.1 (header), 2.2.41 (transform header), 2.2.42 (compression header).
import type { Dissector, Message, Range } from "./message.ts";

/** StructureSize of the request and of the response, per command: 2.2.3 to 2.2.25. An odd one counts a byte of the variable part. */
const structureSizes: readonly (readonly [readonly number[], readonly number[]])[] = [
  [[36], [65]], // NEGOTIATE
  [[25], [9]], // SESSION_SETUP
  [[4], [4]], // LOGOFF
  [[9], [16]], // TREE_CONNECT
  [[4], [4]], // TREE_DISCONNECT
  [[57], [89]], // CREATE
  [[24], [60]], // CLOSE
  [[24], [4]], // FLUSH
  [[49], [17]], // READ
  [[49], [17]], // WRITE
  [[48], [4]], // LOCK, its first element included
  [[57], [49]], // IOCTL
  [[4], []], // CANCEL
  [[4], [4]], // ECHO
  [[33], [9]], // QUERY_DIRECTORY
  [[32], [9]], // CHANGE_NOTIFY
  [[41], [9]], // QUERY_INFO
  [[33], [2]], // SET_INFO
  [
    [24, 36],
    [24, 36, 44],
  ], // OPLOCK_BREAK: oplocks, leases
];
/** ERROR Response, 2.2.2. */
const ERROR_SIZE = 9;

const TRANSPORT = 4;
const HEADER = 64;
const TRANSFORM = 52;
const COMPRESSION = 16;
const MAX_SESSIONS = 64;

/**
 * Keeps the transport's length, SMB2 headers and the fixed fields of requests and responses: no name, no buffer, no data. Of what is encrypted or
 * compressed the header alone; of SMB1 nothing.
 */
export class Smb2Dissector implements Dissector {
  readonly #sessions = new Set<bigint>();

  /** `sessions`: those that are known from elsewhere, e.g. DebugData. */
  constructor(sessions: Iterable<bigint> = []) {
    for (const session of sessions) this.#sessions.add(session);
  }

  read(payload: Buffer, at: number, toServer: boolean): Message | "unknown" {
    const start = at + TRANSPORT;
    if (start + 4 > payload.length || payload[at] !== 0) return "unknown";
    const length = payload.readUInt32BE(at);
    const size = TRANSPORT + length;
    const end = start + length;
    const kind = payload.toString("latin1", start, start + 4);
    if (kind === "\xfdSMB") {
      const familiar = start + TRANSFORM <= payload.length && this.#sessions.has(payload.readBigUInt64LE(start + 44));
      return length < TRANSFORM ? "unknown" : { size, keep: [[at, start + TRANSFORM]], familiar };
    }
    if (kind === "\xfcSMB")
      return length < COMPRESSION ? "unknown" : { size, keep: [[at, start + COMPRESSION]], familiar: false };
    if (kind === "\xffSMB") return length < 32 ? "unknown" : { size, keep: [], familiar: false };
    if (kind !== "\xfeSMB" || length < HEADER) return "unknown";
    return this.#chain(payload, at, end, size, toServer);
  }

  learn(payload: Buffer, at: number): void {
    const start = at + TRANSPORT;
    if (payload.toString("latin1", start, start + 4) !== "\xfeSMB" || start + HEADER > payload.length) return;
    const session = payload.readBigUInt64LE(start + 40);
    if (session !== 0n && this.#sessions.size < MAX_SESSIONS) this.#sessions.add(session);
  }

  /** The members of a compound, by NextCommand. The first must be a header, what is behind it must be one to be kept. */
  #chain(payload: Buffer, at: number, end: number, size: number, toServer: boolean): Message | "unknown" {
    const keep: Range[] = [];
    let familiar = false;
    for (let member = at + TRANSPORT; member + HEADER <= Math.min(end, payload.length); ) {
      if (!isHeader(payload, member, toServer)) break;
      const first = keep.length === 0;
      familiar ||= this.#sessions.has(payload.readBigUInt64LE(member + 40));
      const next = payload.readUInt32LE(member + 20);
      const limit = next === 0 ? end : Math.min(end, member + next);
      keep.push([first ? at : member, Math.min(limit, member + HEADER + fixedPart(payload, member))]);
      if (next < HEADER || next % 8 !== 0) break;
      member += next;
    }
    return keep.length === 0 ? "unknown" : { size, keep, familiar };
  }
}

const FLAG_RESPONSE = 1;
/** SERVER_TO_REDIR, ASYNC, RELATED, SIGNED, PRIORITY, DFS, REPLAY. */
const KNOWN_FLAGS = 0x3000_007f;

function isHeader(payload: Buffer, at: number, toServer: boolean): boolean {
  const flags = payload.readUInt32LE(at + 16);
  return (
    payload.toString("latin1", at, at + 4) === "\xfeSMB" &&
    payload.readUInt16LE(at + 4) === HEADER &&
    payload.readUInt16LE(at + 12) < structureSizes.length &&
    (flags & ~KNOWN_FLAGS) === 0 &&
    ((flags & FLAG_RESPONSE) === 0) === toServer
  );
}

/** Bytes behind the header: nothing unless the structure is the one that belongs to the command. */
function fixedPart(payload: Buffer, header: number): number {
  const at = header + HEADER;
  if (at + 2 > payload.length) return 0;
  const [request, response] = structureSizes[payload.readUInt16LE(header + 12)] ?? [[], []];
  const isResponse = (payload.readUInt32LE(header + 16) & FLAG_RESPONSE) !== 0;
  const size = payload.readUInt16LE(at);
  const expected = isResponse ? [...response, ERROR_SIZE] : request;
  return expected.includes(size) ? size & ~1 : 0;
}
