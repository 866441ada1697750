// The messages of Kerberos that are exchanged with a KDC before anybody proves who he is: RFC 4120, sections 5.4 and 5.9.
import {
  applicationTag,
  contextTag,
  derNumber,
  derTags,
  derTime,
  fieldOf,
  insideDer,
  readDer,
  writeDer,
  writeNumber,
  writeTime,
} from "./der.ts";
import { encryptionName } from "./names.ts";

export interface AsRequest {
  readonly realm: string;
  /** `["alice"]` */
  readonly client: readonly string[];
  /** `["krbtgt", "REALM"]`, `["cifs", "files.example"]` */
  readonly service: readonly string[];
  readonly nonce: number;
  /** Until when the ticket is to be good, ms since 1970. */
  readonly tillMs: number;
}

const NT_PRINCIPAL = 1;
const NT_SRV_INST = 2;
/** AES with SHA-1 and SHA-2, and RC4, which old servers have alone. */
const offered = [18, 17, 20, 19, 23];

/** An AS-REQ without pre-authentication: a question that holds no secret. */
export function writeAsRequest({ realm, client, service, nonce, tillMs }: AsRequest): Buffer {
  const body = sequence([
    [0, writeDer(derTags.bitString, Buffer.from([0, 0, 0, 0, 0]))],
    [1, principal(NT_PRINCIPAL, client)],
    [2, text(realm)],
    [3, principal(NT_SRV_INST, service)],
    [5, writeTime(tillMs)],
    [7, writeNumber(nonce)],
    [8, writeDer(derTags.sequence, ...offered.map(writeNumber))],
  ]);
  const request = sequence([
    [1, writeNumber(5)],
    [2, writeNumber(10)],
    [4, body],
  ]);
  return writeDer(applicationTag(10), request);
}

const sequence = (fields: readonly (readonly [number, Buffer])[]): Buffer =>
  writeDer(derTags.sequence, ...fields.map(([number, content]) => writeDer(contextTag(number), content)));
const text = (value: string): Buffer => writeDer(derTags.generalString, Buffer.from(value, "utf8"));
const principal = (type: number, names: readonly string[]): Buffer =>
  sequence([
    [0, writeNumber(type)],
    [1, writeDer(derTags.sequence, ...names.map(text))],
  ]);

/** What a KDC answers. */
export type KdcReply =
  | { readonly is: "ticket" }
  | {
      readonly is: "error";
      readonly code: number;
      /** Its clock, ms since 1970. */
      readonly timeMs?: number;
      readonly realm?: string;
      readonly text?: string;
      /** For which types the client has keys, where it asks for pre-authentication. */
      readonly encryption: readonly string[];
    };

/** Undefined for what is no answer of Kerberos. Never throws. */
export function readKdcReply(bytes: Buffer): KdcReply | undefined {
  const message = readDer(bytes);
  if (message?.[0]?.tag === applicationTag(11)) return { is: "ticket" };
  const error = insideDer(insideDer(message, applicationTag(30)), derTags.sequence);
  const code = derNumber(fieldOf(error, 6, derTags.integer));
  if (code === undefined) return undefined;
  const seconds = derTime(fieldOf(error, 4, derTags.generalizedTime));
  const micros = derNumber(fieldOf(error, 5, derTags.integer)) ?? 0;
  const realm = fieldOf(error, 9, derTags.generalString)?.toString("utf8");
  // Microsoft's KDCs put other things there.
  const said = fieldOf(error, 11, derTags.generalString)
    ?.toString("utf8")
    .replace(/[^\x20-\x7e]/g, "");
  return {
    is: "error",
    code,
    ...(seconds === undefined ? {} : { timeMs: seconds + micros / 1000 }),
    ...(realm === undefined ? {} : { realm }),
    ...(said ? { text: said.slice(0, 200) } : {}),
    encryption: code === krbErrors.preauthRequired ? keyTypes(fieldOf(error, 12, derTags.octetString)) : [],
  };
}

const ETYPE_INFO2 = 19;

/** METHOD-DATA with PA-ETYPE-INFO2. */
function keyTypes(methods: Buffer | undefined): readonly string[] {
  const list = methods === undefined ? undefined : insideDer(readDer(methods), derTags.sequence);
  for (const { content } of list ?? []) {
    const method = readDer(content);
    if (derNumber(fieldOf(method, 1, derTags.integer)) !== ETYPE_INFO2) continue;
    const value = fieldOf(method, 2, derTags.octetString);
    const entries = value === undefined ? undefined : insideDer(readDer(value), derTags.sequence);
    const types = (entries ?? []).flatMap(
      (entry) => derNumber(fieldOf(readDer(entry.content), 0, derTags.integer)) ?? [],
    );
    return [...new Set(types)].map(encryptionName);
  }
  return [];
}

/** RFC 4120, section 7.5.9: those that are judged. */
export const krbErrors = {
  clientUnknown: 6,
  serviceUnknown: 7,
  encryptionUnsupported: 14,
  clientRevoked: 18,
  passwordExpired: 23,
  preauthRequired: 25,
  clockSkew: 37,
  wrongRealm: 68,
} as const;

const errorWords: Readonly<Record<number, string>> = {
  6: "the client is not in its database",
  7: "the service is not in its database",
  12: "its policy refuses",
  14: "no encryption type that both know",
  18: "the account is disabled, locked or expired",
  23: "the password has expired",
  24: "pre-authentication failed: wrong password",
  25: "it asks for the password, as it should",
  29: "a service that it needs is not available",
  37: "clock skew too great",
  52: "the answer is too large for a datagram",
  60: "an error that it has no number for",
  68: "it serves another realm",
};

export const krbErrorText = (code: number): string => errorWords[code] ?? `Kerberos error ${code}`;
