import type { CachedTicket, Ccache } from "../../kerberos/ccache.ts";
import { isWeakEncryption } from "../../kerberos/names.ts";
import { fileCaches } from "../../sources/ticket-caches.ts";
import type { Finding, Verdict } from "../answer.ts";
import type { Check } from "../examine.ts";
import { expandCacheName, further, lookAt, type UserCache } from "./caches.ts";
import type { CacheSearch, KerberosCase } from "./case.ts";
import { cacheTemplate, optionOf } from "./config.ts";
import { principalsOf, readKeytab } from "./keytabs.ts";
import { LocalFiles } from "./local-files.ts";
import { userText } from "./user.ts";
import { duration } from "./words.ts";

/** A ticket that ends within that time is worth a word. */
const SOON_S = 600;

/** The ticket caches of the user: where the library looks first, then what else is there. */
export const tickets: Check<KerberosCase> = {
  name: "tickets",
  limitMs: 20_000,
  async run(of, signal) {
    const { machine, user, mounts } = of;
    const files = new LocalFiles(machine.fsRoot, mounts, signal);
    const defaultName = expandCacheName(cacheTemplate(of.conf), user);
    const looked = await lookAt(of, files, defaultName, signal);
    const search = await fileCaches(machine.fsRoot, mounts, signal);
    const first: readonly UserCache[] =
      "cache" in looked ? [{ name: defaultName, isDefault: true, cache: looked.cache }] : [];
    of.caches = [...first, ...further(search.found, user.uid, new Set([defaultName]))];
    const nowS = machine.clock.wallMs() / 1000;
    const told: Finding[] = of.caches.flatMap((one) => cacheFindings(one, nowS));
    if ("unknown" in looked) told.push(unseen(looked.unknown));
    const keytab = await readKeytab(of, optionOf(of.rule, "-K", "--keytab"), signal);
    of.search = {
      keytab: principalsOf(keytab),
      defaultName,
      unknown: "unknown" in looked,
      ...("owner" in looked && { owner: looked.owner }),
      others: search.found,
    };
    for (const lack of search.lacks) told.push({ result: "warn", evidence: lack });
    if (search.overLimit > 0)
      told.push({
        result: "warn",
        evidence: `${search.overLimit} further caches in /tmp and /run/user were not looked at`,
      });
    return told;
  },
};

/**
 * Whether one of them is of use. After the KDC was asked: what keeps everybody from getting a ticket (no KDC, an account that is disabled) is the cause
 * where there is none.
 */
export const usable: Check<KerberosCase> = {
  name: "ticket",
  limitMs: 1000,
  async run(of) {
    const { search, machine } = of;
    return search === undefined ? [] : (judge(of, search, machine.clock.wallMs() / 1000) ?? []);
  },
};

/** No verdict: the ticket may be there. */
const unseen = (evidence: string): Finding => ({
  result: "fail",
  evidence,
  meaning: `whether there is a ticket is not known: ${evidence}`,
  fix: "run this as root, with klist installed (krb5-user, krb5-workstation)",
});

const isTgt = ({ service }: CachedTicket): boolean => service.startsWith("krbtgt/");

/** The ticket-granting ticket of the client's own realm that lasts longest. */
export function tgtOf({ client, tickets }: Ccache): CachedTicket | undefined {
  const realm = client.slice(client.lastIndexOf("@") + 1);
  const own = tickets.filter(({ service }) => service === `krbtgt/${realm}@${realm}`);
  return (own.length > 0 ? own : tickets.filter(isTgt)).toSorted((a, b) => b.end - a.end)[0];
}

/** The ticket for the server, `cifs/HOST@...`, `nfs/HOST@...`, that lasts longest. */
export function serviceTicket({ tickets }: Ccache, service: string, host: string): CachedTicket | undefined {
  const wanted = `${service}/${host.toLowerCase()}@`;
  return tickets.filter((one) => one.service.toLowerCase().startsWith(wanted)).toSorted((a, b) => b.end - a.end)[0];
}

/** The first part of the server's principal. */
export const serviceName = ({ subject }: KerberosCase): string => (subject.protocol === "smb" ? "cifs" : "nfs");

function cacheFindings({ name, isDefault, cache }: UserCache, nowS: number): Finding[] {
  const told = cache.tickets.slice(0, 16).map((ticket) => ticketText(ticket, nowS));
  const weak = cache.tickets.some(
    ({ encryption, end }) => end > nowS && encryption !== undefined && isWeakEncryption(encryption),
  );
  // rpc.gssd's own, by the machine's key.
  const place = isDefault ? "" : /\/krb5ccmachine_/.test(name) ? ", kept by rpc.gssd" : ", not where it is looked for";
  const first = `${name} of ${cache.client}${place}`;
  return [
    {
      result: weak ? "warn" : "ok",
      evidence: [first, ...(told.length === 0 ? ["no ticket"] : told)].join("\n"),
      ...(weak && {
        meaning: "a session key of DES or RC4: newer kernels, libraries and servers refuse it",
        fix: "let the KDC give the account and the server's account keys of AES, then kinit anew",
      }),
    },
  ];
}

function ticketText({ service, end, renewUntil, encryption }: CachedTicket, nowS: number): string {
  const left = end - nowS;
  const until = left > 0 ? `${duration(left)} left` : `ended ${duration(-left)} ago`;
  const renew = renewUntil > nowS ? `, renewable for ${duration(renewUntil - nowS)}` : "";
  return `${service}: ${until}${renew}${encryption === undefined ? "" : `, ${encryption}`}`;
}

function judge(of: KerberosCase, found: CacheSearch, nowS: number): Finding | undefined {
  const { subject, caches } = of;
  const { defaultName } = found;
  // rpc.gssd uses the machine's own key for root: that is looked at with rpc.gssd.
  if (subject.protocol === "nfs" && of.user.uid === 0) return undefined;
  const usable = caches.filter(({ cache }) => isUsable(of, cache, nowS));
  const first = usable[0];
  if (first !== undefined && (first.isDefault || subject.protocol === "nfs")) return soon(of, first, nowS);
  if (found.unknown) return undefined;
  const machine = byKeytab(of, found);
  if (machine?.result === "ok") return machine;
  if (found.owner !== undefined) return foreign(of, defaultName, found.owner);
  if (first !== undefined) return elsewhere(of, first, defaultName);
  const ended = caches.find(({ cache }) => cache.tickets.length > 0);
  return ended === undefined ? noTicket(of, found, nowS) : expired(of, ended, nowS);
}

/** Something in the cache is good for the server. */
export function isUsable(of: KerberosCase, cache: Ccache, nowS: number): boolean {
  const tgt = tgtOf(cache);
  const { host } = of.subject;
  const service = host === undefined ? undefined : serviceTicket(cache, serviceName(of), host);
  return (tgt?.end ?? 0) > nowS || (service?.end ?? 0) > nowS;
}

function soon(of: KerberosCase, { name, cache }: UserCache, nowS: number): Finding | undefined {
  const ends = Math.max(
    tgtOf(cache)?.end ?? 0,
    of.subject.host === undefined ? 0 : (serviceTicket(cache, serviceName(of), of.subject.host)?.end ?? 0),
  );
  if (ends - nowS > SOON_S) return undefined;
  return {
    result: "warn",
    evidence: `the last useful ticket in ${name} ends in ${duration(ends - nowS)}`,
    meaning: "what is mounted goes on until the session is set up again, and fails then",
    fix: "kinit again, or let sssd or k5start renew it",
  };
}

const verdict = (
  cause: "auth.no-ticket" | "auth.ticket-expired",
  confidence: Verdict["confidence"],
  summary: string,
  advice: readonly string[],
): Verdict => ({ cause, confidence, summary, advice });

function elsewhere(of: KerberosCase, { name }: UserCache, defaultName: string): Finding {
  const { user } = of;
  const fix =
    user.uid === 0
      ? `kinit -c ${defaultName}, or set default_ccache_name in krb5.conf: KRB5CCNAME of root is never read`
      : `set default_ccache_name in krb5.conf to where the tickets are, or kinit -c ${defaultName}`;
  const summary = `${userText(user)} has a ticket in ${name}, and cifs.upcall looks into ${defaultName}`;
  return {
    result: "fail",
    evidence: summary,
    meaning:
      user.uid === 0
        ? "it is not found"
        : "it is found only where the process that mounts has KRB5CCNAME in its environment",
    fix,
    verdict: verdict("auth.no-ticket", user.uid === 0 ? "certain" : "likely", summary, [fix]),
  };
}

/** Where the cache has nothing of use, cifs.upcall takes the key of the mount's username= from the keytab. */
function byKeytab({ subject, user }: KerberosCase, { keytab }: CacheSearch): Finding | undefined {
  const name = subject.username ?? subject.mount?.options["username"];
  if (subject.protocol !== "smb" || typeof name !== "string" || user.uid !== 0) return undefined;
  const wanted = name.toLowerCase();
  const found = keytab.find((principal) =>
    [principal, principal.split("@")[0]].some((one) => one?.toLowerCase() === wanted),
  );
  return found === undefined
    ? undefined
    : { result: "ok", evidence: `no ticket, and cifs.upcall gets one by the keytab, which has ${found}` };
}

function foreign({ user }: KerberosCase, name: string, owner: number): Finding {
  const summary = `${name} belongs to uid ${owner}: ${userText(user)} may not read it`;
  const fix = `kinit as ${user.name ?? user.uid}, not by sudo, after the file is removed`;
  return {
    result: "fail",
    evidence: summary,
    meaning: "the library finds no ticket: mount error(126), Required key not available",
    fix,
    verdict: verdict("auth.no-ticket", "certain", summary, [fix]),
  };
}

function expired(of: KerberosCase, { name, cache }: UserCache, nowS: number): Finding {
  const ticket = tgtOf(cache) ?? cache.tickets.toSorted((a, b) => b.end - a.end)[0];
  const ago = duration(nowS - (ticket?.end ?? nowS));
  const renewable = (ticket?.renewUntil ?? 0) > nowS;
  const as = of.user.uid === 0 ? "" : ` as ${of.user.name ?? of.user.uid}`;
  const fix = `kinit ${cache.client}${as}${renewable ? " (kinit -R does not renew a ticket that has ended)" : ""}`;
  const summary = `the ticket of ${cache.client} in ${name} ended ${ago} ago`;
  return {
    result: "fail",
    evidence: summary,
    meaning:
      of.subject.protocol === "nfs"
        ? 'whatever the user opens in the mount fails with "Key has expired"'
        : "cifs.upcall finds no ticket that is valid: mount error(126) or (127), and a mounted share cannot reconnect",
    fix,
    verdict: verdict("auth.ticket-expired", "certain", summary, [
      fix,
      "let sssd (krb5_renew_interval), k5start or a timer with kinit -R renew tickets in time",
    ]),
  };
}

function noTicket(of: KerberosCase, { defaultName, others, keytab }: CacheSearch, nowS: number): Finding {
  const { user, subject } = of;
  const owners = others.filter(({ uid, cache }) => uid !== user.uid && (tgtOf(cache)?.end ?? 0) > nowS);
  const owner = owners[0];
  const as = user.uid === 0 ? "" : ` as ${user.name ?? user.uid}`;
  const advice = [`kinit${as}, so that ${defaultName} has a ticket`];
  if (owner !== undefined && subject.protocol === "smb")
    advice.unshift(`mount with cruid=${owner.uid}: uid ${owner.uid} has a ticket of ${owner.cache.client}`);
  const [principal] = keytab;
  const unnamed = subject.mount === undefined && subject.username === undefined;
  const own = unnamed && user.uid === 0 && subject.protocol === "smb" ? principal : undefined;
  if (own !== undefined) advice.push(`mount with username=${own.split("@")[0]}: the keytab has its key`);
  const gone = /^(?:KEYRING|KCM):/i.test(defaultName)
    ? "; a cache of this kind vanishes when its last ticket ends"
    : "";
  const summary = `${userText(user)} has no ticket: there is no ${defaultName}${gone}`;
  return {
    result: "fail",
    evidence: summary,
    meaning:
      subject.protocol === "nfs"
        ? 'whatever the user opens in the mount fails with "Permission denied"'
        : "the kernel gets no ticket: mount error(126), Required key not available",
    ...(advice[0] === undefined ? {} : { fix: advice[0] }),
    verdict: verdict("auth.no-ticket", own === undefined ? "certain" : "likely", summary, advice),
  };
}
