// ONC RPC over TCP: RFC 5531. One call after the other is all that a doctor needs.
import type { Socket } from "node:net";
import { AUTH_NONE, AUTH_SYS, acceptStates, authErrorName, MAX_AUTH } from "../nfs/rpc-words.ts";
import { Xdr, XdrWriter } from "../nfs/xdr.ts";

export interface Call {
  readonly program: number;
  readonly version: number;
  readonly procedure: number;
  readonly args?: Buffer;
  /** AUTH_NONE when absent. */
  readonly as?: Credentials;
}

/** AUTH_SYS. */
export interface Credentials {
  readonly machine: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * `denied`: RPC itself says no, by the name of RFC 5531; with the versions that there are where only the version is wrong. `silent`: the connection
 * stands and nothing came. `closed`: the server ended the connection, or said what nobody understands.
 */
export type Reply =
  | { readonly state: "done"; readonly results: Xdr; readonly tookMs: number }
  | { readonly state: "denied"; readonly why: string; readonly versions?: Versions; readonly tookMs: number }
  | { readonly state: "silent"; readonly tookMs: number }
  | { readonly state: "closed"; readonly why: string; readonly tookMs: number };

export interface Versions {
  readonly low: number;
  readonly high: number;
}

export interface CallLimits {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** More than any list of exports. */
const MAX_RECORD = 4 * 1024 ** 2;
const LAST_FRAGMENT = 0x8000_0000;
const CALL = 0;
const REPLY = 1;

/** What a transport must do; a fake of a server is one too. */
export interface RpcTransport {
  call(call: Call, limits: CallLimits): Promise<Reply>;
  close(): void;
}

export class RpcConnection implements RpcTransport {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, (reply: Reply | Buffer) => void>();
  #xid = Math.floor(Math.random() * 0x7fff_ffff);
  #received: Buffer = Buffer.alloc(0);
  #fragments: Buffer[] = [];
  #ended: string | undefined;

  /** The socket is connected, and belongs to this from now on. */
  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (piece: Buffer) => this.#take(piece));
    socket.on("error", (error: NodeJS.ErrnoException) => this.#end(error.code ?? error.message));
    socket.on("close", () => this.#end("the server ended the connection"));
  }

  call(call: Call, { timeoutMs, signal }: CallLimits): Promise<Reply> {
    const started = performance.now();
    const tookMs = (): number => performance.now() - started;
    this.#xid = (this.#xid + 1) >>> 0;
    const xid = this.#xid;
    return new Promise((resolve) => {
      const settle = (reply: Reply | Buffer): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", silent);
        this.#waiting.delete(xid);
        resolve({ ...(Buffer.isBuffer(reply) ? readReply(reply) : reply), tookMs: tookMs() });
      };
      const silent = (): void => settle({ state: "silent", tookMs: 0 });
      const timer = setTimeout(silent, timeoutMs);
      if (this.#ended !== undefined) return settle({ state: "closed", why: this.#ended, tookMs: 0 });
      if (signal?.aborted === true) return silent();
      signal?.addEventListener("abort", silent, { once: true });
      this.#waiting.set(xid, settle);
      this.#socket.write(encodeCall(xid, call));
    });
  }

  close(): void {
    this.#end("closed");
  }

  #end(why: string): void {
    this.#ended ??= why;
    this.#socket.destroy();
    for (const settle of [...this.#waiting.values()]) settle({ state: "closed", why: this.#ended, tookMs: 0 });
  }

  #take(piece: Buffer): void {
    this.#received = Buffer.concat([this.#received, piece]);
    while (this.#received.length >= 4 && this.#ended === undefined) {
      const mark = this.#received.readUInt32BE(0);
      const length = mark & 0x7fff_ffff;
      const before = this.#fragments.reduce((sum, fragment) => sum + fragment.length, 0);
      if (before + length > MAX_RECORD) {
        this.#end("what comes is no answer of RPC, or too long for one");
        return;
      }
      if (this.#received.length < 4 + length) return;
      this.#fragments.push(this.#received.subarray(4, 4 + length));
      this.#received = this.#received.subarray(4 + length);
      if (mark < LAST_FRAGMENT) continue;
      const record = Buffer.concat(this.#fragments);
      this.#fragments = [];
      // Answers that came too late are nobody's.
      if (record.length >= 4) this.#waiting.get(record.readUInt32BE(0))?.(record);
    }
  }
}

function encodeCall(xid: number, { program, version, procedure, args, as }: Call): Buffer {
  const xdr = new XdrWriter().words(xid, CALL, 2, program, version, procedure);
  if (as === undefined) xdr.words(AUTH_NONE, 0);
  else {
    // No further groups.
    const body = new XdrWriter().words(0).opaque(as.machine.slice(0, 255)).words(as.uid, as.gid, 0).bytes();
    xdr.words(AUTH_SYS).opaque(body);
  }
  const record = xdr
    .words(AUTH_NONE, 0)
    .fixed(args ?? Buffer.alloc(0))
    .bytes();
  return Buffer.concat([new XdrWriter().words(LAST_FRAGMENT | record.length).bytes(), record]);
}

/** Times are the caller's. */
function readReply(record: Buffer): Reply {
  const xdr = new Xdr(record, 4);
  const tookMs = 0;
  const [direction, kind] = [xdr.word(), xdr.word()];
  const strange: Reply = { state: "closed", why: "what came is no answer of RPC", tookMs };
  if (direction !== REPLY || kind === undefined || kind > 1) return strange;
  if (kind === 1) {
    const why = xdr.word();
    const error = xdr.word();
    return { state: "denied", why: why === 1 ? authErrorName(error) : "RPC_MISMATCH", tookMs };
  }
  xdr.word();
  xdr.opaque(MAX_AUTH);
  const state = xdr.word();
  if (state === undefined) return strange;
  if (state === 0) return { state: "done", results: xdr, tookMs };
  const why = acceptStates[state] ?? `accept_stat ${state}`;
  if (state !== 2) return { state: "denied", why, tookMs };
  const [low, high] = [xdr.word(), xdr.word()];
  const versions = low === undefined || high === undefined ? {} : { versions: { low, high } };
  return { state: "denied", why, ...versions, tookMs };
}
