import { readNtlm, versionText } from "../../../packets/smb/ntlmssp.ts";
import { negotiate } from "../../../smb-client/negotiate.ts";
import { outcomeText, Session } from "../../../smb-client/session.ts";
import type { Check } from "../../examine.ts";
import type { SmbCase } from "./case.ts";
import { ANSWER_MS, connected } from "./connection.ts";

/** Who the server says it is: the CHALLENGE of NTLMSSP has it before anybody has said who asks. */
export const identity: Check<SmbCase> = {
  name: "server",
  limitMs: 30_000,
  async run(of, signal) {
    if (of.server?.wanted === undefined) return [];
    const { best, wanted } = of.server;
    if (!best.mechanisms.includes("NTLMSSP") && best.mechanisms.length > 0) {
      const offers = `the server offers ${best.mechanisms.join(", ")} and no NTLM`;
      if (of.intent.security === "krb5") return { result: "ok", evidence: offers };
      return {
        result: "warn",
        evidence: offers,
        meaning: "a log-in by name and password is refused",
        fix: "mount with sec=krb5",
      };
    }
    const transport = await connected(of, signal);
    if (transport === undefined) return { result: "warn", evidence: "no further connection came about" };
    try {
      const offer = { dialects: of.intent.dialects, host: of.target.host };
      const agreed = await negotiate(transport, offer, ANSWER_MS, signal);
      if (agreed.state !== "agreed") return { result: "warn", evidence: "the server did not negotiate a second time" };
      const session = new Session(transport, agreed, ANSWER_MS);
      const asked = await session.ask(signal);
      const said = readNtlm(session.challenge);
      if (asked.state !== "challenge" || said?.type !== "challenge")
        return {
          result: "warn",
          evidence: `NTLM: ${asked.state === "challenge" ? "an answer that cannot be read" : outcomeText(asked)}`,
        };
      const { netbiosName, netbiosDomain, dnsName, dnsDomain, version } = said;
      const facts = [
        netbiosName && `name ${netbiosName}`,
        netbiosDomain && `domain ${netbiosDomain}`,
        dnsName && `DNS ${dnsName}`,
        dnsDomain && `in ${dnsDomain}`,
        version && versionText(version, "server"),
        wanted.mechanisms.length > 0 && `offers ${wanted.mechanisms.join(", ")}`,
      ].filter(Boolean);
      return { result: "ok", evidence: facts.join("; ") };
    } finally {
      transport.close();
    }
  },
};

/** What Kerberos allows: clockskew of krb5.conf(5). */
const TOLERANCE_MS = 300_000;
const NOTABLE_MS = 30_000;

/** How far apart both clocks are. */
export const clock: Check<SmbCase> = {
  name: "clock",
  limitMs: 1000,
  async run({ server, intent, target }) {
    if (server?.skewMs === undefined) return [];
    const { skewMs } = server;
    const size = Math.abs(skewMs);
    if (size < NOTABLE_MS) return { result: "ok", evidence: `both clocks agree (${(skewMs / 1000).toFixed(1)} s)` };
    const amount = size < 120_000 ? `${Math.round(size / 1000)} s` : `${Math.round(size / 60_000)} min`;
    const evidence = `the server's clock is ${amount} ${skewMs > 0 ? "ahead of" : "behind"} this machine's`;
    const fix = "let both follow the time servers: timedatectl, chronyc tracking";
    if (size <= TOLERANCE_MS)
      return { result: "warn", evidence, meaning: "Kerberos allows 5 min; times of files are off", fix };
    const kerberos = intent.security === "krb5";
    const summary = `the clocks of this machine and of ${target.host} are ${amount} apart${kerberos ? ", and Kerberos allows 5 min" : ""}`;
    return {
      result: kerberos ? "fail" : "warn",
      evidence,
      meaning: kerberos
        ? "the server refuses the ticket: mount error 13, or 126 where no ticket is given out"
        : "a log-in by NTLM goes through all the same where the server tells its time, one by Kerberos does not; older servers say error 13",
      fix,
      verdict: { cause: "auth.clock-skew", confidence: kerberos ? "certain" : "possible", summary, advice: [fix] },
    };
  },
};
