import type { RpcOp } from "../probe/rpc-op.ts";
import { type MountInfo, parseMountinfo } from "../system/mountinfo.ts";
import type { Target, World } from "./op.ts";
import type { Names } from "./spec.ts";

const MIN_INTERVAL_NS = 1e9;
const MAX_DEVICES = 4096;

/** Where ops of NFS mounts go, in words: the export and the mount point by device, from mountinfo, which touches no mount. */
export class NfsMounts implements Names<RpcOp> {
  private readonly world: World;
  private readonly mounts = new Map<string, readonly MountInfo[]>();
  private readAtNs = Number.NEGATIVE_INFINITY;

  constructor(world: World) {
    this.world = world;
  }

  of({ target: { server, address, device } }: RpcOp): Target {
    const share = device === undefined ? undefined : this.mountsOf(device)[0]?.source;
    return {
      ...(server === undefined ? undefined : { server }),
      ...(share === undefined ? undefined : { share }),
      ...(address === undefined ? undefined : { address }),
      ...(device === undefined ? undefined : { device }),
    };
  }

  /** The file's whole path where it and its mount are known, else as much of it as there is. */
  pathOf({ target: { device }, path, file }: RpcOp): string | undefined {
    if (path === undefined) return file === "/" ? this.rootOf(device) : file;
    if (path.startsWith("…/")) return path;
    for (const { root, target } of device === undefined ? [] : this.mountsOf(device)) {
      const base = root === "/" ? "/" : `${root}/`;
      if (`/${path}` === root) return target;
      if (`/${path}`.startsWith(base)) return `${target === "/" ? "" : target}/${`/${path}`.slice(base.length)}`;
    }
    return path;
  }

  private rootOf(device: string | undefined): string {
    const mounts = device === undefined ? [] : this.mountsOf(device);
    return mounts.find(({ root }) => root === "/")?.target ?? "/";
  }

  private mountsOf(device: string): readonly MountInfo[] {
    const known = this.mounts.get(device);
    if (known !== undefined) return known;
    if (this.world.clock.nowNs() - this.readAtNs < MIN_INTERVAL_NS) return [];
    this.readAtNs = this.world.clock.nowNs();
    // A device's number is used again after an umount: what is mounted now goes first.
    if (this.mounts.size > MAX_DEVICES) this.mounts.clear();
    const now = Map.groupBy(parseMountinfo(this.world.readProc("self/mountinfo") ?? ""), (mount) => mount.device);
    for (const [key, mounts] of now) this.mounts.set(key, mounts);
    return this.mounts.get(device) ?? [];
  }
}

/** The mounts of a plan: made when its world is there, and asked for by its columns afterwards. */
export function mountsOnce(): { readonly make: (world: World) => NfsMounts; readonly get: () => NfsMounts } {
  let mounts: NfsMounts | undefined;
  return {
    make: (world) => {
      mounts = new NfsMounts(world);
      return mounts;
    },
    get: () => {
      if (mounts === undefined) throw new Error("asked for mounts before the world was there");
      return mounts;
    },
  };
}
