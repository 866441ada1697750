import { setTimeout as sleep } from "node:timers/promises";
import { closeTimeOf, type JoinedHandle } from "../../holders/handles.ts";
import { joinList, listHandles } from "../../holders/look.ts";
import { isSmb } from "../../system/mounts.ts";
import { printable } from "../../tools/table-text.ts";
import { type Holder, held, type UnmountCheck } from "./case.ts";

/** s; with a shorter time the handles are looked at again after it. */
const PATIENCE = 5;
const MAX_NAMES = 3;

/**
 * Handles on the server that nobody has: mostly the client keeps them a while for the next open, and umount closes them (kernels before the stable ones of 2025
 * may keep the connection until their time is over). One that stays beyond that is a file that no table of descriptors has, and it holds the mount.
 */
export const handles: UnmountCheck = {
  name: "SMB handles",
  limitMs: 15_000,
  async run(of, signal) {
    const { asked, machine, looked } = of;
    if (!isSmb(asked)) return [];
    if (of.handles.missing !== undefined) return { result: "skip", evidence: of.handles.missing };
    const joined = joinList(of.handles, listHandles(machine.procRoot), machine, looked, of.mappings).handles;
    const own = joined.filter(({ mounts }) => mounts.some(({ device }) => device === asked.device));
    const free = own.filter(({ holders }) => holders.length === 0);
    const count = `${own.length} handle${own.length === 1 ? "" : "s"} on the server`;
    if (free.length === 0) return { result: "ok", evidence: count };
    const seconds = closeTimeOf([asked]) ?? 0;
    if (seconds > PATIENCE) {
      of.holders.push(...free.map((one) => kept(one, seconds)));
      const names = free.slice(0, MAX_NAMES).map(({ handle }) => printable(handle.name));
      const some = `${names.join(", ")}${free.length > MAX_NAMES ? ", ..." : ""}`;
      const why = `the client keeps them for the next open, for up to ${seconds} s, and umount closes them`;
      return { result: "ok", evidence: `${count}; ${free.length} that no process has (${some}): ${why}` };
    }
    await sleep((seconds + 1) * 1000, undefined, { signal });
    const still = new Set(listHandles(machine.procRoot).files.map(({ fileId }) => fileId));
    const left = free.filter(({ handle }) => handle.fileId !== undefined && still.has(handle.fileId));
    const gone = `${count}; of ${free.length} that no process has, all went within ${seconds + 1} s`;
    return held(
      of,
      left.map((one) => leaked(one, seconds)),
      gone,
    );
  },
};

function kept({ handle }: JoinedHandle, seconds: number): Holder {
  const name = printable(handle.name);
  return {
    kind: "handle",
    effect: "goes",
    pid: handle.pid,
    path: handle.name,
    text: `${name} is open on the server, and no process has it: the client keeps it for the next open, for up to ${seconds} s`,
    advice: "umount closes it",
  };
}

function leaked({ handle }: JoinedHandle, seconds: number): Holder {
  const name = printable(handle.name);
  return {
    kind: "handle",
    effect: "may",
    pid: handle.pid,
    path: handle.name,
    text: `${name} is open on the server for more than ${seconds} s, and no process has it`,
    advice: `look at what process ${handle.pid} opened: a descriptor of ${name} is on its way through a socket, or kept by io_uring`,
  };
}
