import { join } from "node:path";
import { type MountInfo, parseMountinfo } from "../../system/mountinfo.ts";
import { isNfs, isSmb } from "../../system/mounts.ts";
import type { Check } from "../examine.ts";
import { textOf } from "../files.ts";
import type { HostCase } from "./host-case.ts";

const MAX_TOLD = 50;

/** What is mounted from servers: type, version, transport and address, as the kernel's own table says. */
export const mounts: Check<HostCase> = {
  name: "mounts",
  limitMs: 5000,
  async run(host, signal) {
    const text = await textOf(join(host.machine.procRoot, "self/mountinfo"), signal);
    if (text === undefined) return { result: "warn", evidence: "/proc/self/mountinfo is not there" };
    host.mounts = parseMountinfo(text).filter((mount) => isSmb(mount) || isNfs(mount));
    const told = host.mounts
      .slice(0, MAX_TOLD)
      .map((mount) => ({ result: "ok" as const, evidence: lineOfMount(mount) }));
    const more = host.mounts.length - told.length;
    if (more > 0) told.push({ result: "ok", evidence: `and ${more} more` });
    return told.length === 0 ? { result: "ok", evidence: "none of type cifs, smb3, nfs or nfs4" } : told;
  },
};

const shown = ["vers", "sec", "proto", "xprtsec", "addr", "port"] as const;

function lineOfMount({ source, target, type, options }: MountInfo): string {
  const told = shown.flatMap((name) => {
    const value = options[name];
    return typeof value === "string" ? [`${name}=${value}`] : [];
  });
  const kind = isNfs({ type }) ? ["hard", "soft", "softerr"].filter((name) => options[name] === true) : [];
  return [`${source} on ${target}, ${type}`, [...told, ...kind].join(" ")].filter((part) => part !== "").join(", ");
}
