import { join } from "node:path";
import { readLocal } from "../../system/proc.ts";
import { type ProcKey, parseProcKeys } from "../../system/proc-keys.ts";
import type { Finding } from "../answer.ts";
import type { Check } from "../examine.ts";
import type { KerberosCase } from "./case.ts";
import { duration } from "./words.ts";

/** /proc/keys cuts the names of types to nine letters. */
const kinds = [
  { type: "cifs.spnego", cut: "cifs.spne", of: "tickets for SMB servers" },
  { type: "dns_resolver", cut: "dns_resol", of: "addresses of names" },
] as const;

const MAX_TOLD = 8;

/** The keys that the kernel got by upcalls, or was refused: /proc/keys. */
export const keys: Check<KerberosCase> = {
  name: "keys",
  limitMs: 5000,
  async run({ machine, subject }, signal) {
    if (subject.protocol === "nfs") return [];
    const file = await readLocal(join(machine.procRoot, "keys"), { limitBytes: 4 * 1024 ** 2, signal });
    if (file === undefined) return { result: "skip", evidence: "this kernel shows no /proc/keys" };
    const all = parseProcKeys(file.content.toString("utf8"));
    const told: Finding[] = [];
    for (const { type, cut, of } of kinds) {
      const found = all.filter((key) => key.type.startsWith(cut));
      const bad = found.flatMap((key) => {
        const state = stateOf(key);
        return state === undefined ? [] : [{ key, state }];
      });
      const concerned = bad.filter(({ key }) => subject.host === undefined || mentions(key, subject.host));
      if (found.length > 0 || bad.length > 0)
        told.push({ result: "ok", evidence: `${type} (${of}): ${found.length}, ${bad.length} of them not good` });
      const each = new Map(concerned.map(({ key, state }) => [badKeyText(type, key, state), { key, state }]));
      for (const [evidence, { key, state }] of [...each].slice(0, MAX_TOLD)) told.push(badKey(evidence, key, state));
    }
    return told.length === 0 ? { result: "ok", evidence: "none of cifs.spnego or dns_resolver is kept" } : told;
  },
};

/** `host=files.example` of a spnego key; the name of a dns_resolver's, before what the kernel put behind a colon. */
function mentions({ description }: ProcKey, host: string): boolean {
  const wanted = host.toLowerCase();
  const text = description.toLowerCase();
  return (
    text.includes(`host=${wanted};`) || text.startsWith(`${wanted}:`) || text === wanted || text.includes(`:${wanted}:`)
  );
}

function stateOf({ flags, timeoutSeconds }: ProcKey): string | undefined {
  // One that has expired waits for the kernel to take it away, and answers nobody.
  if (flags.includes("N")) return timeoutSeconds === 0 ? undefined : "negative";
  if (flags.includes("R")) return "revoked";
  if (/[Di]/.test(flags)) return "dead";
  return timeoutSeconds === 0 ? "expired" : undefined;
}

function badKeyText(type: string, { description, timeoutSeconds = 0 }: ProcKey, state: string): string {
  const facts = /host=[^;]*|creduid=[^;]*/g;
  const about = type === "cifs.spnego" ? (description.match(facts) ?? []).join(" ") : description;
  return `${type} ${about}: ${state}${timeoutSeconds > 0 ? ` for ${duration(timeoutSeconds)} more` : ""}`;
}

function badKey(evidence: string, { type }: ProcKey, state: string): Finding {
  if (state !== "negative") return { result: "warn", evidence, meaning: "the kernel does not use it, and asks anew" };
  // The description of a spnego key has the process in it.
  const whom = type.startsWith("cifs.spne") ? "the process that asked" : "everybody";
  return {
    result: "warn",
    evidence,
    meaning: `an upcall got nothing; until then the kernel gives ${whom} this answer without asking again`,
  };
}
