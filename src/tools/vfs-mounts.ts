// Which mount a call was on: by the device of its file system, from mountinfo, which touches no mount.
import type { VfsName, VfsOp } from "../probe/vfs-op.ts";
import { type MountInfo, parseMountinfo } from "../system/mountinfo.ts";
import { isSmb } from "../system/mounts.ts";
import type { Target, World } from "./op.ts";
import type { Names } from "./spec.ts";

const MIN_INTERVAL_NS = 1e9;
// The number of a device that is gone is given to the next mount, so what is known is looked at again now and then.
const MAX_AGE_NS = 10e9;
const MAX_DEVICES = 4096;

/** device -> target. Remembered after the mount has gone. */
export class VfsMounts implements Names<VfsOp> {
  private readonly targets = new Map<string, Target>();
  private readonly world: World;
  private readAtNs = Number.NEGATIVE_INFINITY;

  constructor(world: World) {
    this.world = world;
  }

  of({ device }: VfsOp): Target {
    if (device === undefined) return {};
    const ageNs = this.world.clock.nowNs() - this.readAtNs;
    if (ageNs > MAX_AGE_NS || (ageNs >= MIN_INTERVAL_NS && !this.targets.has(device))) this.refresh();
    return this.targets.get(device) ?? { device };
  }

  private refresh(): void {
    this.readAtNs = this.world.clock.nowNs();
    const now = new Map<string, Target>();
    for (const mount of parseMountinfo(this.world.readProc("self/mountinfo") ?? "")) {
      if (!now.has(mount.device)) now.set(mount.device, targetOf(mount));
    }
    for (const [device, target] of now) {
      this.targets.delete(device);
      this.targets.set(device, target);
    }
    for (const device of this.targets.keys()) {
      if (this.targets.size <= MAX_DEVICES) break;
      this.targets.delete(device);
    }
  }
}

/** `//host/share/dir`: server `host`, share `\\host\share`; `host:/export`, `[fe80::1]:/export`: server, and the source as it is. */
export function targetOf({ device, root, source, target, options, type }: MountInfo): Target {
  const { addr, vers } = options;
  return {
    ...(isSmb({ type }) ? smbSource(source) : nfsSource(source)),
    ...(typeof addr === "string" ? { address: addr } : undefined),
    device,
    mountPoint: target,
    root,
    ...(typeof vers === "string" ? { version: vers } : undefined),
  };
}

function smbSource(source: string): Target {
  const [server, share] = source.split(/[/\\]+/).filter((part) => part !== "");
  if (server === undefined) return {};
  return { server, ...(share === undefined ? undefined : { share: `\\\\${server}\\${share}` }) };
}

function nfsSource(source: string): Target {
  const [, bare, bracketed] = /^(?:([^[:]+)|\[([^\]]+)\]):/.exec(source) ?? [];
  const server = bare ?? bracketed;
  return { ...(server === undefined ? undefined : { server }), share: source };
}

/** The path as users know it: below the mount point, where that is known and the mount holds it; undefined when the kernel told a name alone. */
export function pathOf(name: VfsName | undefined, { mountPoint, root = "/" }: Target): string | undefined {
  const path = name?.path;
  if (path === undefined || mountPoint === undefined) return path;
  const base = root === "/" ? "" : root;
  if (path !== base && !path.startsWith(`${base}/`)) return path;
  const below = path.slice(base.length);
  const whole = mountPoint === "/" ? below : mountPoint + below;
  return whole.length > 1 && whole.endsWith("/") ? whole.slice(0, -1) : whole || "/";
}
