import { join } from "node:path";
import { nfsMeanings } from "../../../nfs/kernel-meanings.ts";
import { nfsKernelMessage } from "../../../nfs/kernel-messages.ts";
import { openKernelLog, readKernelLog } from "../../../system/kernel-log.ts";
import { hasCode } from "../../../system/proc.ts";
import type { Finding } from "../../answer.ts";
import type { Check } from "../../examine.ts";
import type { NfsCase } from "./case.ts";

const MAX_RECORDS = 100_000;
const MAX_TOLD = 3;

/** What the client last said of this server in the kernel's log. */
export const kernelLog: Check<NfsCase> = {
  name: "kernel log",
  limitMs: 10_000,
  async run({ machine, target, addresses }, signal) {
    const read = await records(join(machine.fsRoot, "dev/kmsg"), signal);
    if (typeof read === "string") return { result: "skip", evidence: read };
    const own = read.flatMap(({ message, timeUs }) => {
      const facts = nfsKernelMessage(message);
      const isOther = facts?.server !== undefined && facts.server !== target.host && !addresses.includes(facts.server);
      return facts === undefined || isOther || facts.kind === "notice" ? [] : [{ ...facts, timeUs }];
    });
    const last = own.slice(-MAX_TOLD);
    if (last.length === 0) return { result: "ok", evidence: "nothing of this server" };
    const nowUs = machine.clock.nowNs() / 1000;
    return last.map(({ id, kind, text, timeUs }): Finding => {
      const evidence = `${Math.max(0, Math.round((nowUs - timeUs) / 1e6))} s ago: ${text}`;
      const meaning = nfsMeanings[id];
      return { result: kind === "trouble" ? "warn" : "ok", evidence, ...(meaning !== undefined && { meaning }) };
    });
  },
};

async function records(path: string, signal: AbortSignal) {
  try {
    const reader = openKernelLog(path);
    return (await readKernelLog(reader, { fromUs: 0, maxRecords: MAX_RECORDS, signal })).records;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return "there is no /dev/kmsg";
    if (hasCode(error, "EACCES", "EPERM")) return "only root may read the kernel's log";
    throw error;
  }
}
