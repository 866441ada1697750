// A server of SMB2 for tests, as far as NEGOTIATE, SESSION_SETUP, TREE_CONNECT and CREATE. It checks proofs, signatures and seals as real ones do.
import { createHmac } from "node:crypto";
import { createServer, type Socket } from "node:net";
import { rc4 } from "../crypto/rc4.ts";
import { type Keys, keysOf, preauthHash } from "../keys.ts";
import { commands, HEADER, signedBytes } from "../message.ts";
import { allDialects, type Dialect, dialectCodes } from "../negotiate.ts";
import { ntlmV2Key } from "../ntlm.ts";
import { seal, unseal } from "../seal.ts";

export interface FakeServer {
  readonly dialects?: readonly Dialect[];
  readonly signingRequired?: boolean;
  /** The whole server wants to be spoken to in seals; old dialects are denied access. */
  readonly encrypts?: boolean;
  /** None: it has no encryption. */
  readonly cipher?: 1 | 2;
  /** By name; another status than 0 for one whose password is right. */
  readonly users?: Readonly<Record<string, { readonly password: string; readonly status?: number }>>;
  /** By name: what a tree connect leads to. */
  readonly shares?: Readonly<Record<string, number>>;
  /** Directories of every share. */
  readonly directories?: readonly string[];
  readonly guests?: boolean;
  /** It offers to take tickets, too; none is ever brought to it. */
  readonly kerberos?: boolean;
  /** Unix ms that it says. */
  readonly timeMs?: number;
  /** Takes connections and says nothing. */
  readonly frozen?: boolean;
  /** Ends each connection at the first message, but answers SMB 1. */
  readonly smb1?: boolean;
}

const LOGON_FAILURE = 0xc000_006d;
const ACCESS_DENIED = 0xc000_0022;
const CIPHERS = { 1: "AES-128-CCM", 2: "AES-128-GCM" } as const;
const NONCE = Buffer.from("0123456789abcdef", "hex");

/** Its port, until the test ends. */
export async function fakeServer(t: { after(end: () => void): void }, server: FakeServer = {}): Promise<number> {
  const sockets = new Set<Socket>();
  const listener = createServer((socket) => {
    sockets.add(socket);
    const connection = new Connection(server, socket);
    socket.on("error", () => {}).on("data", (bytes: Buffer) => connection.take(bytes));
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    listener.close();
    for (const socket of sockets) socket.destroy();
  });
  const address = listener.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

type Said = readonly [status: number, body: Buffer];

class Connection {
  readonly #server: FakeServer;
  readonly #socket: Socket;
  readonly #heard: Buffer[] = [];
  #bytes = Buffer.alloc(0);
  #dialect: Dialect = "2.0.2";
  #keys: Keys | undefined;
  #sealed = false;

  constructor(server: FakeServer, socket: Socket) {
    this.#server = server;
    this.#socket = socket;
  }

  take(bytes: Buffer): void {
    if (this.#server.frozen === true) return;
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    while (this.#bytes.length >= 4 && this.#bytes.length >= 4 + this.#bytes.readUInt32BE(0)) {
      const end = 4 + this.#bytes.readUInt32BE(0);
      const message = this.#bytes.subarray(4, end);
      this.#bytes = this.#bytes.subarray(end);
      this.#message(message);
    }
  }

  get #cipher(): (typeof CIPHERS)[1 | 2] | undefined {
    return this.#server.cipher === undefined ? undefined : CIPHERS[this.#server.cipher];
  }

  #message(received: Buffer): void {
    if (received.readUInt32BE(0) === 0xff53_4d42) {
      if (this.#server.smb1 === true) this.#write(smb1Answer);
      else this.#socket.destroy();
      return;
    }
    if (this.#server.smb1 === true) {
      this.#socket.destroy();
      return;
    }
    const cipher = this.#cipher;
    const opened = this.#keys && cipher ? unseal(received, this.#keys.toServer, cipher) : undefined;
    const request = opened ?? received;
    const body = request.subarray(HEADER);
    this.#sealed = opened !== undefined;
    this.#reply(request, this.#answer(request, body));
  }

  #answer(request: Buffer, body: Buffer): Said {
    switch (request.readUInt16LE(12)) {
      case commands.negotiate:
        return this.#negotiate(body);
      case commands.sessionSetup:
        return this.#sessionSetup(request, body);
      default:
        return this.#inSession(request, body);
    }
  }

  #negotiate(body: Buffer): Said {
    const codes = Array.from({ length: body.readUInt16LE(2) }, (_, index) => body.readUInt16LE(36 + 2 * index));
    const spoken = (this.#server.dialects ?? allDialects).filter((dialect) => codes.includes(dialectCodes[dialect]));
    const dialect = spoken.at(-1);
    if (dialect === undefined) return [0xc000_00bb, Buffer.alloc(9)];
    this.#dialect = dialect;
    const fixed = Buffer.alloc(64);
    fixed.writeUInt16LE(65, 0);
    fixed.writeUInt16LE(this.#server.signingRequired === true ? 3 : 1, 2);
    fixed.writeUInt16LE(dialectCodes[dialect], 4);
    const encryption = dialect.startsWith("3.0") && this.#server.cipher === 1 ? 0x40 : 0;
    fixed.writeUInt32LE(0x0f | encryption, 24);
    for (const at of [28, 32, 36]) fixed.writeUInt32LE(1024 * 1024, at);
    fixed.writeBigUInt64LE(BigInt(this.#server.timeMs ?? Date.now()) * 10_000n + 116_444_736_000_000_000n, 40);
    const ticket = this.#server.kerberos === true ? "06092a864886f712010202" : "";
    const offer = Buffer.from(`${ticket}060a2b06010401823702020a`, "hex");
    fixed.writeUInt16LE(HEADER + 64, 56);
    fixed.writeUInt16LE(offer.length, 58);
    const parts: Buffer[] = [fixed, offer];
    if (dialect === "3.1.1") {
      parts.push(Buffer.alloc(4));
      fixed.writeUInt32LE(HEADER + 80, 60);
      const contexts = [context(1, `0100200001${"00".repeat(33)}`), context(8, "01000100")];
      if (this.#server.cipher !== undefined) contexts.push(context(2, `01000${this.#server.cipher}00`));
      fixed.writeUInt16LE(contexts.length, 6);
      parts.push(...contexts);
    }
    return [0, Buffer.concat(parts)];
  }

  #sessionSetup(request: Buffer, body: Buffer): Said {
    const token = body.subarray(body.readUInt16LE(12) - HEADER);
    if (token.readUInt32LE(8) === 1) {
      const challenge = Buffer.alloc(56);
      challenge.write("NTLMSSP\0", "latin1");
      challenge.writeUInt32LE(2, 8);
      challenge.writeUInt32LE(token.readUInt32LE(12), 20);
      NONCE.copy(challenge, 24);
      const info = Buffer.from("010006004b004900540000000000", "hex");
      challenge.writeUInt16LE(info.length, 40);
      challenge.writeUInt32LE(56, 44);
      return [0xc000_0016, setupBody(0, Buffer.concat([challenge, info]))];
    }
    const field = (at: number): Buffer =>
      token.subarray(token.readUInt32LE(at + 4), token.readUInt32LE(at + 4) + token.readUInt16LE(at));
    const [nt, domain, user, wrapped] = [
      field(20),
      field(28).toString("utf16le"),
      field(36).toString("utf16le"),
      field(52),
    ];
    if (user === "") return this.#server.guests === true ? [0, setupBody(2)] : [ACCESS_DENIED, Buffer.alloc(9)];
    const known = this.#server.users?.[user];
    const key = ntlmV2Key({ user, domain, password: known?.password ?? "" });
    const proof = createHmac("md5", key).update(NONCE).update(nt.subarray(16)).digest();
    if (known === undefined || !proof.equals(nt.subarray(0, 16)))
      return this.#server.guests === true ? [0, setupBody(1)] : [LOGON_FAILURE, Buffer.alloc(9)];
    if (known.status !== undefined) return [known.status, Buffer.alloc(9)];
    if (this.#server.encrypts === true && !this.#dialect.startsWith("3")) return [ACCESS_DENIED, Buffer.alloc(9)];
    const session = rc4(createHmac("md5", key).update(proof).digest(), wrapped);
    const preauth = preauthHash([...this.#heard, request]);
    this.#keys = keysOf(session, { dialect: this.#dialect, preauth, signing: "AES-CMAC", keyLength: 16 });
    return [0, setupBody(this.#server.encrypts === true ? 4 : 0)];
  }

  #inSession(request: Buffer, body: Buffer): Said {
    if (this.#keys !== undefined && !this.#sealed) {
      const signed = signedBytes(request, this.#keys.sign);
      if (this.#server.encrypts === true || !signed.equals(request)) return [ACCESS_DENIED, Buffer.alloc(9)];
    }
    const name = (at: number): string =>
      body
        .subarray(body.readUInt16LE(at) - HEADER, body.readUInt16LE(at) - HEADER + body.readUInt16LE(at + 2))
        .toString("utf16le");
    if (request.readUInt16LE(12) === commands.create) {
      const found = ["", ...(this.#server.directories ?? [])].includes(name(44));
      return [found ? 0 : 0xc000_003a, Buffer.alloc(89)];
    }
    const status = this.#server.shares?.[name(4).replace(/^.*\\/, "")] ?? 0xc000_00cc;
    if (status !== 0) return [status, Buffer.alloc(9)];
    const tree = Buffer.alloc(16);
    tree.writeUInt16LE(16, 0);
    tree.writeUInt8(1, 2);
    tree.writeUInt32LE(this.#server.encrypts === true ? 0x8000 : 0, 4);
    tree.writeUInt32LE(3, 12);
    return [0, tree];
  }

  #reply(request: Buffer, [status, body]: Said): void {
    const header = Buffer.from(request.subarray(0, HEADER));
    header.fill(0, 48);
    header.writeUInt32LE(status, 8);
    header.writeUInt32LE(1, 16);
    header.writeBigUInt64LE(7n, 40);
    const whole = Buffer.concat([header, body]);
    this.#heard.push(request, whole);
    const cipher = this.#cipher;
    const keys = this.#keys;
    this.#write(this.#sealed && keys && cipher ? seal(whole, { key: keys.toClient, cipher, session: 7n }) : whole);
  }

  #write(message: Buffer): void {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(message.length);
    this.#socket.write(Buffer.concat([length, message]));
  }
}

function setupBody(flags: number, token: Buffer = Buffer.alloc(1)): Buffer {
  const fixed = Buffer.alloc(8);
  fixed.writeUInt16LE(9, 0);
  fixed.writeUInt16LE(flags, 2);
  fixed.writeUInt16LE(HEADER + 8, 4);
  fixed.writeUInt16LE(token.length, 6);
  return Buffer.concat([fixed, token]);
}

function context(type: number, hex: string): Buffer {
  const data = Buffer.from(hex, "hex");
  const bytes = Buffer.alloc(8 + Math.ceil(data.length / 8) * 8);
  bytes.writeUInt16LE(type, 0);
  bytes.writeUInt16LE(data.length, 2);
  data.copy(bytes, 8);
  return bytes;
}

/** The dialect at index 0 is chosen. */
const smb1Answer = Buffer.concat([Buffer.from("ff534d4272", "hex"), Buffer.alloc(27), Buffer.from([1, 0, 0, 0, 0])]);
