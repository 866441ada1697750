// Small files of the SMB client: /proc/fs/cifs/{mount_params,SecurityFlags,cifsFYI,traceSMB,...} and /sys/module/cifs/parameters.

export type ParamType = "flag" | "noflag" | "bool" | "u32" | "u64" | "string" | "unknown";

export interface MountParams {
  /** Option -> what it takes; `noflag`: it may have `no` before it. An option has several where it may be written in several ways. */
  readonly types: ReadonlyMap<string, readonly ParamType[]>;
  readonly unknown: readonly string[];
}

const paramTypes: ReadonlySet<string> = new Set(["flag", "noflag", "bool", "u32", "u64", "string", "unknown"]);
const isParamType = (text: string): text is ParamType => paramTypes.has(text);

/** /proc/fs/cifs/mount_params, 5.15 and later: the options that this kernel knows. Never throws. */
export function parseMountParams(text: string): MountParams {
  const types = new Map<string, ParamType[]>();
  const unknown: string[] = [];
  for (const line of text.split("\n")) {
    const [, name, type = ""] = /^([^\s:]+):(\w+)$/.exec(line) ?? [];
    if (name === undefined || !isParamType(type)) {
      if (line !== "") unknown.push(line);
      continue;
    }
    const before = types.get(name) ?? [];
    if (!before.includes(type)) types.set(name, [...before, type]);
  }
  return { types, unknown };
}

/** CIFSSEC_MAY_*: fs/smb/client/cifsglob.h. What must be has the same bit 12 places higher. */
const securityBits: readonly (readonly [bit: number, name: string])[] = [
  [0x01, "signing"],
  [0x02, "NTLM"],
  [0x04, "NTLMv2"],
  [0x08, "Kerberos"],
  [0x10, "LANMAN"],
  [0x20, "plain text"],
  [0x40, "encryption"],
  [0x80, "NTLMSSP"],
];

export interface SecurityFlags {
  readonly value: number;
  readonly may: readonly string[];
  readonly must: readonly string[];
  /** Bits without a name here. */
  readonly rest: number;
}

/** /proc/fs/cifs/SecurityFlags: `0xc5`. Undefined when it is no number. */
export function parseSecurityFlags(text: string): SecurityFlags | undefined {
  const typed = text.trim();
  const value = /^(0x[0-9a-f]{1,8}|\d{1,9})$/i.test(typed) ? Number(typed) : Number.NaN;
  if (!Number.isSafeInteger(value)) return undefined;
  const named = (shift: number): string[] =>
    securityBits.filter(([bit]) => (value & (bit << shift)) !== 0).map(([, name]) => name);
  const all = securityBits.reduce((sum, [bit]) => sum | bit | (bit << 12), 0);
  return { value, may: named(0), must: named(12), rest: (value & ~all) >>> 0 };
}

/** A file with one number: cifsFYI, traceSMB, LookupCacheEnabled, LinuxExtensionsEnabled. Undefined when it is none. */
export function parseFlag(text: string): number | undefined {
  const typed = text.trim();
  return /^\d{1,9}$/.test(typed) ? Number(typed) : undefined;
}

/** What cifsFYI's bits turn on: fs/smb/client/cifs_debug.h. */
export function cifsFyiWords(value: number): readonly string[] {
  const names: readonly (readonly [number, string])[] = [
    [1, "information"],
    [2, "return codes"],
    [4, "slow responses"],
  ];
  return names.filter(([bit]) => (value & bit) !== 0).map(([, name]) => name);
}

export type ParameterValue = boolean | number | string;

/** The text of a module's parameter: `Y` and `N` are booleans, digits a number. */
export function parseParameter(text: string): ParameterValue {
  const value = text.trimEnd();
  if (value === "Y" || value === "N") return value === "Y";
  const number = Number(value);
  return /^-?\d+$/.test(value) && Number.isSafeInteger(number) ? number : value;
}
