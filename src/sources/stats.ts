import { join } from "node:path";
import { type CifsStats, parseStats } from "../smb/stats.ts";
import { readText } from "./read.ts";
import type { Outcome, Source, SourceRoots } from "./source.ts";
import { smbStatsDelta } from "./stats-delta.ts";

const LIMIT_BYTES = 4 * 1024 ** 2;

/** What the SMB client counts: requests and failures of each share, reconnects, times of commands. */
export function statsSource({ procRoot, clock }: SourceRoots): Source {
  let before: { readonly text: string; readonly stats: CifsStats; readonly nowNs: number } | undefined;
  return {
    name: "stats",
    summary: "/proc/fs/cifs/Stats",
    timeoutMs: 5000,
    everyNs: ({ trouble, blindSmb, idle }) => (trouble || blindSmb ? 1e9 : idle ? 15e9 : 5e9),
    read(): Outcome {
      const file = readText(join(procRoot, "fs/cifs/Stats"), LIMIT_BYTES);
      if (file === undefined) {
        before = undefined;
        return { off: "the kernel module cifs is not loaded" };
      }
      const nowNs = clock.nowNs();
      const stats = before?.text === file.text ? before.stats : parseStats(file.text);
      const delta = before === undefined ? undefined : smbStatsDelta(stats, before.stats, nowNs - before.nowNs);
      before = { text: file.text, stats, nowNs };
      const timed = stats.connections.every(({ jiffiesPerSecond }) => jiffiesPerSecond !== undefined);
      const lacks = [
        ...(timed ? [] : ["this kernel keeps no times of commands (CONFIG_CIFS_STATS2)"]),
        ...(file.cut ? [`only its first ${LIMIT_BYTES / 1024 ** 2} MiB`] : []),
      ];
      return {
        observations: delta === undefined ? [] : [{ type: "smb-stats", nowNs, delta }],
        ...(lacks.length === 0 ? {} : { degraded: lacks.join("; ") }),
      };
    },
  };
}
