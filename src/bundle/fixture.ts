// For tests: a stage to write on, and disks that fail.

import type { Clock } from "../system/clock.ts";
import { type Disk, type DiskFile, realDisk } from "./disk.ts";
import type { BundleMeta } from "./manifest.ts";

export const fixedClock: Clock = { nowNs: () => 5e9, wallMs: () => Date.UTC(2026, 10, 22, 13, 5, 11) };

export function metaOf(id: string, more: Partial<BundleMeta> = {}): BundleMeta {
  const anomaly = { detector: "latency", time: "2026-11-22T13:05:11.000000Z", summary: "12 operations over 500 ms" };
  return {
    id,
    anomaly,
    anomalies: [anomaly],
    target: { server: "127.0.0.1", share: "\\\\127.0.0.1\\share" },
    opened: "2026-11-22T13:05:11.000000Z",
    losses: [],
    versions: { aod: "0.1.0", node: "26.10.0", kernel: "6.12.117" },
    host: { name: "client", kernel: "6.12.117", arch: "x86_64" },
    ...more,
  };
}

/** Every step that changes the disk goes through `before`; what it throws is what the step throws. */
function guardedDisk(before: (step: string) => void): Disk {
  const guard = <T>(step: string, work: () => Promise<T>): Promise<T> => {
    try {
      before(step);
    } catch (error) {
      return Promise.reject(error);
    }
    return work();
  };
  const guardFile = (file: DiskFile): DiskFile => ({
    write: (data) => guard("write", () => file.write(data)),
    sync: () => guard("sync", () => file.sync()),
    close: () => file.close(),
  });
  return {
    ...realDisk,
    makeDirectory: (path) => guard("makeDirectory", () => realDisk.makeDirectory(path)),
    create: (path) => guard("create", async () => guardFile(await realDisk.create(path))),
    rename: (from, to) => guard("rename", () => realDisk.rename(from, to)),
    remove: (path) => guard("remove", () => realDisk.remove(path)),
    syncDirectory: (path) => guard("syncDirectory", () => realDisk.syncDirectory(path)),
  };
}

/** A disk that is taken away after `steps` changes, as a process killed there leaves it: nothing works any more, cleaning up neither. */
export function diskUntil(steps: number): { readonly disk: Disk; readonly used: () => number } {
  let used = 0;
  const disk = guardedDisk(() => {
    used += 1;
    if (used > steps) throw new Error("killed here");
  });
  return { disk, used: () => used };
}

/** A disk with room for so many bytes: writing fails with ENOSPC, everything else works. Removing gives nothing back. */
export function diskOf(bytes: number): Disk {
  let left = bytes;
  const disk = guardedDisk(() => {});
  return {
    ...disk,
    create: async (path) => {
      const file = await disk.create(path);
      return {
        ...file,
        write: async (data) => {
          left -= data.length;
          if (left < 0) throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
          await file.write(data);
        },
      };
    },
  };
}
