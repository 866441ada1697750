import { debugDataSource } from "./debug-data.ts";
import { journalSource } from "./journal.ts";
import { kernelLogSource } from "./kernel-log.ts";
import { type MountsSource, mountsSource } from "./mounts.ts";
import { mountstatsSource } from "./mountstats.ts";
import { openFilesSource } from "./open-files.ts";
import { pressureSource } from "./pressure.ts";
import { socketsSource } from "./sockets.ts";
import type { Source, SourceRoots } from "./source.ts";
import { statsSource } from "./stats.ts";
import { stuckTasksSource } from "./stuck-tasks.ts";
import { ticketsSource } from "./tickets.ts";

/** All sources, one line each, under the names that they have. The mounts come before them: they decide what there is to look at. */
const makers = {
  "kernel-log": (roots) => kernelLogSource(roots),
  "debug-data": debugDataSource,
  stats: statsSource,
  "open-files": openFilesSource,
  mountstats: mountstatsSource,
  sockets: socketsSource,
  "stuck-tasks": stuckTasksSource,
  journal: journalSource,
  tickets: ticketsSource,
  pressure: pressureSource,
} satisfies Record<string, (roots: SourceRoots, mounts: MountsSource) => Source>;

export const sourceNames: readonly string[] = ["mounts", ...Object.keys(makers)];

/** In the order in which they look. */
export function createSources(roots: SourceRoots): readonly Source[] {
  const mounts = mountsSource(roots);
  return [mounts, ...Object.values(makers).map((make) => make(roots, mounts))];
}
