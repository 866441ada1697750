import { kernelLogSource } from "./kernel-log.ts";
import { type MountsSource, mountsSource } from "./mounts.ts";
import { nfsStatsSource } from "./nfs-stats.ts";
import { openFilesSource } from "./open-files.ts";
import { pressureSource } from "./pressure.ts";
import { smbStateSource } from "./smb-state.ts";
import { smbStatsSource } from "./smb-stats.ts";
import { socketsSource } from "./sockets.ts";
import type { Source, SourceRoots } from "./source.ts";
import { stuckTasksSource } from "./stuck-tasks.ts";

/** All sources, one line each, under the names that they have. The mounts come before them: they decide what there is to look at. */
const makers = {
  "kernel-log": (roots) => kernelLogSource(roots),
  "smb-state": smbStateSource,
  "smb-stats": smbStatsSource,
  "open-files": openFilesSource,
  "nfs-stats": nfsStatsSource,
  sockets: socketsSource,
  "stuck-tasks": stuckTasksSource,
  pressure: pressureSource,
} satisfies Record<string, (roots: SourceRoots, mounts: MountsSource) => Source>;

export const sourceNames: readonly string[] = ["mounts", ...Object.keys(makers)];

/** In the order in which they look. */
export function createSources(roots: SourceRoots): readonly Source[] {
  const mounts = mountsSource(roots);
  return [mounts, ...Object.values(makers).map((make) => make(roots, mounts))];
}
