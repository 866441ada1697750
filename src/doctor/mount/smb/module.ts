import { join } from "node:path";
import type { Finding } from "../../answer.ts";
import type { Check } from "../../examine.ts";
import { lineOf, namesOf, textOf } from "../../files.ts";
import type { Machine } from "../../machine.ts";
import type { SmbCase } from "./case.ts";
import { moduleFile } from "./module-file.ts";

/** Whether the kernel's SMB client is there, or can be loaded, and is new enough for what servers ask for today. */
export const module: Check<SmbCase> = {
  name: "kernel",
  limitMs: 10_000,
  async run({ machine, intent, target }, signal) {
    const release = (await lineOf(join(machine.procRoot, "sys/kernel/osrelease"), signal)) ?? "";
    const findings = [await present(machine, release, signal), ...age(release)];
    const dialects = intent.dialects.length === 0 || intent.dialects.includes("2.0.2");
    const forbidden = await lineOf(join(machine.sysRoot, "module/cifs/parameters/disable_legacy_dialects"), signal);
    if (dialects && intent.dialects.length <= 1 && forbidden === "Y")
      findings.push({
        result: "fail",
        evidence: "disable_legacy_dialects of the cifs module is Y",
        meaning: `vers=${intent.vers} is refused, error 22`,
        fix: "mount with vers=2.1 or newer",
        verdict: {
          cause: "mount.dialect-mismatch",
          confidence: "certain",
          summary: `this machine forbids vers=${intent.vers} to ${target.host}`,
          advice: ["mount with vers=2.1 or newer", "or echo N > /sys/module/cifs/parameters/disable_legacy_dialects"],
        },
      });
    return findings;
  },
};

async function present(machine: Machine, release: string, signal: AbortSignal): Promise<Finding> {
  const systems = (await textOf(join(machine.procRoot, "filesystems"), signal)) ?? "";
  const version = await lineOf(join(machine.sysRoot, "module/cifs/version"), signal);
  if (/^nodev\s+cifs$/m.test(systems))
    return {
      result: "ok",
      evidence: `Linux ${release}; the cifs module${version === undefined ? "" : ` ${version}`} is loaded`,
    };
  const file = await moduleFile(machine, release, signal);
  const fixes = `install the kernel's modules (linux-modules-extra, kernel-modules), and reboot if the running kernel's were removed by an update`;
  if (file === undefined)
    return {
      result: "fail",
      evidence: `Linux ${release}: neither loaded nor in /lib/modules/${release}`,
      meaning: "this kernel has no SMB client: mount says error 19, or wrong fs type",
      fix: fixes,
    };
  const block = await blockedBy(machine, signal);
  if (block !== undefined)
    return {
      result: "fail",
      evidence: `Linux ${release}: cifs is not loaded, and ${block}`,
      meaning: "the module cannot be loaded by a mount: error 19",
      fix: "modprobe cifs, or take the line out",
    };
  return { result: "ok", evidence: `Linux ${release}; ${file.path} is there and is loaded by the first mount` };
}

/** What keeps modprobe from loading cifs. */
async function blockedBy(machine: Machine, signal: AbortSignal): Promise<string | undefined> {
  if ((await lineOf(join(machine.procRoot, "sys/kernel/modules_disabled"), signal)) === "1")
    return "kernel.modules_disabled is 1: no module can be loaded until the next boot";
  for (const folder of ["etc/modprobe.d", "run/modprobe.d", "usr/lib/modprobe.d", "lib/modprobe.d"]) {
    for (const name of (await namesOf(join(machine.fsRoot, folder))).filter((one) => one.endsWith(".conf"))) {
      const text = (await textOf(join(machine.fsRoot, folder, name), signal)) ?? "";
      const line = text
        .split("\n")
        .find((one) => /^\s*(blacklist\s+cifs\s*$|install\s+cifs\s+\/(usr\/)?s?bin\/(false|true))/.test(one));
      if (line !== undefined) return `/${folder}/${name} says "${line.trim()}"`;
    }
  }
  return undefined;
}

const ages: readonly (readonly [before: number, meaning: string])[] = [
  [3007, "no SMB 2.1: servers of today cannot be mounted"],
  [4010, "idle connections are lost: a known fault that 4.10 repaired"],
  [4011, "no encryption: shares that ask for it cannot be mounted"],
  [4017, "no safe SMB 3.1.1"],
  [5000, "SMB 3 lacks many repairs"],
];

function age(release: string): Finding[] {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(release) ?? [];
  if (major === undefined) return [];
  const number = Number(major) * 1000 + Number(minor);
  return ages
    .filter(([before]) => number < before)
    .slice(0, 1)
    .map(([, meaning]) => ({
      result: "warn",
      evidence: `Linux ${release} is old`,
      meaning,
      fix: "use a newer kernel, unless the distribution brought the repairs back",
    }));
}
