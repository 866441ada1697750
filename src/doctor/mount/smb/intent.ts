import type { Dialect } from "../../../smb-client/negotiate.ts";
import type { MountOptions } from "../options.ts";

export type Security = "ntlmssp" | "krb5" | "none";

/** What the client will ask for, as the options tell it. */
export interface Intent {
  /** What it offers; empty: SMB 1 alone. */
  readonly dialects: readonly Dialect[];
  /** `vers=` as it was written. */
  readonly vers?: string;
  readonly security: Security;
  /** `sign`, `sec=ntlmsspi`, `sec=krb5i` */
  readonly sign: boolean;
  readonly seal: boolean;
  readonly guest: boolean;
  /** Undefined: 445, and where that is closed 139. */
  readonly port?: number;
  /** `ip=`, which takes the place of the name's addresses. */
  readonly ip?: string;
  readonly multichannel: boolean;
}

/** fs/smb/client/fs_context.c, cifs_smb_version_tokens. */
const versions: Readonly<Record<string, readonly Dialect[]>> = {
  "1.0": [],
  "2.0": ["2.0.2"],
  "2.1": ["2.1"],
  "3": ["3.0", "3.0.2", "3.1.1"],
  "3.0": ["3.0"],
  "3.02": ["3.0.2"],
  "3.0.2": ["3.0.2"],
  "3.11": ["3.1.1"],
  "3.1.1": ["3.1.1"],
  default: ["2.1", "3.0", "3.0.2", "3.1.1"],
};

export const knownVersions = Object.keys(versions);

/** `vers=` that offers a dialect. */
export const versOf = (dialect: string): string => (dialect === "2.0.2" ? "2.0" : dialect);

export function intentOf(options: MountOptions): Intent {
  const vers = options.value("vers", "ver");
  const sec = options.value("sec") ?? "";
  const port = Number(options.value("port"));
  const ip = options.value("ip", "addr");
  return {
    dialects: versions[vers ?? "default"] ?? versions.default ?? [],
    ...(vers !== undefined && { vers }),
    security: sec.startsWith("krb5") ? "krb5" : sec === "none" ? "none" : "ntlmssp",
    sign: options.has("sign") || /^(krb5i|ntlmsspi|ntlmv2i)$/.test(sec),
    seal: options.has("seal"),
    guest: options.has("guest"),
    ...(Number.isInteger(port) && port > 0 && port < 65_536 && { port }),
    ...(ip !== undefined && { ip }),
    multichannel: options.isOn("multichannel") || Number(options.value("max_channels") ?? 1) > 1,
  };
}
