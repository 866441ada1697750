import { mkdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Lab } from "../../lab/guest/lab.ts";
import { mountNfs, startNfsd } from "../../lab/guest/nfs.ts";
import type { WorkloadName } from "../contenders.ts";
import { ensureWorkProgram, prepareShare, type Work, work } from "./share.ts";

/** Where the workload runs. */
export interface Place {
  readonly prepare: (lab: Lab) => Promise<void>;
  readonly work: (lab: Lab, files: number) => Promise<Pick<Work, "elapsedNs" | "idleNs">>;
}

const nfsMount = "/mnt/nfs";
const ext4Mount = "/mnt/ext4";
let directories = 0;

/** In a directory of its own below a mount point, removed afterwards. */
async function workBelow(
  lab: Lab,
  mountPoint: string,
  files: number,
  more: readonly string[] = [],
): Promise<Pick<Work, "elapsedNs" | "idleNs">> {
  directories += 1;
  const directory = join(mountPoint, `d${directories}`);
  mkdirSync(directory);
  const { stdout } = await lab.run([ensureWorkProgram(lab), directory, String(files), ...more], {
    timeoutMs: 3_600_000,
  });
  rmSync(directory, { recursive: true });
  const [elapsedNs = Number.NaN, idleNs = Number.NaN] = stdout.trim().split(" ").map(Number);
  return { elapsedNs, idleNs };
}

async function prepareExt4(lab: Lab): Promise<void> {
  // A neighbour matters only where the SMB client is there to be traced.
  await prepareShare(lab);
  // Nothing in the guest loads a module when a device node is missing.
  for (const module of ["nfs", "loop", "ext4"]) await lab.run(["modprobe", module]);
  const image = join(lab.work, "ext4.img");
  writeFileSync(image, "");
  truncateSync(image, 256 << 20);
  await lab.run(["mkfs.ext4", "-q", "-F", image]);
  mkdirSync(ext4Mount, { recursive: true });
  await lab.run(["mount", "-o", "loop", image, ext4Mount]);
  lab.onEnd("unmount ext4", async () => {
    await lab.run(["umount", ext4Mount]);
  });
}

export const places: Readonly<Record<WorkloadName, Place>> = {
  smb: { prepare: prepareShare, work },
  nfs: {
    prepare: async (lab) => {
      await startNfsd(lab);
      await mountNfs(lab, { version: "4.2", mountPoint: nfsMount });
    },
    work: (lab, files) => workBelow(lab, nfsMount, files),
  },
  ext4: { prepare: prepareExt4, work: (lab, files) => workBelow(lab, ext4Mount, files, ["read"]) },
};
