// The checks of Kerberos as steps of another doctor: one picture, one verdict.
import { join } from "node:path";
import { parseMountinfo } from "../../system/mountinfo.ts";
import type { Finding } from "../answer.ts";
import type { Check } from "../examine.ts";
import { textOf } from "../files.ts";
import type { Machine } from "../machine.ts";
import type { KerberosCase, KerberosSubject } from "./case.ts";
import { type KdcWire, realKdcWire } from "./kdc-wire.ts";
import { kerberosChecks } from "./kerberos.ts";
import { findUser } from "./user.ts";

/** What a mount by Kerberos would ask for. */
export interface KerberosQuestion {
  readonly subject: KerberosSubject;
  /** `cruid=` of the options. */
  readonly cruid?: string;
  /** Of the process that asks. */
  readonly uid: number;
}

/** A case of another doctor that may come to be one of Kerberos. */
export interface WithKerberos {
  readonly machine: Machine;
  readonly kdcWire?: KdcWire;
  kerberos?: KerberosCase;
}

/** Names that say something else in the list of another doctor. */
const ownNames: Readonly<Record<string, string>> = { asked: "kerberos", clock: "KDC's clock", log: "upcalls" };

/** `questionOf` says what is asked, undefined where it is not Kerberos. The first of the steps finds whose tickets it is about. */
export function kerberosSteps<Case extends WithKerberos>(
  questionOf: (of: Case) => KerberosQuestion | undefined,
): readonly Check<Case>[] {
  return kerberosChecks.map(
    (check, at): Check<Case> => ({
      name: ownNames[check.name] ?? check.name,
      limitMs: check.limitMs + (at === 0 ? 6000 : 0),
      async run(of, signal) {
        if (at === 0) {
          const question = questionOf(of);
          if (question === undefined) return [];
          const made = await caseOf(of, question, signal);
          if ("result" in made) return made;
          of.kerberos = made;
        }
        return of.kerberos === undefined ? [] : check.run(of.kerberos, signal);
      },
    }),
  );
}

async function caseOf(
  { machine, kdcWire }: WithKerberos,
  { subject, cruid, uid }: KerberosQuestion,
  signal: AbortSignal,
): Promise<KerberosCase | Finding> {
  const [mountinfo, passwd] = await Promise.all([
    textOf(join(machine.procRoot, "self/mountinfo"), signal),
    textOf(join(machine.fsRoot, "etc/passwd"), signal),
  ]);
  const user = await findUser(machine.run, passwd ?? "", cruid ?? String(uid), signal);
  if (user === undefined) return nobody(cruid ?? "");
  const byRoot =
    subject.protocol === "smb"
      ? "a mount by root without cruid= takes root's"
      : "root mounts with the machine's own key";
  return {
    machine,
    subject,
    user,
    userWhy: cruid !== undefined ? `cruid=${cruid}` : uid === 0 ? byRoot : "who asks; a mount by root takes root's",
    mounts: parseMountinfo(mountinfo ?? ""),
    isRoot: uid === 0,
    wire: kdcWire ?? realKdcWire(machine.network),
    conf: { files: [], entries: [], troubles: [] },
    caches: [],
    kdcs: [],
    skews: [],
  };
}

function nobody(cruid: string): Finding {
  const summary = `cruid=${cruid} names no account of this machine`;
  const fix = `name an account that getent passwd finds: cruid=NAME`;
  return {
    result: "fail",
    evidence: summary,
    meaning: "mount.cifs ends before it asks the kernel",
    fix,
    verdict: { cause: "auth.no-ticket", confidence: "certain", summary, advice: [fix] },
  };
}
