// RFC 5531 (RPC; 11: record marking), 1813 (NFSv3), 7530, 8881 (NFSv4).
import type { Dissector, Message, Range } from "./message.ts";

const NFS = 100003;
const NFSACL = 100227;
const RPCSEC_GSS = 6;
const MAX_AUTH = 400;
const MAX_CALLS = 4096;
/** Of one transport's calls: xids count up. */
const XID_WINDOW = 4096;

interface Call {
  /** Whether the status is the first word of the results: with RPCSEC_GSS they may be sealed. */
  readonly plain: boolean;
  readonly version: number;
}

/** Keeps record marks, RPC headers without credentials, and fixed fields of NFS arguments: no handle, no name, no attribute, no data. */
export class RpcDissector implements Dissector {
  readonly #calls = new Map<number, Call>();
  #lastXid: number | undefined;

  read(payload: Buffer, at: number, toServer: boolean): Message | "unknown" {
    const words = new Words(payload, at);
    const mark = words.take();
    const xid = words.take();
    const direction = words.take();
    if (mark === undefined || xid === undefined || direction === undefined) return "unknown";
    const size = 4 + (mark & 0x7fff_ffff);
    // Of a record in several parts the next would begin without a header. Neither client nor server of Linux sends such.
    if (mark >>> 31 === 0 || size < 4 + 12) return "unknown";
    words.limit(at + size);
    const familiar = toServer ? this.#isNext(xid) : this.#calls.has(xid);
    if (toServer && direction === 0 && readCall(words) !== undefined) return { size, keep: words.kept, familiar };
    if (!toServer && direction === 1 && readReply(words, this.#calls.get(xid)))
      return { size, keep: words.kept, familiar };
    return "unknown";
  }

  learn(payload: Buffer, at: number, toServer: boolean): void {
    if (!toServer) return;
    const words = new Words(payload, at);
    words.take();
    const xid = words.take();
    words.take();
    const call = readCall(words);
    if (xid === undefined || call === undefined) return;
    this.#lastXid = xid;
    this.#calls.set(xid, call);
    const [oldest] = this.#calls.keys();
    if (this.#calls.size > MAX_CALLS && oldest !== undefined) this.#calls.delete(oldest);
  }

  #isNext(xid: number): boolean {
    return this.#lastXid !== undefined && (xid - this.#lastXid) >>> 0 < XID_WINDOW;
  }
}

/** Reads word by word and notes what is kept: everything that is taken, nothing that is skipped. */
class Words {
  readonly kept: Range[] = [];
  readonly #payload: Buffer;
  #at: number;
  #end: number;

  constructor(payload: Buffer, at: number) {
    this.#payload = payload;
    this.#at = at;
    this.#end = payload.length;
  }

  /** The message ends here. */
  limit(end: number): void {
    this.#end = Math.min(this.#end, end);
  }

  take(): number | undefined {
    const from = this.#at;
    if (from + 4 > this.#end) return undefined;
    this.#at += 4;
    const last = this.kept.at(-1);
    if (last?.[1] === from) this.kept[this.kept.length - 1] = [last[0], this.#at];
    else this.kept.push([from, this.#at]);
    return this.#payload.readUInt32BE(from);
  }

  takeAll(count: number): boolean {
    for (let index = 0; index < count; index++) if (this.take() === undefined) return false;
    return true;
  }

  /** Over an opaque of so many bytes, which are not kept; with its padding. */
  skip(bytes: number): boolean {
    this.#at += Math.ceil(bytes / 4) * 4;
    return this.#at <= this.#end;
  }

  /** A length and so many bytes behind it; only the length is kept. */
  opaque(most: number): boolean {
    const length = this.take();
    return length !== undefined && length <= most && this.skip(length);
  }
}

/** Behind xid and direction. Undefined: not a call of the NFS client. */
function readCall(words: Words): Call | undefined {
  const [rpcVersion, program, version, procedure] = [words.take(), words.take(), words.take(), words.take()];
  if (rpcVersion !== 2 || (program !== NFS && program !== NFSACL)) return undefined;
  if (version === undefined || version < 2 || version > 4 || procedure === undefined || procedure > 64)
    return undefined;
  const flavor = words.take();
  const length = words.take();
  if (flavor === undefined || length === undefined || length > MAX_AUTH) return undefined;
  const call = { plain: flavor !== RPCSEC_GSS && program === NFS, version };
  // What follows may lie behind what was captured.
  if (!words.skip(length) || words.take() === undefined || !words.opaque(MAX_AUTH) || !call.plain) return call;
  if (version === 3) readArguments3(words, procedure);
  else if (version === 4 && procedure === 1) readCompound(words);
  return call;
}

/** Behind xid and direction. */
function readReply(words: Words, call: Call | undefined): boolean {
  const accepted = words.take();
  // MSG_DENIED: why, and the versions or the error.
  if (accepted === 1) return words.takeAll(2) || true;
  if (accepted !== 0 || words.take() === undefined) return false;
  if (!words.opaque(MAX_AUTH)) return true;
  // The status; of a COMPOUND the length of its tag too, which Linux does not use.
  if (words.take() === 0 && call?.plain === true) words.takeAll(call.version === 4 ? 2 : 1);
  return true;
}

const MAX_HANDLE = 128;
/** Words behind the handle, RFC 1813: ACCESS; READ offset, count; WRITE offset, count, stable, length; COMMIT offset, count. */
const words3: Readonly<Record<number, number>> = { 4: 1, 6: 3, 7: 5, 21: 3 };

function readArguments3(words: Words, procedure: number): void {
  const more = words3[procedure];
  if (more !== undefined && words.opaque(64)) words.takeAll(more);
}

/** Words of arguments that are all fixed. */
const words4: Readonly<Record<number, number>> = {
  3: 1, // ACCESS
  4: 5, // CLOSE
  5: 3, // COMMIT
  10: 0, // GETFH
  24: 0, // PUTROOTFH
  25: 7, // READ
  30: 2, // RENEW
  31: 0, // RESTOREFH
  32: 0, // SAVEFH
  53: 8, // SEQUENCE
  68: 7, // READ_PLUS
};
const PUTFH = 22;
const WRITE = 38;
const MAX_OPERATIONS = 16;

/** Until the first operation whose arguments are of another kind. */
function readCompound(words: Words): void {
  // The tag is the client's own text.
  if (words.take() !== 0) return;
  if (words.take() === undefined) return;
  const count = Math.min(words.take() ?? 0, MAX_OPERATIONS);
  for (let index = 0; index < count; index++) {
    const operation = words.take();
    if (operation === undefined) return;
    if (operation === PUTFH) {
      if (!words.opaque(MAX_HANDLE)) return;
    } else if (operation === WRITE) {
      // State, offset, stable, length; then the data.
      words.takeAll(8);
      return;
    } else {
      const more = words4[operation];
      if (more === undefined || !words.takeAll(more)) return;
    }
  }
}
