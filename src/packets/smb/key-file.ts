// Session keys in the form of Wireshark's own table of them, the file `smb2_seskey_list` of its configuration directory, so that one file serves both:
//   SESSION,SESSION_KEY,KEY_TO_CLIENT,KEY_TO_SERVER     hexadecimal, the session as its bytes stand on the wire; # begins a comment
import { readFileSync, statSync } from "node:fs";
import { AodError, messageOf } from "../../system/error.ts";
import type { SessionKeys } from "./unseal.ts";

/** With the key of the session itself, of which the others were made. */
export interface AllKeys extends SessionKeys {
  /** As in SMB2_ENCRYPTION_CAPABILITIES; 1 to 4. */
  readonly cipher: number;
  readonly sessionKey: Buffer;
}

const ciphers: Readonly<Record<number, string>> = {
  1: "AES-128-CCM",
  2: "AES-128-GCM",
  3: "AES-256-CCM",
  4: "AES-256-GCM",
};

export const cipherName = (cipher: number): string => ciphers[cipher] ?? `cipher ${cipher}`;

/** What `aod-probe --keys` prints: session, cipher, session key, key to the server, key to the client. */
export function parseHelperLine(text: string): AllKeys | undefined {
  const [, session = "", cipher = "", ...keys] =
    /^([0-9a-f]{16}) (\d+) ([0-9a-f]+) ((?:[0-9a-f]{32}){1,2}) ((?:[0-9a-f]{32}){1,2})\n$/.exec(text) ?? [];
  if (session === "") return undefined;
  const [sessionKey, toServer, toClient] = keys.map((key) => Buffer.from(key, "hex"));
  if (sessionKey === undefined || toServer === undefined || toClient === undefined) return undefined;
  return { session: sessionOf(session), cipher: Number(cipher), sessionKey, toServer, toClient };
}

const sessionOf = (hex: string): string => `0x${Buffer.from(hex, "hex").readBigUInt64LE(0).toString(16)}`;

/** The text of the file. */
export function keyFileText(all: readonly AllKeys[]): string {
  const lines = all.flatMap(({ session, cipher, sessionKey, toServer, toClient }) => {
    const id = Buffer.alloc(8);
    id.writeBigUInt64LE(BigInt(session));
    const hex = [id, sessionKey, toClient, toServer].map((bytes) => bytes.toString("hex"));
    return [`# session ${session}, ${cipherName(cipher)}`, hex.join(",")];
  });
  return `# SECRET: these keys open what was captured of the sessions. For aod packets --keys, tshark and Wireshark.\n${lines.join("\n")}\n`;
}

const MAX_FILE = 1024 * 1024;

/** Throws a usage error that names the line which is wrong, and never what is in it. */
export function readKeyFile(path: string): readonly SessionKeys[] {
  let text: string;
  try {
    if (statSync(path).size > MAX_FILE) throw new AodError("usage", "it is too large");
    text = readFileSync(path, "latin1");
  } catch (error) {
    throw new AodError("usage", `keys cannot be read from ${path}: ${messageOf(error)}`, { cause: error });
  }
  const keys = text.split("\n").flatMap((line, index) => keysOf(line.trim(), `${path}:${index + 1}`));
  if (keys.length === 0)
    throw new AodError("usage", `there are no keys in ${path}: aod keys MOUNT --out FILE writes them`);
  return keys;
}

function keysOf(line: string, where: string): readonly SessionKeys[] {
  if (line === "" || line.startsWith("#")) return [];
  const [session = "", , toClient = "", toServer = ""] = line
    .split(",")
    .map((field) => field.trim().replaceAll('"', ""));
  const isKey = (text: string): boolean => /^(?:[0-9a-f]{32}){1,2}$/i.test(text);
  if (!/^[0-9a-f]{16}$/i.test(session) || !isKey(toClient) || !isKey(toServer)) {
    throw new AodError(
      "usage",
      `${where}: expected SESSION,SESSION_KEY,KEY_TO_CLIENT,KEY_TO_SERVER in hexadecimal, as aod keys writes them`,
    );
  }
  return [
    { session: sessionOf(session), toServer: Buffer.from(toServer, "hex"), toClient: Buffer.from(toClient, "hex") },
  ];
}
