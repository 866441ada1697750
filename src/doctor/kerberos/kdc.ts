import { isIP } from "node:net";
import { realmOfHost, valuesOf } from "../../kerberos/krb5-conf.ts";
import { type KdcReply, krbErrors, krbErrorText, readKdcReply, writeAsRequest } from "../../kerberos/krb5-messages.ts";
import { messageOf } from "../../system/error.ts";
import type { Finding, Verdict } from "../answer.ts";
import type { Check } from "../examine.ts";
import type { KerberosCase } from "./case.ts";
import type { KdcAnswer, Service } from "./kdc-wire.ts";
import { findKdcs } from "./kdcs.ts";
import { isUsable, serviceName, serviceTicket } from "./tickets.ts";

const TIMEOUT_MS = 4000;
const MAX_ADDRESSES = 8;

/** A KDC at an address, and what it said by either transport. */
interface Asked {
  readonly host: string;
  readonly address: string;
  readonly port: number;
  readonly udp: KdcAnswer;
  readonly tcp: KdcAnswer;
}

/** The realm and its KDCs: an AS-REQ without pre-authentication to each, by UDP and TCP. */
export const kdc: Check<KerberosCase> = {
  name: "kdc",
  limitMs: 15_000,
  async run(of, signal) {
    const { realm, why } = realmOf(of);
    if (realm === undefined)
      return {
        result: "fail",
        evidence: "no realm: no cache tells one, krb5.conf has no default_realm and no [domain_realm] for the server",
        meaning: "whose KDC is to be asked is not known",
        fix: "set default_realm in krb5.conf",
      };
    of.realm = realm;
    const { from, services, troubles } = await findKdcs(of, realm, signal);
    const told: Finding[] = troubles.map((evidence) => ({ result: "warn", evidence }));
    if (services.length === 0) return [...told, ...noKdc(of, realm, from, troubles.length > 0)];
    const names = services.map(({ host, port }) => (port === 88 ? host : `${host}:${port}`)).join(", ");
    told.push({ result: "ok", evidence: `realm ${realm} (${why}), KDCs from ${from}: ${names}` });
    const { asked, unresolved } = await askAll(of, realm, services, signal);
    for (const [host, error] of unresolved)
      told.push({
        result: "warn",
        evidence: `${host} does not resolve: ${error}`,
        fix: `mend the name of the KDC, or its DNS`,
      });
    told.push(...asked.map((one) => kdcFinding(one)));
    const reached = asked.filter(({ udp, tcp }) => udp.state === "answer" || tcp.state === "answer");
    of.kdcs = reached.map(({ address, port, udp }) => ({ address, port, by: udp.state === "answer" ? "udp" : "tcp" }));
    if (reached.length === 0) return [...told, ...unreachable(of, realm, asked, unresolved.length > 0)];
    const account = reached
      .flatMap(({ udp, tcp }) => [udp, tcp])
      .flatMap((one) => (one.state === "answer" ? (readKdcReply(one.bytes) ?? []) : []))[0];
    return [...told, ...(account === undefined ? [] : accountFindings(of, account))];
  },
};

/** The realm of the user: that of the ticket, else the default, else that of the server. */
function realmOf({ caches, conf, subject }: KerberosCase): { readonly realm?: string; readonly why: string } {
  const client = caches[0]?.cache.client;
  if (client !== undefined) return { realm: client.slice(client.lastIndexOf("@") + 1), why: `of ${client}` };
  const standard = valuesOf(conf, "libdefaults", "default_realm")[0];
  if (standard !== undefined) return { realm: standard, why: "default_realm" };
  const realm = subject.host === undefined ? undefined : realmOfHost(conf, subject.host);
  return { ...(realm === undefined ? {} : { realm }), why: "[domain_realm]" };
}

/** The client's name for a question; a known one where a cache tells it. */
export function clientOf({ caches, user }: KerberosCase): {
  readonly name: readonly string[];
  readonly known: boolean;
} {
  const client = caches[0]?.cache.client;
  if (client !== undefined) return { name: client.slice(0, client.lastIndexOf("@")).split("/"), known: true };
  return { name: [user.name ?? String(user.uid)], known: false };
}

async function askAll(of: KerberosCase, realm: string, services: readonly Service[], signal: AbortSignal) {
  const unresolved: [string, string][] = [];
  const places: { host: string; address: string; port: number }[] = [];
  const resolved = services.map(async ({ host, port }) => {
    try {
      const addresses = isIP(host) === 0 ? await of.machine.network.addresses(host, signal) : [host];
      places.push(...addresses.map((address) => ({ host, address, port })));
    } catch (error) {
      unresolved.push([host, messageOf(error)]);
    }
  });
  await Promise.all(resolved);
  const question = (): Buffer =>
    writeAsRequest({
      realm,
      client: clientOf(of).name,
      service: ["krbtgt", realm],
      nonce: Math.floor(Math.random() * 0x7fffffff),
      tillMs: of.machine.clock.wallMs() + 3600e3,
    });
  const asked = await Promise.all(
    places.slice(0, MAX_ADDRESSES).map(async (place): Promise<Asked> => {
      const { address, port } = place;
      const ask = async (by: "udp" | "tcp"): Promise<KdcAnswer> => {
        const from = of.machine.clock.wallMs();
        const answer = await of.wire[by](address, port, question(), TIMEOUT_MS, signal);
        const reply = answer.state === "answer" ? readKdcReply(answer.bytes) : undefined;
        if (reply?.is === "error" && reply.timeMs !== undefined) {
          // As if it had looked at its clock in the middle.
          const here = (from + of.machine.clock.wallMs()) / 2;
          of.skews.push({ of: address, ms: reply.timeMs - here });
        }
        return answer;
      };
      const [udp, tcp] = await Promise.all([ask("udp"), ask("tcp")]);
      return { ...place, udp, tcp };
    }),
  );
  return { asked, unresolved };
}

function answerText(answer: KdcAnswer): string {
  if (answer.state === "timeout") return "no answer";
  if (answer.state === "failed") return answer.code === "ECONNREFUSED" ? "refused" : answer.code;
  const reply = readKdcReply(answer.bytes);
  if (reply === undefined) return "an answer that is not Kerberos";
  return `${reply.is === "ticket" ? "answers" : `answers: ${krbErrorText(reply.code)}`} (${Math.round(answer.tookMs)} ms)`;
}

function kdcFinding({ host, address, port, udp, tcp }: Asked): Finding {
  const place = `${host === address ? address : `${host} (${address})`} port ${port}`;
  const [byUdp, byTcp] = [answerText(udp), answerText(tcp)];
  const evidence =
    byUdp.replace(/ \(.*/, "") === byTcp.replace(/ \(.*/, "")
      ? `${place}: UDP and TCP ${byTcp}`
      : `${place}: UDP ${byUdp}; TCP ${byTcp}`;
  const both = udp.state === "answer" && tcp.state === "answer";
  if (both) return { result: "ok", evidence };
  if (udp.state === "answer")
    return {
      result: "warn",
      evidence,
      meaning: "tickets that do not fit into a datagram, as those of Active Directory, are not got",
      fix: `let TCP port ${port} pass to ${address}`,
    };
  if (tcp.state === "answer")
    return {
      result: "warn",
      evidence,
      meaning: "every question waits for UDP first",
      fix: "let UDP pass, or set udp_preference_limit = 1 in krb5.conf",
    };
  return { result: "warn", evidence };
}

/** A ticket for the server is there already: nothing needs the KDC before it ends. */
function needsNoKdc(of: KerberosCase): boolean {
  const { host } = of.subject;
  if (host === undefined) return false;
  const nowS = of.machine.clock.wallMs() / 1000;
  return of.caches.some(
    ({ isDefault, cache }) => isDefault && (serviceTicket(cache, serviceName(of), host)?.end ?? 0) > nowS,
  );
}

function verdictFinding(of: KerberosCase, verdict: Verdict, meaning: string): Finding {
  const spare = needsNoKdc(of);
  return {
    result: spare ? "warn" : "fail",
    evidence: verdict.summary,
    meaning: spare ? "the ticket for the server that is there is used until it ends; another is not got" : meaning,
    ...(verdict.advice[0] === undefined ? {} : { fix: verdict.advice[0] }),
    ...(spare ? {} : { verdict }),
  };
}

function noKdc(of: KerberosCase, realm: string, from: string, silent: boolean): Finding[] {
  const summary = silent
    ? `no KDC of ${realm} is known: DNS does not answer`
    : `no KDC of ${realm} is known: none in ${from}`;
  const advice = [`name one in krb5.conf: [realms] ${realm} = { kdc = HOST }, or let DNS have _kerberos._udp.${realm}`];
  return [
    verdictFinding(
      of,
      { cause: "network.name-resolution", confidence: "certain", summary, advice },
      "nobody can be asked for a ticket",
    ),
  ];
}

function unreachable(of: KerberosCase, realm: string, asked: readonly Asked[], unresolved: boolean): Finding[] {
  const states = asked.flatMap(({ udp, tcp }) => [udp, tcp]);
  const refused = states.some((one) => one.state === "failed" && one.code === "ECONNREFUSED");
  const ports = [...new Set(asked.map(({ port }) => port))].join(", ");
  const where = asked.map(({ address }) => address).join(", ");
  const meaning = "no ticket is got: neither by kinit nor for the server";
  if (asked.length === 0 && unresolved)
    return [
      verdictFinding(
        of,
        {
          cause: "network.name-resolution",
          confidence: "certain",
          summary: `the names of the KDCs of ${realm} do not resolve`,
          advice: ["mend kdc = in krb5.conf, or the DNS that knows those names"],
        },
        meaning,
      ),
    ];
  if (refused)
    return [
      verdictFinding(
        of,
        {
          cause: "server.down",
          confidence: "certain",
          summary: `nothing listens on port ${ports} of the KDC (${where})`,
          advice: ["start the KDC, or name another in krb5.conf"],
        },
        meaning,
      ),
    ];
  return [
    verdictFinding(
      of,
      {
        cause: "network.port-blocked",
        confidence: "certain",
        summary: `no KDC of ${realm} answers on port ${ports} (${where}), neither by UDP nor by TCP`,
        advice: [`let port ${ports}, UDP and TCP, pass to the KDC`, "look whether the KDC's host is up"],
      },
      meaning,
    ),
  ];
}

/** What the answer says of the account. */
function accountFindings(of: KerberosCase, reply: KdcReply): Finding[] {
  if (reply.is === "ticket") return [];
  const { name, known } = clientOf(of);
  const client = `${name.join("/")}@${of.realm}`;
  if (reply.code === krbErrors.preauthRequired && reply.encryption.length > 0)
    return [{ result: "ok", evidence: `${client} has keys of ${reply.encryption.join(", ")}` }];
  const nowS = of.machine.clock.wallMs() / 1000;
  // A ticket that is there is good until it ends, whatever became of the account; what the KDC says to it is for the service to show.
  const spare = of.caches.some(({ isDefault, cache }) => isDefault && isUsable(of, cache, nowS));
  const failed = (evidence: string, meaning: string, verdict: Verdict): Finding => ({
    result: spare ? "warn" : "fail",
    evidence,
    meaning: spare ? "when the ticket that is there has ended, another is not got" : meaning,
    ...(verdict.advice[0] === undefined ? {} : { fix: verdict.advice[0] }),
    ...(spare ? {} : { verdict }),
  });
  if (reply.code === krbErrors.clientRevoked) {
    const summary = `the KDC says that the account of ${client} is disabled, locked or expired`;
    return [
      failed(summary, "it gets no ticket", {
        cause: "auth.account-disabled",
        confidence: known ? "certain" : "likely",
        summary,
        advice: ["have the account enabled or unlocked"],
      }),
    ];
  }
  if (reply.code === krbErrors.passwordExpired) {
    const summary = `the password of ${client} has expired`;
    return [
      failed(summary, "kinit asks for a new one", {
        cause: "auth.bad-credentials",
        confidence: known ? "certain" : "likely",
        summary,
        advice: ["kpasswd, then kinit"],
      }),
    ];
  }
  if (reply.code === krbErrors.clientUnknown && known) {
    const summary = `the KDC does not know ${client}, whose tickets are in the cache`;
    return [
      failed(summary, "the account was removed or renamed, or the KDC is of another realm", {
        cause: "auth.bad-credentials",
        confidence: "certain",
        summary,
        advice: ["kinit with a name that the realm has"],
      }),
    ];
  }
  if (reply.code === krbErrors.wrongRealm)
    return [
      {
        result: "fail",
        evidence: `the KDC serves another realm than ${of.realm}`,
        meaning: "kdc = of [realms] leads to the KDC of another realm",
        fix: "mend [realms] in krb5.conf",
      },
    ];
  if (reply.code === krbErrors.encryptionUnsupported)
    return [
      {
        result: "warn",
        evidence: `the KDC has no encryption type for ${client} that this client takes`,
        meaning: "the account has keys of DES or RC4 alone",
        fix: "change the account's password, so that it gets keys of AES",
      },
    ];
  return [];
}
