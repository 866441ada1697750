import { existsSync } from "node:fs";
import { join } from "node:path";
import type { BundleMeta } from "../bundle/manifest.ts";
import { recoverBundles } from "../bundle/recover.ts";
import { applyRetention } from "../bundle/retention.ts";
import { type BundleWriter, createBundle } from "../bundle/writer.ts";
import type { Config } from "../config/config.ts";
import { startProbe } from "../probe/helper.ts";
import { startProcess } from "../probe/helper-process.ts";
import type { LiveWorld } from "../record/live-world.ts";
import { agingClock } from "../system/aging-clock.ts";
import { systemClock } from "../system/clock.ts";
import { moduleUsers } from "../system/module-users.ts";
import { nativePaths } from "../system/paths.ts";
import type { DaemonDeps } from "./daemon.ts";
import { freeBytes } from "./directories.ts";
import { type FurtherStarter, furtherKinds } from "./probes/further-probes.ts";

/** What is in flight is told with each tick: a request that crosses its threshold must be noticed within 1.25 s, also on a busy machine. */
const TICK_MS = 500;
/** While nothing happens a tick is a sign of life alone, and each wakes two processes. */
const QUIET_MS = 2000;
/** The helper empties it each 20 ms and holds 1.5 MiB itself: room for a quarter of a second in which 20,000 operations fail. */
const OUTLIERS_KIB = 1024;

/** The helpers of this machine, each followed by the daemon's clock and its recording. `replaced`: a test's own, and then no other is wanted. */
export function helpersOf(
  world: LiveWorld,
  replaced: DaemonDeps["startProbe"] | undefined,
): { readonly startProbe: DaemonDeps["startProbe"]; readonly further: FurtherStarter } {
  const paths = nativePaths();
  const ticks = { tickMs: TICK_MS, quietMs: QUIET_MS, outliersKib: OUTLIERS_KIB };
  const probe = { program: paths.probe, object: paths.object("smb_wire"), probe: "smb_wire" as const, ...ticks };
  return {
    startProbe:
      replaced ??
      ((onEvent, onExit) => {
        const followed = world.follow(0, startProcess);
        const started = startProbe({ ...probe, clock: world.clock, start: followed.start }, onEvent, onExit);
        followed.record();
        return started;
      }),
    further: {
      kinds: replaced === undefined ? furtherKinds : [],
      start: (kind, hears, onExit) => {
        const followed = world.follow(1 + furtherKinds.indexOf(kind), startProcess);
        const helper = { program: paths.probe, object: paths.object(kind.object), ...ticks, clock: world.clock };
        const started = kind.start({ ...helper, start: followed.start }, hears, onExit);
        followed.record();
        return started;
      },
    },
  };
}

export function modulesIn(sysRoot: string): Pick<DaemonDeps, "moduleLoaded" | "moduleUsers"> {
  return {
    moduleLoaded: (name) => existsSync(join(sysRoot, "module", name)),
    moduleUsers: (name) => moduleUsers(sysRoot, name),
  };
}

/** The bundles of a state directory, within the limits of the configuration as it is `now`. */
export function bundlesIn(
  stateDir: string,
  procRoot: string,
  now: () => Config["bundles"],
): Pick<DaemonDeps, "createBundle" | "recoverBundles" | "retain"> {
  // A bundle from before a step of the clock is not old for that.
  const clock = agingClock(procRoot, systemClock);
  const retain = async (): Promise<readonly string[]> => {
    const { max_count, max_bytes, max_age, min_free } = now();
    const keep = { maxCount: max_count, maxBytes: max_bytes, maxAgeMs: max_age / 1e6, minFreeBytes: min_free };
    return (await applyRetention(stateDir, keep, clock)).failed;
  };
  return {
    createBundle: async (meta: BundleMeta): Promise<BundleWriter> => {
      // Older bundles give room to a new one; what could not be removed is told when this one is finished.
      if ((await freeBytes(stateDir)) < now().min_free) await retain();
      const { min_free, max_size, max_ops } = now();
      const limits = { minFreeBytes: min_free, totalBytes: max_size, limitBytes: Math.max(max_ops, 16 * 1024 ** 2) };
      return createBundle(stateDir, meta, limits);
    },
    recoverBundles: () => recoverBundles(stateDir),
    retain,
  };
}
