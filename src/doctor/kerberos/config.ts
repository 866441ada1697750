import { type Krb5Conf, readKrb5Conf, valuesOf } from "../../kerberos/krb5-conf.ts";
import type { RequestKeyRule } from "../../system/request-key.ts";
import type { Finding } from "../answer.ts";
import type { Check } from "../examine.ts";
import type { KerberosCase } from "./case.ts";
import { LocalFiles } from "./local-files.ts";

/** krb5.conf, with all that it includes: the default realm and where caches are. */
export const config: Check<KerberosCase> = {
  name: "krb5.conf",
  limitMs: 5000,
  async run(of, signal) {
    const files = new LocalFiles(of.machine.fsRoot, of.mounts, signal);
    const path = optionOf(of.rule, "-k", "--krb5conf") ?? "/etc/krb5.conf";
    of.conf = await readKrb5Conf([path], {
      read: (file) => files.text(file),
      list: (directory) => files.names(directory),
    });
    const { conf } = of;
    const told: Finding[] = [];
    const realm = valuesOf(conf, "libdefaults", "default_realm")[0];
    if (conf.files.length === 0)
      told.push({
        result: "warn",
        evidence: `${path} cannot be read`,
        meaning: "the Kerberos library knows no realm but those that DNS tells",
        fix: `write ${path}, or join the domain (realm join, net ads join)`,
      });
    else {
      const included = conf.files.length === 1 ? "" : ` with ${conf.files.length - 1} included`;
      const unset = "no default_realm";
      told.push({
        result: realm === undefined ? "warn" : "ok",
        evidence: `${path}${included}: ${realm === undefined ? unset : `default_realm ${realm}`}, caches in ${cacheTemplate(conf)}`,
        ...(realm === undefined && { meaning: "kinit needs the whole name then: USER@REALM" }),
      });
    }
    for (const trouble of conf.troubles) told.push({ result: "warn", evidence: trouble });
    for (const lack of files.lacks) told.push({ result: "warn", evidence: lack });
    return told;
  },
};

/** As the library has it where krb5.conf is silent. */
export const cacheTemplate = (conf: Krb5Conf): string =>
  valuesOf(conf, "libdefaults", "default_ccache_name")[0] ?? "FILE:/tmp/krb5cc_%{uid}";

/** The value of an option among the arguments of cifs.upcall: `-k FILE`, `-kFILE`, `--krb5conf=FILE`. */
export function optionOf(rule: RequestKeyRule | undefined, short: string, long: string): string | undefined {
  const args = rule?.argv.slice(1) ?? [];
  for (const [at, word] of args.entries()) {
    if (word === short || word === long) return args[at + 1];
    if (word.startsWith(`${long}=`)) return word.slice(long.length + 1);
    if (word.startsWith(short) && !word.startsWith("--")) return word.slice(short.length);
  }
  return undefined;
}

export const hasFlag = (rule: RequestKeyRule | undefined, short: string, long: string): boolean =>
  rule?.argv.some((word) => word === long || new RegExp(`^-[a-zA-Z]*${short.slice(1)}`).test(word)) ?? false;
