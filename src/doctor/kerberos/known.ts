import { realmOfHost } from "../../kerberos/krb5-conf.ts";
import { krbErrors, krbErrorText, readKdcReply, writeAsRequest } from "../../kerberos/krb5-messages.ts";
import { runAsUser } from "./caches.ts";
import type { KerberosCase } from "./case.ts";
import { clientOf } from "./kdc.ts";
import { serviceName, serviceTicket, tgtOf } from "./tickets.ts";

/** Whether the KDC has a principal of a service, and how that is known. */
export type Known =
  | { readonly is: "known"; readonly how: string }
  | { readonly is: "unknown"; readonly how: string; readonly sure: boolean }
  | { readonly is: "clock-skew" | "ticket-expired" | "revoked"; readonly how: string }
  | { readonly is: "undecided"; readonly how: string };

/** `cifs/files.lab.test@LAB.TEST`; where krb5.conf gives the host no realm it ends with `@`, and the KDC is to say. */
export function principalOf(of: KerberosCase, host: string): string {
  return `${serviceName(of)}/${host}@${realmOfHost(of.conf, host) ?? ""}`;
}

/** In the cache; else by kvno(1) into a cache of its own, with the user's ticket; else by a question without a ticket. */
export async function isKnown(of: KerberosCase, host: string, signal: AbortSignal): Promise<Known> {
  const nowS = of.machine.clock.wallMs() / 1000;
  const first = of.caches[0];
  const ticket = first === undefined ? undefined : serviceTicket(first.cache, serviceName(of), host);
  if (ticket !== undefined && ticket.end > nowS) return { is: "known", how: "a ticket for it is in the cache" };
  if (first !== undefined && (tgtOf(first.cache)?.end ?? 0) > nowS) {
    const asked = await askByKvno(of, first.name, principalOf(of, host), signal);
    if (asked !== undefined) return asked;
  }
  return askWithoutTicket(of, host, signal);
}

/** Undefined: kvno is not installed, does not come to an end, or is older than 1.19 and would put the ticket into the user's cache. */
async function askByKvno(
  of: KerberosCase,
  cache: string,
  principal: string,
  signal: AbortSignal,
): Promise<Known | undefined> {
  const argv = ["kvno", "-q", "-c", cache, "--out-cache", "MEMORY:aod", principal] as const;
  const { status, stderr, reason } = await runAsUser(of, argv, signal);
  if (status === "missing" || status === "timeout") return undefined;
  if (status === "ok") return { is: "known", how: "the KDC gives a ticket for it" };
  const said = stderr.trim().split("\n")[0] ?? "";
  if (/unrecognized option|^usage:/im.test(stderr)) return undefined;
  const how = said.replace(/ while getting credentials for.*$/, "") || (reason ?? "no answer");
  if (/not found in Kerberos database|Server not found/i.test(said)) return { is: "unknown", how, sure: true };
  if (/Clock skew too great/i.test(said)) return { is: "clock-skew", how };
  if (/credentials have been revoked/i.test(said)) return { is: "revoked", how };
  if (/Ticket expired/i.test(said)) return { is: "ticket-expired", how };
  return { is: "undecided", how };
}

/** MIT's KDC looks for the service before it asks for the password; another may ask first, so that only its refusal counts. */
async function askWithoutTicket(of: KerberosCase, host: string, signal: AbortSignal): Promise<Known> {
  const kdc = of.kdcs[0];
  const realm = realmOfHost(of.conf, host) ?? of.realm;
  if (kdc === undefined || realm === undefined || realm !== of.realm)
    return { is: "undecided", how: kdc === undefined ? "no KDC answers" : `its realm ${realm} has KDCs of its own` };
  const request = writeAsRequest({
    realm,
    client: clientOf(of).name,
    service: [serviceName(of), host],
    nonce: Math.floor(Math.random() * 0x7fffffff),
    tillMs: of.machine.clock.wallMs() + 3600e3,
  });
  const answer = await of.wire[kdc.by](kdc.address, kdc.port, request, 4000, signal);
  const reply = answer.state === "answer" ? readKdcReply(answer.bytes) : undefined;
  if (reply === undefined) return { is: "undecided", how: "the KDC did not answer" };
  if (reply.is === "ticket") return { is: "known", how: "the KDC knows it" };
  if (reply.code === krbErrors.serviceUnknown)
    return { is: "unknown", how: "the KDC does not know it", sure: realmOfHost(of.conf, host) !== undefined };
  if (reply.code === krbErrors.preauthRequired)
    return { is: "undecided", how: "the KDC asks for the password first: probably known" };
  return { is: "undecided", how: `the KDC says: ${krbErrorText(reply.code)}` };
}
