import { join } from "node:path";
import { nearest } from "../../../smb/nearest.ts";
import type { Finding, Verdict } from "../../answer.ts";
import type { Check } from "../../examine.ts";
import { lineOf } from "../../files.ts";
import type { MountOptions } from "../options.ts";
import type { SmbCase } from "./case.ts";
import { conflicts } from "./conflicts.ts";
import { knownVersions } from "./intent.ts";
import { moduleFile, moduleHasOption } from "./module-file.ts";
import { everyOption, type Known, knows } from "./option-names.ts";

/** Whether this kernel takes the options, their values, and all of them together. */
export const options: Check<SmbCase> = {
  name: "options",
  limitMs: 20_000,
  async run(of, signal) {
    const { options } = of.request;
    const release = (await lineOf(join(of.machine.procRoot, "sys/kernel/osrelease"), signal)) ?? "";
    const strange = [...new Set(options.all.map(({ name }) => name))].flatMap((name) => {
      const known = knows(release, name);
      return known.is === "yes" ? [] : [{ name, known }];
    });
    const names = strange.map(({ name }) => name);
    const file = names.length === 0 ? undefined : await moduleFile(of.machine, release, signal);
    const said = file && (await moduleHasOption(of.machine, release, file, names, signal));
    const findings: Finding[] = [];
    for (const { name, known } of strange) {
      const has = said?.get(name);
      if (has !== true) findings.push(unknownOption(name, known, release, has === false, options.has("sloppy")));
    }
    findings.push(...wrongValues(options), ...conflicts(options, of.intent));
    if (findings.length > 0) return findings;
    const all = String(options);
    return { result: "ok", evidence: all === "" ? "none were given" : all };
  },
};

function unknownOption(name: string, known: Known, release: string, looked: boolean, sloppy: boolean): Finding {
  const near = nearest(name, everyOption);
  const since = known.is !== "yes" ? known.since : undefined;
  const summary =
    since === undefined
      ? `no kernel's SMB client knows the option ${name}`
      : `the SMB client of this kernel (${release}) does not know the option ${name}, which came until ${since}`;
  const advice =
    since === undefined
      ? near === undefined
        ? `leave ${name} out`
        : `is ${near} meant?`
      : `leave ${name} out, or use a newer kernel`;
  const evidence = `${name}${looked ? `: the cifs module of ${release} has no such option` : since === undefined ? " is none of the options of 5.10 to 7.2" : `: newer than ${release}`}`;
  if (sloppy) return { result: "warn", evidence, meaning: "sloppy lets the kernel pass over it", fix: advice };
  if (known.is === "perhaps" && !looked)
    return { result: "warn", evidence: `${name} came until ${since}: whether ${release} has it is not known` };
  return wrong(evidence, summary, [advice], looked || since === undefined ? "certain" : "likely");
}

const values: readonly (readonly [names: readonly string[], allowed: readonly string[]])[] = [
  [["vers", "ver"], knownVersions],
  [["sec"], ["none", "ntlmssp", "ntlmsspi", "ntlmv2", "ntlmv2i", "nontlm", "krb5", "krb5i"]],
  [["cache"], ["none", "strict", "loose", "ro", "singleclient"]],
];
const numbers =
  /^(?:port|rsize|wsize|bsize|rasize|actimeo|acregmax|acdirmax|closetimeo|echo_interval|max_credits|max_channels|handletimeout|snapshot|retrans|max_cached_dirs|esize|min_enc_offload|file_mode|dir_mode|dirmode)$/;

function wrongValues(options: MountOptions): Finding[] {
  const findings: Finding[] = [];
  for (const [names, allowed] of values) {
    const value = options.value(...names);
    if (value === undefined || allowed.includes(value)) continue;
    const near = allowed.findLast((one) => one.startsWith(value)) ?? nearest(value, allowed);
    const told = `${names[0]}=${value}`;
    const hint =
      value === "krb5p"
        ? "sec=krb5,seal"
        : near === undefined
          ? `${names[0]}= one of ${allowed.join(", ")}`
          : `${names[0]}=${near}`;
    findings.push(wrong(told, `the kernel does not know ${told}`, [`use ${hint}`]));
  }
  for (const { name, value } of options.all) {
    if (!numbers.test(name)) continue;
    if (value === undefined || !/^(0x[0-9a-f]+|\d+)$/i.test(value))
      findings.push(
        wrong(`${name}${value === undefined ? "" : `=${value}`}`, `${name} takes a number`, [`${name}=NUMBER`]),
      );
  }
  return findings;
}

function wrong(
  evidence: string,
  summary: string,
  advice: readonly string[],
  confidence: Verdict["confidence"] = "certain",
): Finding {
  return {
    result: "fail",
    evidence,
    meaning: `${summary}; mount says error 22`,
    ...(advice[0] !== undefined && { fix: advice[0] }),
    verdict: { cause: "mount.option-unknown", confidence, summary, advice },
  };
}
