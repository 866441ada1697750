import { kernelLogSource } from "./kernel-log.ts";
import { type MountsSource, mountsSource } from "./mounts.ts";
import type { Source, SourceRoots } from "./source.ts";

/** What sources make of each other: the mounts decide what there is to look at. */
export type MakeSource = (roots: SourceRoots, mounts: MountsSource) => Source;

/** All sources, one line each; the mounts come before them. */
const makers: readonly MakeSource[] = [(roots) => kernelLogSource(roots)];

export const sourceNames: readonly string[] = ["mounts", "kernel-log"];

/** In the order in which they look. */
export function createSources(roots: SourceRoots): readonly Source[] {
  const mounts = mountsSource(roots);
  return [mounts, ...makers.map((make) => make(roots, mounts))];
}
