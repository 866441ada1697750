import { appendFileSync, chownSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AodError } from "../../src/system/error.ts";
import type { Lab } from "./lab.ts";
import { Background } from "./process.ts";
import { type SmbOptions, sambaUser } from "./samba.ts";

const realm = "LAB.TEST";
const root = "/run/lab-work/kerberos";
const keytab = join(root, "cifs.keytab");
const password = "aodlab";

/** The name by which Kerberos knows the lab's server; it leads to 127.0.0.1. */
export const kerberosServer = "fileserver.lab.test";

/** What smb.conf needs so that smbd takes tickets: for `startSamba`. */
export const kerberosSamba: SmbOptions = {
  realm,
  "kerberos method": "dedicated keytab",
  "dedicated keytab file": `FILE:${keytab}`,
};

let kdc: Background | undefined;

/** A KDC of MIT Kerberos on this machine, with the lab's user, further ones, and the key of the SMB server. Caches are in persistent keyrings unless told otherwise. */
export async function startKdc(lab: Lab, users: readonly string[] = []): Promise<void> {
  if (kdc?.running === true) return;
  mkdirSync(root, { recursive: true });
  const profile = join(root, "kdc.conf");
  const log = join(root, "kdc.log");
  // A standalone smbd refuses tickets that have a PAC.
  writeFileSync(
    profile,
    `[kdcdefaults]\n kdc_listen = 127.0.0.1:88\n kdc_tcp_listen = 127.0.0.1:88\n[realms]\n ${realm} = {\n  database_name = ${root}/principal\n  key_stash_file = ${root}/stash\n  acl_file = ${root}/acl\n  disable_pac = true\n }\n[logging]\n kdc = FILE:${log}\n`,
  );
  writeKrb5Conf("KEYRING:persistent:%{uid}");
  if (!readFileSync("/etc/hosts", "utf8").includes(kerberosServer))
    appendFileSync("/etc/hosts", `127.0.0.1 ${kerberosServer}\n`);
  const env = { KRB5_KDC_PROFILE: profile };
  await lab.run(["kdb5_util", "create", "-s", "-r", realm, "-P", "master"], { env, timeoutMs: 120_000 });
  const service = `cifs/${kerberosServer}`;
  const commands = [
    ...[sambaUser.name, ...users].map((user) => `addprinc -pw ${password} ${user}`),
    `addprinc -randkey ${service}`,
    `ktadd -norandkey -k ${keytab} ${service}`,
  ];
  await lab.run(["kadmin.local", "-r", realm], { env, input: `${commands.join("\n")}\n`, timeoutMs: 120_000 });
  await launchKdc(lab);
}

/** krb5.conf of this machine, with where caches are. */
export function writeKrb5Conf(caches: string): void {
  writeFileSync(
    "/etc/krb5.conf",
    `[libdefaults]\n default_realm = ${realm}\n dns_lookup_kdc = false\n dns_lookup_realm = false\n dns_canonicalize_hostname = false\n rdns = false\n default_ccache_name = ${caches}\n[realms]\n ${realm} = {\n  kdc = 127.0.0.1:88\n }\n[domain_realm]\n .lab.test = ${realm}\n`,
  );
}

/** Starts the KDC; with a clock that is some seconds ahead of this machine's. */
export async function launchKdc(lab: Lab, aheadSeconds = 0): Promise<void> {
  // Not by faketime(1), which would stand between: the signal that ends it would not reach the KDC.
  const ahead = `${aheadSeconds < 0 ? "" : "+"}${aheadSeconds}s`;
  const clock = aheadSeconds === 0 ? [] : ["LD_PRELOAD=/usr/$LIB/faketime/libfaketime.so.1", `FAKETIME=${ahead}`];
  kdc = new Background(["env", `KRB5_KDC_PROFILE=${join(root, "kdc.conf")}`, ...clock, "krb5kdc", "-n", "-r", realm], {
    stdout: join(root, "kdc.out"),
    stderr: join(root, "kdc.err"),
  });
  await lab.until("the KDC listens", 30, () => {
    if (kdc?.running !== true) throw new AodError("failed", `krb5kdc: ${readFileSync(join(root, "kdc.err"), "utf8")}`);
    return / 0100007F:0058 /.test(readFileSync("/proc/net/udp", "utf8"));
  });
}

export async function stopKdc(): Promise<void> {
  await kdc?.stop();
}

/** Lines for kadmin.local, on the machine of the KDC. */
export async function kadmin(lab: Lab, ...commands: readonly string[]): Promise<void> {
  const env = { KRB5_KDC_PROFILE: join(root, "kdc.conf") };
  await lab.run(["kadmin.local", "-r", realm], { env, input: `${commands.join("\n")}\n`, timeoutMs: 120_000 });
}

/** As that user of the machine: a ticket-granting ticket, into the user's persistent keyring unless a cache is named. */
export async function kinit(
  lab: Lab,
  user: string,
  uid: number,
  lifetime: string,
  cache = `KEYRING:persistent:${uid}`,
): Promise<void> {
  const as = ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"];
  await lab.run([...as, "kinit", "-c", cache, "-l", lifetime, user], { input: `${password}\n` });
}

/** /run/user/UID, as logind makes it. */
export function makeRuntimeDirectory(uid: number): string {
  const path = `/run/user/${uid}`;
  mkdirSync(path, { recursive: true, mode: 0o700 });
  chownSync(path, uid, uid);
  return path;
}
