// MS-NLMP 2.2.1 (messages), 2.2.2.1 (AV_PAIR), 2.2.2.10 (VERSION). Challenges, responses, session keys and integrity codes are not read.

const SIGNATURE = Buffer.from("NTLMSSP\0", "latin1");
const UNICODE = 1;
const HAS_VERSION = 0x0200_0000;
const MAX_TEXT = 512;

export interface NtlmVersion {
  readonly major: number;
  readonly minor: number;
  readonly build: number;
}

export type NtlmMessage =
  | { readonly type: "negotiate"; readonly version?: NtlmVersion }
  | {
      readonly type: "challenge";
      readonly version?: NtlmVersion;
      readonly target?: string;
      readonly netbiosName?: string;
      readonly netbiosDomain?: string;
      readonly dnsName?: string;
      readonly dnsDomain?: string;
      readonly dnsForest?: string;
    }
  | {
      readonly type: "authenticate";
      readonly version?: NtlmVersion;
      readonly domain?: string;
      readonly user?: string;
      readonly workstation?: string;
      /** No user, no password. */
      readonly anonymous: boolean;
    };

/** The NTLMSSP message in a security buffer, bare or within SPNEGO. Never throws; what is cut off is absent. */
export function readNtlm(buffer: Buffer): NtlmMessage | undefined {
  const start = buffer.indexOf(SIGNATURE);
  if (start < 0 || start + 12 > buffer.length) return undefined;
  const message = buffer.subarray(start);
  switch (message.readUInt32LE(8)) {
    case 1:
      return { type: "negotiate", ...versionAt(message, 12, 32) };
    case 2:
      return readChallenge(message);
    case 3:
      return readAuthenticate(message);
    default:
      return undefined;
  }
}

function readChallenge(message: Buffer): NtlmMessage {
  const flags = message.length >= 24 ? message.readUInt32LE(20) : UNICODE;
  const target = textAt(message, 12, flags);
  return {
    type: "challenge",
    ...versionAt(message, 20, 48),
    ...(target === undefined ? {} : { target }),
    ...pairs(bytesAt(message, 40) ?? Buffer.alloc(0)),
  };
}

const pairNames = ["netbiosName", "netbiosDomain", "dnsName", "dnsDomain", "dnsForest"] as const;

function pairs(info: Buffer): Partial<Record<(typeof pairNames)[number], string>> {
  const found: Partial<Record<(typeof pairNames)[number], string>> = {};
  for (let at = 0; at + 4 <= info.length; ) {
    const [id, length] = [info.readUInt16LE(at), info.readUInt16LE(at + 2)];
    if (id === 0) break;
    const name = pairNames[id - 1];
    const value = info.subarray(at + 4, at + 4 + Math.min(length, 2 * MAX_TEXT));
    if (name !== undefined && value.length > 0) found[name] = value.toString("utf16le");
    at += 4 + length;
  }
  return found;
}

/** Behind the fields of both responses, which begin at 12 and 20: domain, user, workstation. */
function readAuthenticate(message: Buffer): NtlmMessage {
  const flags = message.length >= 64 ? message.readUInt32LE(60) : UNICODE;
  const [domain, user, workstation] = [28, 36, 44].map((at) => textAt(message, at, flags));
  const responseLength = message.length >= 22 ? message.readUInt16LE(20) : 0;
  return {
    type: "authenticate",
    ...versionAt(message, 60, 64),
    ...(domain === undefined ? {} : { domain }),
    ...(user === undefined ? {} : { user }),
    ...(workstation === undefined ? {} : { workstation }),
    anonymous: user === undefined && responseLength === 0,
  };
}

function versionAt(message: Buffer, flagsAt: number, at: number): { version?: NtlmVersion } {
  if (at + 8 > message.length || (message.readUInt32LE(flagsAt) & HAS_VERSION) === 0) return {};
  const version = {
    major: message.readUInt8(at),
    minor: message.readUInt8(at + 1),
    build: message.readUInt16LE(at + 2),
  };
  return version.major === 0 ? {} : { version };
}

function bytesAt(message: Buffer, field: number): Buffer | undefined {
  if (field + 8 > message.length) return undefined;
  const [length, offset] = [message.readUInt16LE(field), message.readUInt32LE(field + 4)];
  return offset + length > message.length ? undefined : message.subarray(offset, offset + length);
}

function textAt(message: Buffer, field: number, flags: number): string | undefined {
  const bytes = bytesAt(message, field)?.subarray(0, 2 * MAX_TEXT);
  if (bytes === undefined || bytes.length === 0) return undefined;
  return bytes.toString((flags & UNICODE) === 0 ? "latin1" : "utf16le");
}

/**
 * What a version says. The Linux client puts its kernel's version there and in the build number the cifs module's minor version, 44 for 2.44
 * (SMB3_PRODUCT_BUILD in fs/smb/client/cifsfs.h, since 5.17; 2.61 in 7.2); Samba says 6.1 with build 0; the builds of Windows begin at 2195.
 */
export function versionText({ major, minor, build }: NtlmVersion, side: "client" | "server"): string {
  const number = `${major}.${minor}`;
  if (side === "client" && build >= 30 && build < 256) return `Linux ${number}, cifs module 2.${build}`;
  if (build === 0) return major === 6 && minor === 1 ? `${number} build 0 (as Samba says)` : `${number} build 0`;
  return build >= 2195 ? `Windows ${number} build ${build}` : `${number} build ${build}`;
}
