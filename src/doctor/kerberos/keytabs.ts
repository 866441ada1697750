import { type KeytabEntry, parseKeytab } from "../../kerberos/keytab.ts";
import { valuesOf } from "../../kerberos/krb5-conf.ts";
import type { KerberosCase } from "./case.ts";
import { LocalFiles } from "./local-files.ts";

export interface Keytab {
  readonly path: string;
  /** Undefined: there is none, or it may not be read. */
  readonly entries?: readonly KeytabEntry[];
}

/** The keytab of that name, else the library's. Its keys are wiped when its names are read. */
export async function readKeytab(of: KerberosCase, named: string | undefined, signal: AbortSignal): Promise<Keytab> {
  const name = named ?? valuesOf(of.conf, "libdefaults", "default_keytab_name")[0] ?? "/etc/krb5.keytab";
  const path = name.replace(/^(?:WR)?FILE:/, "");
  const bytes = await new LocalFiles(of.machine.fsRoot, of.mounts, signal).bytes(path);
  const entries = bytes === undefined ? undefined : parseKeytab(bytes);
  bytes?.fill(0);
  return { path, ...(entries && { entries }) };
}

/** Each principal once. */
export const principalsOf = ({ entries = [] }: Keytab): readonly string[] => [
  ...new Set(entries.map(({ principal }) => principal)),
];
