import { valuesOf } from "../../kerberos/krb5-conf.ts";
import type { Check } from "../examine.ts";
import type { KerberosCase } from "./case.ts";
import { duration } from "./words.ts";

/** MIT's default, and Active Directory's. */
const LIMIT_S = 300;

/** This machine's clock against that of each KDC. */
export const clock: Check<KerberosCase> = {
  name: "clock",
  limitMs: 1000,
  async run({ skews, conf, kdcs }) {
    const worst = skews.toSorted((a, b) => Math.abs(b.ms) - Math.abs(a.ms))[0];
    if (worst === undefined) return kdcs.length === 0 ? [] : { result: "skip", evidence: "no KDC told its time" };
    const limitS = Number(valuesOf(conf, "libdefaults", "clockskew")[0] ?? LIMIT_S) || LIMIT_S;
    const s = worst.ms / 1000;
    const far = `${Math.abs(s) < 10 ? `${Math.abs(s).toFixed(1)} s` : duration(Math.abs(s))} ${s < 0 ? "ahead of" : "behind"}`;
    const evidence = `this clock is ${far} that of the KDC ${worst.of}; ${duration(limitS)} are allowed`;
    if (Math.abs(s) <= limitS / 2) return { result: "ok", evidence };
    const fix = "set both clocks by the same NTP servers (chronyc makestep, timedatectl set-ntp true)";
    if (Math.abs(s) <= limitS)
      return { result: "warn", evidence, meaning: "not much more, and no ticket is taken", fix };
    return {
      result: "fail",
      evidence,
      meaning: "KDC and file server refuse what was made at another time: mount error(13) or (126)",
      fix,
      verdict: { cause: "auth.clock-skew", confidence: "likely", summary: evidence, advice: [fix, "then kinit anew"] },
    };
  },
};
