// SESSION_SETUP with NTLMSSP and TREE_CONNECT: MS-SMB2 2.2.5 to 2.2.10, as far as it takes to learn whether a server lets somebody in.
import { statusName } from "../smb/status.ts";
import { type Keys, keysOf, preauthHash } from "./keys.ts";
import { commands, flags, HEADER, parseResponse, type Response, requestBytes, signedBytes } from "./message.ts";
import { type Dialect, dialectCodes, type Negotiated } from "./negotiate.ts";
import { type Authenticate, type NtlmChallenge, ntlmNegotiate, parseChallenge } from "./ntlm.ts";
import { type Cipher, seal, unseal } from "./seal.ts";
import type { Received, Transport } from "./transport.ts";

type Agreed = Extract<Negotiated, { state: "agreed" }>;

/** What a request led to. */
export type Outcome =
  | { readonly state: "answered"; readonly status: number; readonly response: Response }
  | { readonly state: "unreadable" }
  | Exclude<Received, { state: "message" }>;

const SUCCESS = 0;
const PENDING = 0x103;
const MORE_PROCESSING_REQUIRED = 0xc000_0016;
const sessionFlag = { guest: 1, anonymous: 2, encrypt: 4 } as const;
const SHARE_ENCRYPTS = 0x8000;

export interface LoggedIn {
  readonly guest: boolean;
  readonly anonymous: boolean;
  /** The server wants this session encrypted. */
  readonly encrypts: boolean;
}

export interface Tree {
  readonly kind: "disk" | "pipe" | "printer";
  /** The server wants this share encrypted. */
  readonly encrypts: boolean;
  readonly flags: number;
  readonly maximalAccess: number;
}

export type LoginResult =
  | { readonly state: "in"; readonly session: LoggedIn }
  | { readonly state: "refused"; readonly status: number }
  | { readonly state: "unreadable" }
  | Exclude<Received, { state: "message" }>;

export type TreeResult =
  | { readonly state: "connected"; readonly tree: Tree; readonly treeId: number }
  | { readonly state: "refused"; readonly status: number }
  | { readonly state: "unreadable" }
  | Exclude<Received, { state: "message" }>;

/** A session on a connection that has negotiated. */
export class Session {
  readonly #transport: Transport;
  readonly #timeoutMs: number;
  readonly #dialect: Dialect;
  readonly #agreed: Agreed;
  readonly #heard: Buffer[];
  #nextMessage = 1n;
  #id = 0n;
  #keys: Keys | undefined;
  #sealing = false;
  /** The security buffer of the first answer: the CHALLENGE. */
  challenge: Buffer = Buffer.alloc(0);

  constructor(transport: Transport, agreed: Agreed, timeoutMs: number) {
    this.#transport = transport;
    this.#agreed = agreed;
    this.#timeoutMs = timeoutMs;
    const dialects: readonly string[] = Object.keys(dialectCodes);
    this.#dialect = dialects.includes(agreed.choice.dialect) ? (agreed.choice.dialect as Dialect) : "2.0.2";
    this.#heard = [agreed.request, agreed.response.whole];
  }

  /** The first half: the server tells who it is, before anybody has said who asks. */
  async ask(
    signal?: AbortSignal,
  ): Promise<
    { readonly state: "challenge"; readonly challenge: NtlmChallenge } | Exclude<LoginResult, { state: "in" }>
  > {
    const outcome = await this.#setup(ntlmNegotiate(), signal);
    if (outcome.state !== "answered") return outcome;
    if (outcome.status !== MORE_PROCESSING_REQUIRED) return { state: "refused", status: outcome.status };
    this.#id = outcome.response.sessionId;
    this.challenge = securityBuffer(outcome.response.body);
    const challenge = parseChallenge(this.challenge);
    return challenge === undefined ? { state: "unreadable" } : { state: "challenge", challenge };
  }

  /** The second half. */
  async logIn(authenticate: Authenticate, wantSeal: boolean, signal?: AbortSignal): Promise<LoginResult> {
    const outcome = await this.#setup(authenticate.message, signal);
    if (outcome.state !== "answered") return outcome;
    if (outcome.status !== SUCCESS) return { state: "refused", status: outcome.status };
    const bits = outcome.response.body.length >= 4 ? outcome.response.body.readUInt16LE(2) : 0;
    const guest = (bits & sessionFlag.guest) !== 0;
    const anonymous = (bits & sessionFlag.anonymous) !== 0 || authenticate.sessionKey === undefined;
    const encrypts = (bits & sessionFlag.encrypt) !== 0;
    const { choice } = this.#agreed;
    if (!guest && !anonymous && authenticate.sessionKey !== undefined) {
      // The last answer is not part of the hash: it is signed with what follows from it.
      this.#keys = keysOf(authenticate.sessionKey, {
        dialect: this.#dialect,
        preauth: preauthHash(this.#heard.slice(0, -1)),
        signing: choice.signingAlgorithms.includes("HMAC-SHA256") ? "HMAC-SHA256" : "AES-CMAC",
        keyLength: this.#cipher.includes("256") ? 32 : 16,
      });
      this.#sealing = (encrypts || wantSeal) && this.canSeal;
    }
    return { state: "in", session: { guest, anonymous, encrypts } };
  }

  /** Whether this connection can be encrypted at all. */
  get canSeal(): boolean {
    const { dialect, capabilities, ciphers } = this.#agreed.choice;
    return dialect === "3.1.1" ? ciphers.length > 0 : capabilities.includes("encryption");
  }

  get #cipher(): Cipher {
    const chosen = this.#agreed.choice.ciphers[0];
    return chosen === "AES-128-GCM" || chosen === "AES-256-CCM" || chosen === "AES-256-GCM" ? chosen : "AES-128-CCM";
  }

  async connectTree(host: string, share: string, signal?: AbortSignal): Promise<TreeResult> {
    const path = Buffer.from(`\\\\${host}\\${share}`, "utf16le");
    const fixed = Buffer.alloc(8);
    fixed.writeUInt16LE(9, 0);
    fixed.writeUInt16LE(HEADER + 8, 4);
    fixed.writeUInt16LE(path.length, 6);
    const outcome = await this.#exchange(commands.treeConnect, Buffer.concat([fixed, path]), undefined, signal);
    if (outcome.state !== "answered") return outcome;
    if (outcome.status !== SUCCESS) return { state: "refused", status: outcome.status };
    const { body, treeId } = outcome.response;
    if (body.length < 16) return { state: "unreadable" };
    const kinds = { 1: "disk", 2: "pipe", 3: "printer" } as const;
    const kind = body.readUInt8(2);
    const shareFlags = body.readUInt32LE(4);
    const tree: Tree = {
      kind: kind === 2 || kind === 3 ? kinds[kind] : "disk",
      encrypts: (shareFlags & SHARE_ENCRYPTS) !== 0,
      flags: shareFlags,
      maximalAccess: body.readUInt32LE(12),
    };
    if (tree.encrypts && this.#keys !== undefined && this.canSeal) this.#sealing = true;
    return { state: "connected", tree, treeId };
  }

  /** Opens a directory of the share for its attributes, and lets it go with the connection: the status alone counts. */
  openDirectory(treeId: number, path: string, signal?: AbortSignal): Promise<Outcome> {
    const name = Buffer.from(path.replaceAll("/", "\\"), "utf16le");
    const fixed = Buffer.alloc(56);
    fixed.writeUInt16LE(57, 0);
    fixed.writeUInt32LE(2, 4);
    fixed.writeUInt32LE(0x80, 24);
    fixed.writeUInt32LE(7, 32);
    fixed.writeUInt32LE(1, 36);
    fixed.writeUInt32LE(1, 40);
    fixed.writeUInt16LE(HEADER + 56, 44);
    fixed.writeUInt16LE(name.length, 46);
    // A name may be empty, the buffer may not.
    const body = Buffer.concat([fixed, name.length === 0 ? Buffer.alloc(1) : name]);
    return this.#exchange(commands.create, body, treeId, signal);
  }

  #setup(token: Buffer, signal: AbortSignal | undefined): Promise<Outcome> {
    const fixed = Buffer.alloc(24);
    fixed.writeUInt16LE(25, 0);
    fixed.writeUInt8(1, 3);
    fixed.writeUInt32LE(1, 4);
    fixed.writeUInt16LE(HEADER + 24, 12);
    fixed.writeUInt16LE(token.length, 14);
    return this.#exchange(commands.sessionSetup, Buffer.concat([fixed, token]), undefined, signal);
  }

  async #exchange(
    command: number,
    body: Buffer,
    treeId: number | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Outcome> {
    const plain = requestBytes({
      command,
      messageId: this.#nextMessage,
      sessionId: this.#id,
      ...(treeId !== undefined && { treeId }),
      body,
    });
    this.#nextMessage += 1n;
    const keys = this.#keys;
    if (keys !== undefined && this.#sealing)
      this.#transport.send(seal(plain, { key: keys.toServer, cipher: this.#cipher, session: this.#id }));
    else this.#transport.send(keys === undefined ? plain : signedBytes(plain, keys.sign));
    for (;;) {
      const received = await this.#transport.receive(this.#timeoutMs, signal);
      if (received.state !== "message") return received;
      const bytes =
        keys === undefined ? received.bytes : (unseal(received.bytes, keys.toClient, this.#cipher) ?? received.bytes);
      const response = parseResponse(bytes);
      if (response === undefined || response.command !== command) return { state: "unreadable" };
      // An interim answer: the real one follows.
      if (response.status === PENDING && (response.flags & flags.async) !== 0) continue;
      this.#heard.push(plain, response.whole);
      return { state: "answered", status: response.status, response };
    }
  }
}

function securityBuffer(body: Buffer): Buffer {
  if (body.length < 8) return Buffer.alloc(0);
  const [offset, length] = [body.readUInt16LE(4) - HEADER, body.readUInt16LE(6)];
  return body.subarray(Math.max(0, offset), Math.max(0, offset) + length);
}

/** For evidence: `STATUS_LOGON_FAILURE`, or what else became of a request. */
export function outcomeText(outcome: {
  readonly state: string;
  readonly status?: number;
  readonly code?: string;
}): string {
  if (outcome.status !== undefined) return statusName(outcome.status);
  if (outcome.state === "timeout") return "no answer";
  if (outcome.state === "closed")
    return outcome.code === undefined ? "the server ended the connection" : `the connection ended (${outcome.code})`;
  return "an answer that is no SMB";
}
