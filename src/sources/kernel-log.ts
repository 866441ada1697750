import { nfsKernelMessage } from "../nfs/kernel-messages.ts";
import { smbKernelMessage } from "../smb/kernel-messages.ts";
import { openKernelLog, type RecordReader } from "../system/kernel-log.ts";
import { KernelLogFollower } from "../system/kernel-log-follower.ts";
import type { KernelMessage } from "../system/kernel-message.ts";
import { hasCode } from "../system/proc.ts";
import type { Outcome, Source, SourceRoots } from "./source.ts";

/** More than the kernel's buffer holds at its usual size. */
const MAX_FIRST = 100_000;
const MAX_RECORDS = 2000;
const MAX_MESSAGES = 200;

/**
 * What the clients write into the kernel's log, from the daemon's start on. The kernel's own times drift against CLOCK_MONOTONIC over months, so a
 * message is never placed before the look that did not see it.
 */
export function kernelLogSource(roots: SourceRoots, open: (path: string) => RecordReader = openKernelLog): Source {
  let follower: KernelLogFollower | undefined;
  let lastNs = 0;
  let dropped = 0;
  return {
    name: "kernel-log",
    summary: roots.kmsgPath,
    timeoutMs: 5000,
    everyNs: () => 1e9,
    async read(_situation, signal): Promise<Outcome> {
      const isFirst = follower === undefined;
      try {
        follower ??= new KernelLogFollower(open(roots.kmsgPath));
      } catch (error) {
        if (hasCode(error, "ENOENT")) return { off: `there is no ${roots.kmsgPath}` };
        throw error;
      }
      const { records, more } = await follower.read(isFirst ? MAX_FIRST : MAX_RECORDS, signal);
      const nowNs = roots.clock.nowNs();
      const sinceNs = lastNs;
      lastNs = nowNs;
      // What was said before the daemon came.
      if (isFirst) return { observations: [] };
      const messages: KernelMessage[] = [];
      for (const { message, timeUs, level } of records) {
        const facts = smbKernelMessage(message) ?? nfsKernelMessage(message);
        if (facts === undefined) continue;
        const timeNs = Math.min(nowNs, Math.max(sinceNs, timeUs * 1000));
        if (messages.length < MAX_MESSAGES) messages.push({ ...facts, level, timeNs });
        else dropped++;
      }
      return {
        observations: messages.length === 0 ? [] : [{ type: "kernel-messages", nowNs, messages }],
        trouble: messages.some(({ kind }) => kind === "trouble"),
        ...(more ? { degraded: "the kernel writes faster than it is read" } : {}),
      };
    },
    losses: () => ({
      ...lossOf("overwritten", follower?.lost),
      ...lossOf("not-understood", follower?.unparsed),
      ...lossOf("over-limit", dropped),
    }),
    close() {
      follower?.close();
      follower = undefined;
    },
  };
}

function lossOf(kind: string, count = 0): Record<string, number> {
  return count === 0 ? {} : { [kind]: count };
}
