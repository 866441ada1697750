import { join } from "node:path";
import type { MountedFileSystem } from "../detect/observation.ts";
import { messageOf } from "../system/error.ts";
import { type MountInfo, parseMountinfo } from "../system/mountinfo.ts";
import { readText } from "./read.ts";
import type { Outcome, Source, SourceRoots } from "./source.ts";
import { targetOfMount } from "./targets.ts";

const LIMIT_BYTES = 8 * 1024 ** 2;

/** The mounts of PID 1's namespace, as they were read last. */
export interface Mounts {
  readonly mounts: readonly MountInfo[];
}

export type MountsSource = Source & Mounts;

/**
 * SMB and NFS mounts that come and go, in the mount namespace of PID 1: the daemon's own is another one when its service is confined. The file shows
 * what is in memory and touches no mount.
 */
export function mountsSource({ procRoot, clock }: SourceRoots): MountsSource {
  let text: string | undefined;
  let all: readonly MountInfo[] = [];
  let known = new Map<string, MountedFileSystem>();
  return {
    name: "mounts",
    summary: "/proc/1/mountinfo",
    timeoutMs: 5000,
    get mounts() {
      return all;
    },
    // Node has no poll(2) for it.
    everyNs: ({ trouble }) => (trouble ? 1e9 : 2e9),
    read(): Outcome {
      const table = readTable(procRoot);
      const degraded = table.why === undefined ? {} : { degraded: table.why };
      if (table.text === text) return { observations: [], ...degraded };
      const first = text === undefined;
      text = table.text;
      all = parseMountinfo(text);
      const now = new Map(all.flatMap(networkMount));
      const mounted = [...now].filter(([key]) => !known.has(key)).map(([, mount]) => mount);
      const unmounted = [...known].filter(([key]) => !now.has(key)).map(([, mount]) => mount);
      known = now;
      const nowNs = clock.nowNs();
      const observations =
        // That there are none is news too, once.
        !first && mounted.length + unmounted.length === 0
          ? []
          : [{ type: "mounts" as const, nowNs, all: [...now.values()], mounted, unmounted }];
      return { observations, ...degraded };
    },
  };
}

function readTable(procRoot: string): { readonly text: string; readonly why?: string } {
  let trouble = "it is not there";
  try {
    const file = readText(join(procRoot, "1/mountinfo"), LIMIT_BYTES);
    if (file !== undefined) {
      const { text, cut } = file;
      return cut ? { text, why: `more than ${LIMIT_BYTES / 1024 ** 2} MiB of mounts` } : { text };
    }
  } catch (error) {
    trouble = messageOf(error);
  }
  const own = readText(join(procRoot, "self/mountinfo"), LIMIT_BYTES);
  if (own === undefined) throw new Error(`mountinfo of PID 1: ${trouble}; and there is none of this process`);
  return { text: own.text, why: `mounts of this process, not of PID 1: ${trouble}` };
}

function networkMount(mount: MountInfo): [string, MountedFileSystem][] {
  const target = targetOfMount(mount);
  if (target === undefined) return [];
  const { vers, hard, soft, softerr } = mount.options;
  const key = `${mount.device} ${mount.target} ${mount.source}`;
  return [
    [
      key,
      {
        target,
        mountPoint: mount.target,
        device: mount.device,
        type: mount.type,
        ...(typeof vers === "string" ? { version: vers } : {}),
        ...(hard === true ? { hard: true } : soft === true || softerr === true ? { hard: false } : {}),
      },
    ],
  ];
}
