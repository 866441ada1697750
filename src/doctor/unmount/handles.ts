import { setTimeout as sleep } from "node:timers/promises";
import { closeTimeOf, type JoinedHandle } from "../../holders/handles.ts";
import { lookAtHandles } from "../../holders/look.ts";
import { isSmb } from "../../system/mounts.ts";
import { printable } from "../../tools/table-text.ts";
import { type Holder, held, type UnmountCheck } from "./case.ts";

/** s; with a shorter time the handles are looked at again after it. */
const PATIENCE = 5;

/** Handles on the server that nobody holds: the client keeps them a while for the next open, and the file system with them. */
export const handles: UnmountCheck = {
  name: "SMB handles",
  limitMs: 15_000,
  async run(of, signal) {
    const { asked, machine, looked } = of;
    if (!isSmb(asked)) return [];
    const look = (): ReturnType<typeof lookAtHandles> =>
      lookAtHandles({ procRoot: machine.procRoot, sysRoot: machine.sysRoot }, looked, of.mappings);
    const first = look();
    if (first.missing !== undefined) return { result: "skip", evidence: first.missing };
    const own = first.handles.filter(({ mounts }) => mounts.some(({ device }) => device === asked.device));
    const free = own.filter(({ holders }) => holders.length === 0);
    const count = `${own.length} handle${own.length === 1 ? "" : "s"} on the server`;
    if (free.length === 0) return { result: "ok", evidence: count };
    const seconds = closeTimeOf([asked]) ?? 0;
    if (seconds > PATIENCE) {
      return held(
        of,
        free.map((one) => keptHolder(one, `for up to ${seconds} s`, seconds)),
        count,
      );
    }
    await sleep((seconds + 1) * 1000, undefined, { signal });
    const still = new Set(look().handles.map(({ handle }) => handle.fileId));
    const left = free.filter(({ handle }) => handle.fileId !== undefined && still.has(handle.fileId));
    if (left.length === 0)
      return {
        result: "ok",
        evidence: `${count}; ${free.length} that nobody held any more went within ${seconds + 1} s`,
      };
    return held(
      of,
      left.map((one) => keptHolder(one, `since more than ${seconds} s`, undefined)),
      count,
    );
  },
};

function keptHolder({ handle }: JoinedHandle, time: string, seconds: number | undefined): Holder {
  const name = printable(handle.name);
  const text =
    seconds === undefined
      ? `${name} is open on the server ${time}, and no process has it`
      : `${name} is kept open on the server ${time}, for the next open (closetimeo=${seconds})`;
  return {
    kind: "handle",
    effect: "outlives",
    pid: handle.pid,
    path: handle.name,
    text,
    advice:
      seconds === undefined
        ? `a descriptor of ${name} may be on its way through a socket, or kept by io_uring, in what ${handle.pid} did; aod open-files shows it`
        : `wait ${seconds} s after the last close, or mount with a shorter closetimeo`,
  };
}
