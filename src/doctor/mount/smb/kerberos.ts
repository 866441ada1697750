import type { Finding } from "../../answer.ts";
import type { Check } from "../../examine.ts";
import { kerberosSteps } from "../../kerberos/steps.ts";
import { targetText } from "../target.ts";
import type { SmbCase } from "./case.ts";

/** A server without a key in its own keytab or domain offers NTLM alone: the client then finds no way to log in. */
const offered: Check<SmbCase> = {
  name: "log-in offered",
  limitMs: 1000,
  async run({ intent, server, target }): Promise<Finding | readonly Finding[]> {
    if (intent.security !== "krb5" || server === undefined) return [];
    const { mechanisms } = server.wanted ?? server.best;
    if (mechanisms.length === 0 || mechanisms.includes("Kerberos")) return [];
    const fix = "join the server to the realm, or give it its key (Samba: kerberos method, dedicated keytab file)";
    return {
      result: "fail",
      evidence: `the server offers ${mechanisms.join(", ")}, and no Kerberos`,
      meaning: `${target.host} is in no realm as far as it tells; the client asks for a ticket all the same: mount error(126) without one, and with one it is the server that refuses it`,
      fix,
    };
  },
};

/** What aod doctor kerberos looks at, where sec= asks for it. */
export const kerberos: readonly Check<SmbCase>[] = [
  offered,
  ...kerberosSteps<SmbCase>(({ intent, target, request, addresses, reachable }) => {
    if (intent.security !== "krb5") return undefined;
    const cruid = request.options.value("cruid");
    const username = request.options.value("username", "user");
    const address = reachable?.address ?? addresses[0];
    return {
      subject: {
        text: targetText(target),
        protocol: "smb",
        host: target.host,
        ...(username !== undefined && { username }),
        ...(address !== undefined && { address }),
      },
      ...(cruid !== undefined && { cruid }),
      uid: process.getuid?.() ?? 0,
    };
  }),
];
