// Azure Files with Microsoft Entra ID: azfilesauth keeps a service ticket for each storage account in a cache of its own user.
import type { Finding, Verdict } from "../answer.ts";
import { isAzureFiles } from "../azure-files.ts";
import type { Check } from "../examine.ts";
import type { KerberosCase } from "./case.ts";
import { LocalFiles } from "./local-files.ts";
import { parsePasswd } from "./user.ts";
import { duration } from "./words.ts";

const config = "/etc/azfilesauth/config.yaml";

export interface AzureCredential {
  readonly server: string;
  /** s since 1970 */
  readonly end: number;
}

/** What `azfilesauthmanager list --json` prints. Undefined: it is something else. Never throws. */
export function parseAzureList(text: string): readonly AzureCredential[] | undefined {
  let parsed: unknown;
  try {
    // It may say which cache it uses before.
    parsed = JSON.parse(text.slice(Math.max(0, text.search(/^\[/m))));
  } catch {
    return undefined;
  }
  if (!Array.isArray(parsed)) return undefined;
  return parsed.flatMap((one: unknown) => {
    if (typeof one !== "object" || one === null) return [];
    const facts = new Map<string, unknown>(Object.entries(one));
    const end = /\(epoch: (\d+)\)/.exec(String(facts.get("ticket_end_time")))?.[1];
    const server = facts.get("server");
    return typeof server === "string" && end !== undefined ? [{ server, end: Number(end) }] : [];
  });
}

/** The credentials that azfilesauth keeps, where it is installed or the server is Azure Files. */
export const azure: Check<KerberosCase> = {
  name: "azure files",
  limitMs: 15_000,
  async run(of, signal) {
    const { subject, machine, user } = of;
    if (subject.protocol === "nfs") return [];
    const files = new LocalFiles(machine.fsRoot, of.mounts, signal);
    const text = await files.text(config);
    const isAzure = subject.host !== undefined && isAzureFiles(subject.host);
    if (text === undefined)
      return isAzure
        ? {
            result: "skip",
            evidence: "azfilesauth is not installed: the ticket is that of the domain or of Entra Kerberos",
          }
        : [];
    const uid = /^\s*USER_UID\s*:\s*(\d+)/m.exec(text)?.[1];
    const passwd = (await files.text("/etc/passwd")) ?? "";
    const owner = passwd
      .split("\n")
      .flatMap((line) => parsePasswd(line) ?? [])
      .find((one) => String(one.uid) === uid);
    // Without its user the program would make one, which is not for a doctor to do.
    if (owner === undefined)
      return {
        result: isAzure ? "warn" : "skip",
        evidence: `${config} names no user that exists: nothing was ever set by azfilesauthmanager`,
      };
    const ran = await machine.run(["azfilesauthmanager", "list", "--json"], {
      timeoutMs: 10_000,
      maxBytes: 256 * 1024,
      signal,
    });
    const list = ran.status === "ok" ? parseAzureList(ran.stdout.toString("utf8")) : undefined;
    if (list === undefined)
      return { result: "warn", evidence: `azfilesauthmanager list: ${ran.reason ?? "its answer is not understood"}` };
    const nowS = machine.clock.wallMs() / 1000;
    const told: Finding[] = list.map(({ server, end }) => ({
      result: end > nowS ? "ok" : "warn",
      evidence: `${server}: ${end > nowS ? `${duration(end - nowS)} left` : `ended ${duration(nowS - end)} ago`}`,
    }));
    if (isAzure && user.uid !== owner.uid)
      told.push({
        result: "warn",
        evidence: `the tickets of azfilesauth belong to uid ${owner.uid}, and uid ${user.uid} is asked about`,
        fix: `mount with cruid=${owner.uid}`,
      });
    if (isAzure) told.push(...judge(subject.host ?? "", list, nowS, owner.uid));
    return told.length === 0 ? { result: "ok", evidence: "azfilesauth keeps no credentials" } : told;
  },
};

function judge(host: string, list: readonly AzureCredential[], nowS: number, uid: number): Finding[] {
  const own = list.filter(({ server }) => server.toLowerCase().startsWith(`cifs/${host.toLowerCase()}@`));
  if (own.some(({ end }) => end > nowS)) return [];
  const fix = `azfilesauthmanager set https://${host} --system (or --imds-client-id ID), then mount with sec=krb5,cruid=${uid}; systemctl enable --now azfilesrefresh renews it`;
  const [cause, summary]: readonly [Verdict["cause"], string] =
    own.length === 0
      ? ["auth.no-ticket", `azfilesauth keeps no credential for ${host}`]
      : ["auth.ticket-expired", `the credential of azfilesauth for ${host} has ended`];
  // A domain's ticket may stand in.
  return [
    {
      result: "fail",
      evidence: summary,
      meaning: "the mount gets no ticket by azfilesauth",
      fix,
      verdict: { cause, confidence: "likely", summary, advice: [fix] },
    },
  ];
}
