import { join } from "node:path";
import type { NfsMountDelta } from "../detect/observation.ts";
import { type NfsMountStats, parseMountstats } from "../nfs/mountstats.ts";
import { nfsMountDelta } from "./mountstats-delta.ts";
import { readText } from "./read.ts";
import type { Outcome, Source, SourceRoots } from "./source.ts";

const LIMIT_BYTES = 16 * 1024 ** 2;

/** What the NFS client counts of each mount of PID 1's namespace. */
export function mountstatsSource({ procRoot, clock }: SourceRoots): Source {
  let before: { readonly mounts: ReadonlyMap<string, NfsMountStats>; readonly nowNs: number } | undefined;
  return {
    name: "mountstats",
    summary: "/proc/1/mountstats",
    timeoutMs: 5000,
    everyNs: ({ trouble, blindNfs }) => (trouble || blindNfs ? 1e9 : 5e9),
    read({ nfs }): Outcome {
      if (!nfs) {
        before = undefined;
        return { off: "there is no NFS mount" };
      }
      const file = readText(join(procRoot, "1/mountstats"), LIMIT_BYTES);
      if (file === undefined) throw new Error("there is no /proc/1/mountstats");
      const nowNs = clock.nowNs();
      const now = new Map(parseMountstats(file.text).map((mount) => [`${mount.device} on ${mount.mountPoint}`, mount]));
      const earlier = before;
      before = { mounts: now, nowNs };
      const mounts = [...now].flatMap(([key, mount]): NfsMountDelta[] => {
        const old = earlier?.mounts.get(key);
        if (earlier === undefined || old === undefined) return [];
        return [nfsMountDelta(mount, old, nowNs - earlier.nowNs) ?? []].flat();
      });
      const stalled = mounts.some(({ transports }) => transports.some((one) => one.pending > 0 && one.receives === 0));
      return {
        observations: mounts.length === 0 ? [] : [{ type: "mountstats", nowNs, mounts }],
        trouble: stalled,
        ...(file.cut ? { degraded: `only its first ${LIMIT_BYTES / 1024 ** 2} MiB` } : {}),
      };
    },
  };
}
