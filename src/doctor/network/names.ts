import { isIP } from "node:net";
import { messageOf } from "../../system/error.ts";
import type { Finding } from "../answer.ts";
import type { Machine } from "../machine.ts";
import { hostsFile, type ResolverConfig, resolverConfig } from "./hosts.ts";

export interface Resolved {
  readonly findings: readonly Finding[];
  /** In the order in which they are tried. */
  readonly addresses: readonly string[];
}

/** What a server's name leads to, as mount(8)'s helpers ask, and where each address comes from. */
export async function resolveName(host: string, machine: Machine, signal: AbortSignal): Promise<Resolved> {
  if (isIP(host.replace(/%.*$/, "")) !== 0)
    return { findings: [{ result: "ok", evidence: `${host} is an address` }], addresses: [host] };
  const [found, hosts, config] = await Promise.all([
    machine.network.addresses(host, signal).catch((error: unknown) => codeOf(error)),
    hostsFile(host, machine, signal),
    resolverConfig(machine, signal),
  ]);
  if (typeof found === "string") return { findings: [unresolved(host, found, config)], addresses: [] };
  const dns = await dnsAnswers(host, config, machine, signal);
  const told = found.map((address) => `${address} (${sourceOf(address, hosts, dns)})`);
  const findings: Finding[] = [{ result: "ok", evidence: `${host} is ${told.join(", ")}` }];
  const other = dns.answers.filter((address) => !found.includes(address));
  if (hosts.length > 0 && dns.answers.length > 0 && other.length > 0)
    findings.push({
      result: "warn",
      evidence: `/etc/hosts says ${hosts.join(", ")}, DNS says ${dns.answers.join(", ")}`,
      meaning: "the line in /etc/hosts hides what DNS says: when the server moves, this machine does not notice",
      fix: `remove the line of ${host} from /etc/hosts if it is no longer meant`,
    });
  return { findings, addresses: found };
}

interface DnsAnswers {
  readonly answers: readonly string[];
  /** The name that DNS knows: with a search domain where it needed one. */
  readonly name?: string;
  /** Why the servers did not answer. */
  readonly silent?: string;
}

/** getaddrinfo(3) does not tell where an address comes from: DNS is asked beside it, with the search domains, as glibc does. */
async function dnsAnswers(
  host: string,
  { search, servers }: ResolverConfig,
  machine: Machine,
  signal: AbortSignal,
): Promise<DnsAnswers> {
  if (servers.length === 0) return { answers: [] };
  const within = search.slice(0, 6).map((domain) => `${host}.${domain}`);
  const names = host.endsWith(".") ? [host] : host.includes(".") ? [host, ...within] : [...within, host];
  for (const name of names) {
    const answers = await machine.network.dns(name, signal).catch((error: unknown) => codeOf(error));
    // A server that does not answer does not answer the next name either.
    if (typeof answers === "string") return { answers: [], silent: answers };
    if (answers.length > 0) return { answers, name };
  }
  return { answers: [] };
}

function sourceOf(address: string, hosts: readonly string[], { answers, name, silent }: DnsAnswers): string {
  if (hosts.includes(address)) return "/etc/hosts";
  if (answers.includes(address)) return name === undefined ? "DNS" : `DNS, ${name}`;
  if (silent !== undefined) return `not from /etc/hosts; DNS does not answer: ${silent}`;
  return "neither /etc/hosts nor DNS: see nsswitch.conf";
}

function unresolved(host: string, code: string, { search, servers }: ResolverConfig): Finding {
  const asked = servers.length === 0 ? "no DNS server in /etc/resolv.conf" : `DNS servers ${servers.join(", ")}`;
  const domains = search.length === 0 ? "no search domain" : `search domains ${search.join(", ")}`;
  const silent = /AI_AGAIN|in time|TIMEOUT/.test(code);
  const summary = silent
    ? `${host} could not be looked up: the DNS servers do not answer`
    : `${host} is no name that this machine can resolve`;
  const advice = silent
    ? [`check that ${servers.join(", ") || "a DNS server"} can be reached, and /etc/resolv.conf`]
    : [
        "check the spelling of the server's name",
        ...(host.includes(".")
          ? []
          : [`write the whole name, ${host}.your.domain, or add its domain to "search" of /etc/resolv.conf`]),
        "or add the server to DNS or to /etc/hosts",
      ];
  return {
    result: "fail",
    evidence: `${host}: ${code} (${asked}; ${domains})`,
    meaning: `${summary}; mount.cifs says "could not resolve address", some callers make error 2 of it`,
    ...(advice[0] !== undefined && { fix: advice[0] }),
    verdict: { cause: "network.name-resolution", confidence: "certain", summary, advice },
  };
}

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : messageOf(error);
