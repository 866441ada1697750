// MS-SMB2 2.2.3 and its contexts (2.2.3.1); the NEGOTIATE of SMB 1 is MS-CIFS 2.2.4.52.
import { randomBytes } from "node:crypto";
import { type Choice, readChoice } from "../packets/smb/negotiate.ts";
import { commands, HEADER, parseResponse, type Response, requestBytes } from "./message.ts";
import type { Received, Transport } from "./transport.ts";

export const dialectCodes = { "2.0.2": 0x202, "2.1": 0x210, "3.0": 0x300, "3.0.2": 0x302, "3.1.1": 0x311 } as const;
export type Dialect = keyof typeof dialectCodes;
export const allDialects: readonly Dialect[] = ["2.0.2", "2.1", "3.0", "3.0.2", "3.1.1"];

export interface NegotiateOffer {
  readonly dialects: readonly Dialect[];
  /** As in SMB2_ENCRYPTION_CAPABILITIES; the most wanted first. */
  readonly ciphers?: readonly number[];
  /** As in SMB2_SIGNING_CAPABILITIES; none: the context is left out, as clients before Linux 5.15 do. */
  readonly signingAlgorithms?: readonly number[];
  /** The name by which the server is called. */
  readonly host: string;
}

const CAPABILITIES = 0x7f;

export function negotiateBytes(offer: NegotiateOffer): Buffer {
  const { dialects } = offer;
  const fixed = Buffer.alloc(36 + 2 * dialects.length);
  fixed.writeUInt16LE(36, 0);
  fixed.writeUInt16LE(dialects.length, 2);
  fixed.writeUInt16LE(1, 4);
  if (dialects.some((dialect) => dialect.startsWith("3"))) fixed.writeUInt32LE(CAPABILITIES, 8);
  randomBytes(16).copy(fixed, 12);
  for (const [index, dialect] of dialects.entries()) fixed.writeUInt16LE(dialectCodes[dialect], 36 + 2 * index);
  if (!dialects.includes("3.1.1")) return requestBytes({ command: commands.negotiate, messageId: 0n, body: fixed });
  const contexts = contextsOf(offer);
  const body = padded(fixed);
  body.writeUInt32LE(HEADER + body.length, 28);
  body.writeUInt16LE(contexts.length, 32);
  return requestBytes({
    command: commands.negotiate,
    messageId: 0n,
    body: Buffer.concat([
      body,
      ...contexts.map((context, at) => (at + 1 < contexts.length ? padded(context) : context)),
    ]),
  });
}

const words = (...values: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(2 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt16LE(value, 2 * index);
  return bytes;
};

const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 7)]);

function contextsOf({ ciphers = [2, 1, 4, 3], signingAlgorithms = [1, 0], host }: NegotiateOffer): Buffer[] {
  const context = (type: number, data: Buffer): Buffer =>
    Buffer.concat([words(type, data.length), Buffer.alloc(4), data]);
  return [
    context(1, Buffer.concat([words(1, 32, 1), randomBytes(32)])),
    context(2, words(ciphers.length, ...ciphers)),
    ...(signingAlgorithms.length === 0 ? [] : [context(8, words(signingAlgorithms.length, ...signingAlgorithms))]),
    context(5, Buffer.from(host, "utf16le")),
  ];
}

/** `refused`: the server answered with an error; `smb1`: with a message of SMB 1; `other`: with what is no SMB. */
export type Negotiated =
  | { readonly state: "agreed"; readonly choice: Choice; readonly response: Response; readonly request: Buffer }
  | { readonly state: "refused"; readonly status: number }
  | { readonly state: "smb1" | "other" }
  | Exclude<Received, { state: "message" }>;

export async function negotiate(
  transport: Transport,
  offer: NegotiateOffer,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<Negotiated> {
  const request = negotiateBytes(offer);
  transport.send(request);
  const received = await transport.receive(timeoutMs, signal);
  if (received.state !== "message") return received;
  const response = parseResponse(received.bytes);
  if (response === undefined) return { state: isSmb1(received.bytes) ? "smb1" : "other" };
  if (response.status !== 0) return { state: "refused", status: response.status };
  const choice = readChoice(response.body, HEADER);
  return choice === undefined ? { state: "other" } : { state: "agreed", choice, response, request };
}

const isSmb1 = (bytes: Buffer): boolean => bytes.length >= 32 && bytes.readUInt32BE(0) === 0xff53_4d42;

/** Whether the server speaks SMB 1: it chooses the only dialect that is offered. */
export async function speaksSmb1(transport: Transport, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
  const dialects = Buffer.from("\x02NT LM 0.12\0", "latin1");
  const header = Buffer.alloc(32);
  header.writeUInt32BE(0xff53_4d42, 0);
  header.writeUInt8(0x72, 4);
  header.writeUInt8(0x18, 9);
  header.writeUInt16LE(0xc843, 10);
  transport.send(Buffer.concat([header, Buffer.from([0]), words(dialects.length), dialects]));
  const received = await transport.receive(timeoutMs, signal);
  if (received.state !== "message" || !isSmb1(received.bytes) || received.bytes.length < 35) return false;
  return received.bytes.readUInt32LE(5) === 0 && received.bytes.readUInt16LE(33) === 0;
}
