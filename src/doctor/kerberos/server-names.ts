import { isIP } from "node:net";
import type { KerberosCase } from "./case.ts";
import { hasFlag } from "./config.ts";

/** A name under which the server may be known to the KDC. */
export interface ServerName {
  readonly host: string;
  /** `as the UNC says` */
  readonly why: string;
}

export interface ServerNames {
  /** Those that the client asks for, in its order. */
  readonly tried: readonly ServerName[];
  /** What else the server is called: not asked for. */
  readonly others: readonly ServerName[];
}

const limits = { timeoutMs: 4000, maxBytes: 16 * 1024 };

/**
 * The names that cifs.upcall tries: that of the UNC in lower case; one without a dot also with the domain of its canonical name; with -t what the
 * address resolves back to. rpc.gssd takes the name of the device, and for an address or a name without a dot the canonical one.
 */
export async function serverNames(of: KerberosCase, given: string, signal: AbortSignal): Promise<ServerNames> {
  const host = given.toLowerCase();
  const address = await addressOf(of, host, signal);
  const canonical = isIP(host) === 0 ? await ask(of, ["getent", "ahosts", host], 2, signal) : undefined;
  const reverse = address === undefined ? undefined : await ask(of, ["getent", "hosts", address], 1, signal);
  const tried: ServerName[] = [];
  const others: ServerName[] = [];
  const from = of.subject.protocol === "smb" ? "the UNC" : "the device";
  const dotless = isIP(host) === 0 && !host.includes(".");
  const backwards: ServerName[] =
    reverse === undefined ? [] : [{ host: reverse, why: `as ${address} resolves back to` }];
  if (of.subject.protocol === "nfs" && (isIP(host) !== 0 || dotless)) tried.push(...backwards);
  else tried.push({ host, why: `as ${from} says` });
  if (of.subject.protocol === "smb") {
    const domain = canonical?.includes(".") === true ? canonical.slice(canonical.indexOf(".")) : undefined;
    if (dotless && domain !== undefined)
      tried.push({ host: `${host}${domain}`, why: "with the domain of its canonical name" });
    (hasFlag(of.rule, "-t", "--trust-dns") ? tried : others).push(...backwards);
  }
  if (tried.length === 0) tried.push({ host, why: `as ${from} says` });
  if (canonical !== undefined) others.push({ host: canonical, why: "its canonical name" });
  return { tried: distinct(tried), others: distinct(others, tried) };
}

function distinct(names: readonly ServerName[], but: readonly ServerName[] = []): readonly ServerName[] {
  const seen = new Set(but.map(({ host }) => host));
  return names.filter(({ host }) => {
    if (seen.has(host)) return false;
    seen.add(host);
    return true;
  });
}

async function addressOf(of: KerberosCase, host: string, signal: AbortSignal): Promise<string | undefined> {
  const addr = of.subject.address ?? of.subject.mount?.options["addr"];
  if (typeof addr === "string") return addr;
  if (isIP(host) !== 0) return host;
  try {
    return (await of.machine.network.addresses(host, signal))[0];
  } catch {
    // That a name does not resolve is for the doctor of mounts to say; a ticket is asked for by the name alone.
    return undefined;
  }
}

/** A word of the first line that getent(1) prints. */
async function ask(
  of: KerberosCase,
  argv: readonly [string, ...string[]],
  word: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { status, stdout } = await of.machine.run(argv, { ...limits, signal });
  if (status !== "ok") return undefined;
  const name = stdout.toString("utf8").split("\n")[0]?.trim().split(/\s+/)[word]?.toLowerCase();
  return name === undefined || isIP(name) !== 0 ? undefined : name.replace(/\.$/, "");
}
