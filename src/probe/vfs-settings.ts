import { AOD_VFS_SETTINGS_SIZE, AodFrameType, AodVfsType, encodeAodVfsSettings } from "./decoders.gen.ts";
import { frameOf } from "./frames.ts";
import { nanos } from "./settings.ts";
import { type VfsType, vfsTypes } from "./vfs-op.ts";

/** Which calls a VFS probe hands out. Times in µs; null = never. */
export interface VfsSettings {
  /** A call that took at least this long. */
  readonly slowUs: number | null;
  /** Types whose failed calls are handed out, however fast. */
  readonly errorTypes?: Iterable<VfsType>;
  /** Calls that are at least this old are reported while they run. */
  readonly inflightUs: number | null;
  /** Only of this process. */
  readonly pid?: number;
  /** Only of this file system, as deviceNumber() gives it. */
  readonly device?: number;
}

/** The AOD_REQUEST_SET frame of smb_vfs and nfs_vfs. Throws a RangeError on a time that is no number ≥ 0. */
export function vfsSettingsFrame(settings: VfsSettings): Buffer {
  const slowNs = nanos(settings.slowUs, "slow threshold");
  let errorTypes = 0;
  for (const type of settings.errorTypes ?? []) errorTypes |= 1 << (AodVfsType[type] - 1);
  const vfs = { slowNs: vfsTypes.map(() => slowNs), errorTypes, tgid: settings.pid ?? 0, device: settings.device ?? 0 };
  const payload = Buffer.alloc(AOD_VFS_SETTINGS_SIZE);
  encodeAodVfsSettings({ vfs, inflightNs: nanos(settings.inflightUs, "age of what is in flight") }, payload, 0);
  return frameOf(AodFrameType.REQUEST_SET, payload);
}
