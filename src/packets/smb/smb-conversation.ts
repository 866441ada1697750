import { commandName } from "../../smb/commands.ts";
import { isFailure, statusName } from "../../smb/status.ts";
import { CommandCount, Counts, type OpenRequests, Outstanding, StatusCounts } from "../exchanges.ts";
import { type Choice, mechanismsOf, type Offer, readChoice, readOffer } from "./negotiate.ts";
import { type NtlmMessage, readNtlm } from "./ntlmssp.ts";
import { HEADER, type Opaque, type SmbListener, type SmbPart, UNSOLICITED } from "./smb-reader.ts";

export interface SmbSession {
  readonly id: string;
  /** What its log-in went by. */
  mechanisms: string[];
  challenge?: NtlmMessage & { readonly type: "challenge" };
  authenticate?: NtlmMessage & { readonly type: "authenticate" };
  negotiate?: NtlmMessage & { readonly type: "negotiate" };
  /** Of the last answer to a SESSION_SETUP. */
  status?: number;
  /** Messages that only its key opens: to the server, to the client. */
  readonly encrypted: [number, number];
  readonly decrypted: [number, number];
}

export interface SmbTree {
  readonly path: string;
  readonly session: string;
  status?: number;
  id?: number;
  kind?: string;
  encrypted?: boolean;
}

interface Request {
  readonly timeUs: number;
  readonly command: number;
  readonly session: string;
  pending: boolean;
  readonly tree?: SmbTree;
  readonly mechanisms?: readonly string[];
  readonly negotiate?: NtlmMessage & { readonly type: "negotiate" };
}

const STATUS_PENDING = 0x103;
/** How a log-in goes on. */
const MORE_PROCESSING_REQUIRED = 0xc000_0016;
const CANCEL = 12;
const MAX_LISTED = 256;
const kinds: Readonly<Record<number, string>> = { 1: "disk", 2: "pipe", 3: "printer" };
/** SMB2_SHAREFLAG_ENCRYPT_DATA, 2.2.10. */
const ENCRYPT_DATA = 0x8000;

/** What a connection of SMB2 says, both directions together. */
export class SmbConversation implements SmbListener {
  offer: Offer | undefined;
  choice: Choice | undefined;
  /** By how much the server's clock was ahead of that of the capture while it answered, as exactly as the time of its answer is known. */
  skew: { readonly us: number; readonly errorUs: number } | undefined;
  readonly commands = new Counts(() => new CommandCount());
  /** Answers other than success: `SMB2_CREATE STATUS_ACCESS_DENIED`. */
  readonly statuses = new StatusCounts();
  readonly sessions = new Map<string, SmbSession>();
  readonly trees: SmbTree[] = [];
  readonly outstanding: Outstanding<Request>;
  readonly opaque: Record<Opaque, { messages: number; bytes: number }> = {
    encrypted: { messages: 0, bytes: 0 },
    compressed: { messages: 0, bytes: 0 },
    smb1: { messages: 0, bytes: 0 },
  };
  messages = 0;
  decrypted = 0;
  signed = 0;
  compounds = 0;
  /** Requests that the server first said to be working on. */
  pending = 0;
  cancels = 0;
  /** Unasked: breaks of oplocks and leases. */
  notifications = 0;
  unmatched = 0;
  /** Sessions and trees beyond what is listed. */
  unlisted = 0;

  constructor(open: OpenRequests) {
    this.outstanding = new Outstanding(open);
  }

  message(parts: readonly SmbPart[], timeUs: number, toServer: boolean, sealed: boolean): void {
    this.messages += 1;
    if (parts.length > 1) this.compounds += 1;
    if (sealed) this.decrypted += 1;
    const [first] = parts;
    if (first?.signed === true) this.signed += 1;
    const session = sealed && first !== undefined ? this.#session(first.sessionId) : undefined;
    if (session !== undefined) session.decrypted[toServer ? 0 : 1] += 1;
    for (const part of parts) {
      if (part.response) this.#response(part, timeUs);
      else this.#request(part, timeUs);
    }
  }

  sealed(kind: Opaque, bytes: number, session: string | undefined, toServer: boolean): void {
    this.messages += 1;
    this.opaque[kind].messages += 1;
    this.opaque[kind].bytes += bytes;
    const known = session === undefined ? undefined : this.#session(session);
    if (kind === "encrypted" && known !== undefined) known.encrypted[toServer ? 0 : 1] += 1;
  }

  #request(part: SmbPart, timeUs: number): void {
    const { command, messageId, sessionId: session } = part;
    const name = commandName(command);
    this.commands.of(name).requests += 1;
    if (command === CANCEL) {
      // It bears the id of what it cancels, and is not answered.
      this.cancels += 1;
      return;
    }
    const body = part.body ?? Buffer.alloc(0);
    if (command === 0) this.offer = readOffer(body, HEADER) ?? this.offer;
    const known = { timeUs, command, session, pending: false };
    if (command === 1) this.outstanding.add(messageId, { ...known, ...this.#setupRequest(body, session) });
    else if (command === 3) this.outstanding.add(messageId, { ...known, ...this.#treeRequest(body, session) });
    else this.outstanding.add(messageId, known);
  }

  #response(part: SmbPart, timeUs: number): void {
    const { command, status, messageId } = part;
    if (messageId >= UNSOLICITED) {
      this.notifications += 1;
      return;
    }
    const request = this.outstanding.get(messageId);
    if (request === undefined || request.command !== command) {
      this.unmatched += 1;
    } else if (status === STATUS_PENDING && part.async) {
      if (!request.pending) this.pending += 1;
      request.pending = true;
      return;
    } else this.outstanding.take(messageId);
    const name = commandName(command);
    const counts = this.commands.of(name);
    counts.responses += 1;
    if (isFailure(status)) counts.errors += 1;
    if (status !== 0 && status !== MORE_PROCESSING_REQUIRED) this.statuses.add(name, statusName(status));
    if (request === undefined || request.command !== command) return;
    counts.latency.add(timeUs - request.timeUs);
    this.#outcome(part, request, timeUs);
  }

  #outcome(part: SmbPart, request: Request, timeUs: number): void {
    const body = part.body ?? Buffer.alloc(0);
    if (part.command === 0 && part.status === 0) this.#chosen(body, request.timeUs, timeUs);
    else if (part.command === 1) this.#setupResponse(part, body, request);
    else if (request.tree !== undefined) this.#treeResponse(part, body, request.tree);
  }

  #chosen(body: Buffer, askedUs: number, answeredUs: number): void {
    const choice = readChoice(body, HEADER);
    if (choice === undefined) return;
    this.choice = choice;
    if (choice.serverTimeUs === undefined) return;
    this.skew = { us: choice.serverTimeUs - (askedUs + answeredUs) / 2, errorUs: Math.abs(answeredUs - askedUs) / 2 };
  }

  /** Of a log-in's first request the session has no number yet: it waits in the request. */
  #setupRequest(body: Buffer, id: string): Pick<Request, "negotiate" | "mechanisms"> {
    const blob = bufferAt(body, 12);
    const ntlm = readNtlm(blob);
    const mechanisms = ntlm === undefined ? mechanismsOf(blob) : ["NTLMSSP"];
    if (ntlm?.type === "authenticate") {
      const session = this.#session(id);
      if (session !== undefined) session.authenticate = ntlm;
    }
    return { mechanisms, ...(ntlm?.type === "negotiate" ? { negotiate: ntlm } : {}) };
  }

  #setupResponse(part: SmbPart, body: Buffer, request: Request): void {
    const session = this.#session(part.sessionId === NO_SESSION ? request.session : part.sessionId);
    if (session === undefined) return;
    session.status = part.status;
    // What a mechanism is offered together with is of no interest once one was taken.
    for (const mechanism of request.mechanisms?.slice(0, 1) ?? []) {
      if (!session.mechanisms.includes(mechanism)) session.mechanisms.push(mechanism);
    }
    if (request.negotiate !== undefined) session.negotiate = request.negotiate;
    const ntlm = readNtlm(bufferAt(body, 4));
    if (ntlm?.type === "challenge") session.challenge = ntlm;
  }

  #treeRequest(body: Buffer, session: string): { readonly tree: SmbTree } {
    const tree: SmbTree = { path: bufferAt(body, 4).toString("utf16le"), session };
    if (this.trees.length < MAX_LISTED) this.trees.push(tree);
    else this.unlisted += 1;
    return { tree };
  }

  #treeResponse(part: SmbPart, body: Buffer, tree: SmbTree): void {
    tree.status = part.status;
    if (part.status !== 0) return;
    tree.id = part.treeId;
    if (body.length < 8) return;
    const kind = kinds[body.readUInt8(2)];
    if (kind !== undefined) tree.kind = kind;
    tree.encrypted = (body.readUInt32LE(4) & ENCRYPT_DATA) !== 0;
  }

  #session(id: string): SmbSession | undefined {
    if (id === NO_SESSION) return undefined;
    const known = this.sessions.get(id);
    if (known !== undefined) return known;
    if (this.sessions.size >= MAX_LISTED) {
      this.unlisted += 1;
      return undefined;
    }
    const session: SmbSession = { id, mechanisms: [], encrypted: [0, 0], decrypted: [0, 0] };
    this.sessions.set(id, session);
    return session;
  }
}

const NO_SESSION = "0x0";

/** A buffer of a body by its offset, from the header, and its length. */
function bufferAt(body: Buffer, field: number): Buffer {
  if (field + 4 > body.length) return Buffer.alloc(0);
  const from = body.readUInt16LE(field) - HEADER;
  return from < 0 ? Buffer.alloc(0) : body.subarray(from, from + body.readUInt16LE(field + 2));
}
