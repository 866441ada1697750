import { isIP } from "node:net";
import type { Finding, Verdict } from "../answer.ts";
import type { Check } from "../examine.ts";
import type { KerberosCase } from "./case.ts";
import { isKnown, type Known, principalOf } from "./known.ts";
import { type ServerName, serverNames } from "./server-names.ts";
import { serviceName } from "./tickets.ts";

/** The service principal that the client will ask for, and whether the KDC knows it. */
export const service: Check<KerberosCase> = {
  name: "service",
  limitMs: 45_000,
  async run(of, signal) {
    const { host } = of.subject;
    if (host === undefined) return { result: "skip", evidence: "no server was named: the service is not known" };
    const { tried, others } = await serverNames(of, host, signal);
    const told: Finding[] = [];
    let sure = true;
    for (const name of tried) {
      const known = await isKnown(of, name.host, signal);
      const evidence = `${principalOf(of, name.host)} (${name.why}): ${known.how}`;
      if (known.is === "known") return [...told, { result: "ok", evidence }];
      const trouble = troubleOf(evidence, known);
      if (trouble !== undefined) return [...told, trouble];
      if (known.is === "undecided") return [...told, { result: "skip", evidence }];
      sure &&= known.is === "unknown" && known.sure;
      told.push({ result: "warn", evidence });
    }
    return [...told, await wrong(of, host, tried, others, sure, signal)];
  },
};

/** What is not the name's fault. */
function troubleOf(evidence: string, known: Known): Finding | undefined {
  if (known.is === "clock-skew") {
    const fix = "set the clocks of this machine and of the KDC by the same NTP servers, then kinit anew";
    return failed(evidence, "the KDC refuses what was made at another time", {
      cause: "auth.clock-skew",
      confidence: "certain",
      summary: "the KDC says that this machine's clock is wrong",
      advice: [fix],
    });
  }
  if (known.is === "revoked")
    return failed(evidence, "the account is disabled, locked or expired", {
      cause: "auth.account-disabled",
      confidence: "certain",
      summary: "the KDC says that the account is disabled, locked or expired",
      advice: ["have the account enabled or unlocked"],
    });
  if (known.is === "ticket-expired")
    return failed(evidence, "the KDC no longer takes the ticket", {
      cause: "auth.ticket-expired",
      confidence: "certain",
      summary: "the KDC says that the ticket has ended",
      advice: ["kinit anew"],
    });
  return undefined;
}

const failed = (evidence: string, meaning: string, verdict: Verdict): Finding => ({
  result: "fail",
  evidence,
  meaning,
  ...(verdict.advice[0] === undefined ? {} : { fix: verdict.advice[0] }),
  verdict,
});

async function wrong(
  of: KerberosCase,
  given: string,
  tried: readonly ServerName[],
  others: readonly ServerName[],
  sure: boolean,
  signal: AbortSignal,
): Promise<Finding> {
  const kind = serviceName(of);
  const asked = tried.map(({ host }) => `${kind}/${host}`).join(", ");
  const better: ServerName[] = [];
  for (const name of others.slice(0, 3)) if ((await isKnown(of, name.host, signal)).is === "known") better.push(name);
  const advice = better.map(({ host, why }) =>
    kind === "cifs"
      ? `mount //${host}/SHARE: the KDC knows cifs/${host} (${why})`
      : `mount ${host}:/EXPORT: the KDC knows nfs/${host} (${why})`,
  );
  if (better.some(({ why }) => why.includes("resolves back")) && kind === "cifs")
    advice.push("let the rule of request-key start cifs.upcall -t, which trusts DNS for the name");
  advice.push(
    `give the server's account the name ${kind}/${given.toLowerCase()}: setspn -S in Active Directory, addprinc and ktadd for MIT Kerberos`,
  );
  const what =
    isIP(given) === 0
      ? `the KDC knows no ${asked}`
      : `the server is named by its address, and the KDC knows no ${asked}`;
  return failed(
    what,
    "the client asks for a ticket for that name alone: mount error(126), Required key not available",
    {
      cause: "auth.wrong-spn",
      confidence: sure ? "certain" : "likely",
      summary: what,
      advice,
    },
  );
}
