import type { ObservedTarget } from "./target.ts";

/** How busy the machine is. Shares are of the interval, 0 to 1. */
export interface PressureSample {
  readonly intervalNs: number;
  /** Of one CPU: busy, waiting for a disk. */
  readonly cpuBusy?: number;
  readonly cpuIoWait?: number;
  readonly tasksBlocked?: number;
  readonly memoryAvailableBytes?: number;
  readonly memoryTotalBytes?: number;
  readonly dirtyBytes?: number;
  readonly writebackBytes?: number;
  /** Share of the interval in which some, in which all tasks waited; absent where the kernel does not count pressure. */
  readonly cpuSome?: number;
  readonly memorySome?: number;
  readonly memoryFull?: number;
  readonly ioSome?: number;
  readonly ioFull?: number;
}

/** A task in uninterruptible sleep within the clients. */
export interface StuckTask {
  readonly pid: number;
  readonly tid: number;
  readonly comm: string;
  readonly uid?: number;
  /** The first sample that saw it sleep there without a break; it may sleep for longer. */
  readonly sinceNs: number;
  readonly wchan?: string;
  /** Whose function it is in. */
  readonly layer: "cifs" | "nfs" | "sunrpc";
  /** Kernel functions, innermost first; absent where the stack may not be read. */
  readonly stack?: readonly string[];
  /** Where one mount alone can be meant. */
  readonly target?: ObservedTarget;
}

export interface MountedFileSystem {
  readonly target: ObservedTarget;
  readonly mountPoint: string;
  /** st_dev: `0:45` */
  readonly device: string;
  /** `cifs`, `smb3`, `nfs`, `nfs4` */
  readonly type: string;
  /** `3.1.1`, `4.2` */
  readonly version?: string;
  /** NFS and SMB: a hard mount waits for ever. */
  readonly hard?: boolean;
}
