import { nfsTargets } from "./nfs.ts";
import type { Reading } from "./reading.ts";
import type { Report, TargetReport } from "./report.ts";
import { smbTargets } from "./smb.ts";

/** What happened between two readings. */
export function intervalReport(now: Reading, before: Reading): Report {
  const targets = [...smbTargets(now, before), ...nfsTargets(now, before)];
  return {
    wallMs: now.wallMs,
    seconds: (now.ns - before.ns) / 1e9,
    kind: "interval",
    targets,
    notes: notesOf(targets, now, before),
  };
}

/**
 * What the counters say since they began, each target's by itself: 6.12 and later tell it of a share, all tell it of an NFS mount. `secondsOf` says how long
 * that was; absent where nobody knows.
 */
export function sinceReports(now: Reading): readonly Report[] {
  const groups = new Map<number | undefined, TargetReport[]>();
  for (const target of [...smbTargets(now, undefined), ...nfsTargets(now, undefined)]) {
    const seconds = secondsSince(target, now);
    const group = groups.get(seconds);
    if (group === undefined) groups.set(seconds, [target]);
    else group.push(target);
  }
  return [...groups].map(([seconds, targets]) => ({
    wallMs: now.wallMs,
    ...(seconds === undefined ? {} : { seconds }),
    kind: "since",
    targets,
    notes: notesOf(targets, now, undefined),
  }));
}

function secondsSince(
  { protocol, target, mount }: TargetReport,
  { stats, mounts, wallMs }: Reading,
): number | undefined {
  if (protocol === "nfs") return mounts.find((one) => one.device === target && one.mountPoint === mount)?.ageSeconds;
  const since = stats?.shares.find(({ name }) => name === target)?.since;
  const began = since === undefined ? Number.NaN : Date.parse(`${since.replace(" ", "T")}Z`);
  return Number.isNaN(began) ? undefined : Math.max(1, Math.round((wallMs - began) / 1000));
}

function notesOf(targets: readonly TargetReport[], now: Reading, before: Reading | undefined): string[] {
  const restarted = targets
    .filter((target) => target.restarted === true)
    .map(
      ({ target, mount }) =>
        `${mount ?? target}: its counters have gone back (mounted again, or Stats was cleared): nothing is said of this interval`,
    );
  const begun = targets
    .filter((target) => target.new === true)
    .map(
      ({ target, mount }) =>
        `${mount ?? target}: counted from its begin within this interval (mounted, or Stats was cleared)`,
    );
  const gone = before === undefined ? [] : goneBetween(targets, before);
  const timeless =
    now.stats?.connections.some(({ jiffiesPerSecond }) => jiffiesPerSecond === undefined) &&
    now.histograms === undefined &&
    targets.some(({ protocol }) => protocol === "smb")
      ? [
          "this kernel keeps no times of SMB commands (CONFIG_CIFS_STATS2): with the daemon running (aod run) there are times",
        ]
      : [];
  return [...restarted, ...begun, ...gone, ...timeless];
}

function goneBetween(targets: readonly TargetReport[], before: Reading): string[] {
  const there = new Set(targets.map(({ target, mount }) => mount ?? target));
  const were = new Set([
    ...(before.stats?.shares ?? []).map(({ name }) => name),
    ...before.mounts.map(({ mountPoint }) => mountPoint),
  ]);
  return [...were].filter((name) => !there.has(name)).map((name) => `${name}: not mounted any more`);
}
