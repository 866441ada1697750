// What `aod open-files` shows at one moment: every handle of the SMB client with who has it, and what is open on NFS mounts.
import { setTimeout as sleep } from "node:timers/promises";
import { closeTimeOf, type JoinedHandle } from "../holders/handles.ts";
import { type HandleList, joinList, listHandles } from "../holders/look.ts";
import { mappedFiles } from "../holders/mappings.ts";
import { type Descriptor, type Looked, lookAtProcesses, nothingLookedAt } from "../holders/processes.ts";
import type { Clock } from "../system/clock.ts";
import type { MountInfo } from "../system/mountinfo.ts";
import { isNfs, isSmb } from "../system/mounts.ts";
import type { Run } from "../system/process.ts";
import { type HandleState, HandleStates } from "./states.ts";

export interface Place {
  readonly procRoot: string;
  readonly sysRoot: string;
  readonly run: Run;
  readonly clock: Clock;
}

export interface ShownHandle extends JoinedHandle {
  readonly state: HandleState;
  /** s since it was first seen without a holder. */
  readonly freeSeconds?: number;
}

export interface Shown {
  readonly handles: readonly ShownHandle[];
  /** On SMB mounts, without a handle: directories. */
  readonly local: readonly Descriptor[];
  /** Of NFS mounts. */
  readonly nfs: readonly { readonly mount: MountInfo; readonly descriptor: Descriptor }[];
  readonly looked: Looked;
  readonly notes: readonly string[];
}

export interface Wanted {
  /** Only of this mount's file system. */
  readonly mount?: MountInfo;
  /** Also where there are very many handles. */
  readonly all: boolean;
}

export async function lookOnce(
  place: Place,
  states: HandleStates,
  wanted: Wanted,
  signal?: AbortSignal,
): Promise<Shown> {
  const list = listHandles(place.procRoot, wanted.all);
  const looked = nothingLookedAt();
  await lookAtProcesses(place.procRoot, looked, signal);
  const later = listHandles(place.procRoot, wanted.all);
  let seen = joinList(list, later, place, looked, []);
  const devices = devicesOf(looked, wanted);
  if (seen.handles.some(({ holders }) => holders.length === 0) && devices.length > 0) {
    const pids = looked.processes.filter(({ kernel }) => !kernel).map(({ pid }) => pid);
    const { mappings } = await mappedFiles(place.procRoot, pids, devices, place.run, signal);
    seen = joinList(list, later, place, looked, mappings);
  }
  const nowNs = place.clock.nowNs();
  const concerns = (mounts: readonly MountInfo[]): boolean =>
    wanted.mount === undefined || mounts.some(({ device }) => device === wanted.mount?.device);
  const handles = seen.handles.filter(({ mounts }) => concerns(mounts)).map((one) => states.judge(one, nowNs));
  states.forget(seen.handles);
  const mounts = new Map([...looked.namespaces.values()].flatMap((space) => space.mounts.map((one) => [one.id, one])));
  const local = seen.local.filter(({ mount }) => {
    const found = mounts.get(mount);
    return found !== undefined && concerns([found]);
  });
  const nfs = looked.descriptors.flatMap((descriptor) => {
    const mount = mounts.get(descriptor.mount);
    return mount !== undefined && isNfs(mount) && concerns([mount]) ? [{ mount, descriptor }] : [];
  });
  return { handles, local, nfs, looked, notes: notesOf(list, looked) };
}

/** Looks, and where a handle has no holder again, until it is clear whether the client only keeps it for a while. */
export async function lookUntilClear(
  place: Place,
  wanted: Wanted,
  maxWaitSeconds: number,
  signal?: AbortSignal,
): Promise<Shown> {
  const states = new HandleStates();
  const end = place.clock.nowNs() + maxWaitSeconds * 1e9;
  for (;;) {
    const shown = await lookOnce(place, states, wanted, signal);
    const open = shown.handles.filter(({ state }) => state === "kept");
    const soon = open.filter(({ mounts }) => (closeTimeOf(mounts) ?? 0) < maxWaitSeconds);
    if (soon.length === 0 || place.clock.nowNs() >= end || signal?.aborted === true) return shown;
    await sleep(500, undefined, signal && { signal });
  }
}

function devicesOf(looked: Looked, { mount }: Wanted): readonly string[] {
  if (mount !== undefined) return [mount.device];
  const mounts = [...looked.namespaces.values()].flatMap((space) => space.mounts);
  return [...new Set(mounts.filter(isSmb).map(({ device }) => device))];
}

function notesOf({ missing, unknown }: HandleList, { hidden, more, cut }: Looked): string[] {
  return [
    missing === undefined ? "" : `the handles of the SMB client are not listed: ${missing}`,
    hidden === 0 ? "" : `${hidden} processes may not be looked at: as root all are`,
    more === 0 ? "" : `${more} descriptors were too many`,
    cut ? "there was not time for all processes" : "",
    unknown.length === 0 ? "" : `${unknown.length} lines of open_files are not known here, the first: ${unknown[0]}`,
  ].filter((note) => note !== "");
}
