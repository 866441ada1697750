import type { Finding } from "../answer.ts";
import type { Check } from "../examine.ts";
import type { KerberosCase } from "./case.ts";
import { userText } from "./user.ts";

/** What is asked for, and with whose tickets. */
export const asked: Check<KerberosCase> = {
  name: "asked",
  limitMs: 1000,
  async run({ subject, user, userWhy }) {
    const told: Finding[] = [];
    const { mount, protocol } = subject;
    if (mount !== undefined) {
      const { sec } = mount.options;
      const kerberos = typeof sec === "string" && sec.startsWith("krb5");
      const how = typeof sec === "string" ? `sec=${sec}` : "no sec= (its own choice of NTLM)";
      told.push({
        result: kerberos ? "ok" : "warn",
        evidence: `${mount.target} is mounted with ${how}`,
        ...(kerberos
          ? {}
          : { meaning: "this mount does not use Kerberos; what follows is about a mount with sec=krb5" }),
      });
    }
    const nameless = user.name === undefined && protocol === "smb";
    told.push({
      result: nameless ? "fail" : "ok",
      evidence: `tickets of ${userText(user)}: ${userWhy}`,
      ...(nameless && {
        meaning: "cifs.upcall looks for the user's group and ends where no account has this uid",
        fix: `name an account that exists with cruid= or --user; getent passwd ${user.uid} finds none`,
        verdict: {
          cause: "auth.no-ticket",
          confidence: "certain",
          summary: `no account has uid ${user.uid}: cifs.upcall does not look for its tickets`,
          advice: [`mount with cruid= of an account that getent passwd finds`],
        },
      }),
    });
    return told;
  },
};
