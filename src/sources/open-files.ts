import { join } from "node:path";
import type { OpenFilesSample } from "../detect/observation.ts";
import { type OpenFileRow, parseOpenFiles } from "../smb/open-files.ts";
import { parseStats } from "../smb/stats.ts";
import { readText } from "./read.ts";
import type { Outcome, Source, SourceRoots } from "./source.ts";
import { serverOfShare } from "./targets.ts";

const LIMIT_BYTES = 4 * 1024 ** 2;
/** The kernel holds a share's spin lock while it lists the handles: with more than this they are only counted. */
const MAX_LISTED = 10_000;
const MAX_PROCESSES = 5;

/** Open handles of the SMB client: of each share how many, and who holds most of a tree's. */
export function openFilesSource({ procRoot, clock }: SourceRoots): Source {
  return {
    name: "open-files",
    summary: "/proc/fs/cifs/open_files",
    timeoutMs: 5000,
    everyNs: ({ trouble }) => (trouble ? 10e9 : 60e9),
    read(): Outcome {
      const stats = readText(join(procRoot, "fs/cifs/Stats"), LIMIT_BYTES);
      if (stats === undefined) return { off: "the kernel module cifs is not loaded" };
      const shares = parseStats(stats.text).shares;
      const nowNs = clock.nowNs();
      const open = shares.reduce((sum, share) => sum + (share.openFiles ?? 0), 0);
      const counted = shares.flatMap(({ name, openFiles }): OpenFilesSample[] => {
        const server = serverOfShare(name);
        const target = { protocol: "smb", share: name, ...(server === undefined ? {} : { server }) } as const;
        return openFiles === undefined ? [] : [{ target, count: openFiles, processes: [] }];
      });
      if (open > MAX_LISTED) {
        return {
          observations: [{ type: "open-files", nowNs, trees: counted }],
          degraded: `${open} open files are counted, not listed: whose they are is not known`,
        };
      }
      const list = readText(join(procRoot, "fs/cifs/open_files"), LIMIT_BYTES);
      const { rows, unknown } = parseOpenFiles(list?.text ?? "");
      const trees = [...counted, ...byTree(rows)];
      return {
        observations: trees.length === 0 ? [] : [{ type: "open-files", nowNs, trees }],
        ...(list === undefined || unknown > 0
          ? { degraded: list === undefined ? "there is no open_files" : `${unknown} lines are not understood` }
          : {}),
      };
    },
  };
}

function byTree(rows: readonly OpenFileRow[]): OpenFilesSample[] {
  const trees = new Map<string, OpenFileRow[]>();
  for (const row of rows) {
    const key = `${row.sessionId ?? ""} ${row.treeId}`;
    const list = trees.get(key);
    if (list === undefined) trees.set(key, [row]);
    else list.push(row);
  }
  return [...trees.values()].flatMap((own) => {
    const [first] = own;
    if (first === undefined) return [];
    const { sessionId, treeId } = first;
    return [{ ...(sessionId === undefined ? {} : { sessionId }), treeId, count: own.length, processes: most(own) }];
  });
}

function most(rows: readonly OpenFileRow[]): { pid: number; count: number }[] {
  const counts = new Map<number, number>();
  for (const { pid } of rows) counts.set(pid, (counts.get(pid) ?? 0) + 1);
  return [...counts]
    .map(([pid, count]) => ({ pid, count }))
    .sort((a, b) => b.count - a.count)
    .slice(0, MAX_PROCESSES);
}
