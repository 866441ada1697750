import { type NfsVersion, parseVersion } from "../../../nfs/versions.ts";
import type { MountOptions } from "../options.ts";

/** What the options of an NFS mount ask for, as mount.nfs(8) and nfs(5) read them. */
export interface NfsIntent {
  /** Undefined: mount.nfs begins with 4.2 and goes down to 3. */
  readonly version?: NfsVersion;
  /** 2049 when absent; version 3 asks rpcbind. */
  readonly port?: number;
  readonly mountPort?: number;
  /** Which host has mountd; the server when absent. */
  readonly mountHost?: string;
  readonly protocol: string;
  /** `sys`, `krb5`, ...; several with colons; undefined: what the server offers first. */
  readonly security?: readonly string[];
  /** Version 3 takes locks at the server, by rpc.statd. */
  readonly remoteLocks: boolean;
  /** `tls`, `mtls` */
  readonly transportSecurity?: string;
}

export function intentOf(options: MountOptions): NfsIntent {
  const version = versionOf(options);
  const number = (name: string): number | undefined => {
    const value = Number(options.value(name));
    return Number.isInteger(value) && value > 0 && value < 65_536 ? value : undefined;
  };
  const port = number("port");
  const mountPort = number("mountport");
  const mountHost = options.value("mounthost");
  const security = options.value("sec")?.split(":");
  const xprtsec = options.value("xprtsec");
  const local = options.value("local_lock");
  return {
    ...(version && { version }),
    ...(port !== undefined && { port }),
    ...(mountPort !== undefined && { mountPort }),
    ...(mountHost !== undefined && { mountHost }),
    protocol: options.has("udp") ? "udp" : (options.value("proto") ?? "tcp"),
    ...(security && { security }),
    remoteLocks: !options.has("nolock") && local !== "all" && local !== "flock",
    ...(xprtsec !== undefined && xprtsec !== "none" && { transportSecurity: xprtsec }),
  };
}

function versionOf(options: MountOptions): NfsVersion | undefined {
  const named = options.all.findLast(({ name }) => /^(?:vers|nfsvers|v[34](?:\.\d)?)$/.test(name));
  const version = named === undefined ? undefined : parseVersion(named.value ?? named.name);
  const minor = Number(options.value("minorversion"));
  if (version?.major === 4 && version.minor === undefined && options.has("minorversion") && Number.isInteger(minor))
    return { major: 4, minor };
  return version;
}

/** Whether a mount with these options may come out in that version. */
export const wants = ({ version }: NfsIntent, major: number, minor?: number): boolean =>
  version === undefined ||
  (version.major === major && (version.minor === undefined || minor === undefined || version.minor === minor));
