// What sources tell detectors, by its subject in observed/. Times are CLOCK_MONOTONIC in ns, durations say their unit; an absent fact is absent.
import type { Failure, InFlight, SmbOp } from "../probe/op.ts";
import type { RpcOp } from "../probe/rpc-op.ts";
import type { RpcFailure } from "../probe/rpc-wire.ts";
import type { VfsOp } from "../probe/vfs-op.ts";
import type { DebugData } from "../smb/debug-data.ts";
import type { KernelMessage } from "../system/kernel-message.ts";
import type { JournalLine, KeySample, TicketSample } from "./observed/auth.ts";
import type { MountedFileSystem, PressureSample, StuckTask } from "./observed/machine.ts";
import type { SocketGone, SocketSample, TcpCounters } from "./observed/network.ts";
import type { NfsMountDelta, RpcWindow } from "./observed/nfs.ts";
import type { OpenFilesSample, SmbStatsDelta, SmbWindow } from "./observed/smb.ts";

export type * from "./observed/auth.ts";
export type * from "./observed/machine.ts";
export type * from "./observed/network.ts";
export type * from "./observed/nfs.ts";
export type * from "./observed/smb.ts";
export type * from "./observed/target.ts";

/** How a source does. `off`: not here, or not wanted, with the reason; it tells nothing. `degraded`: it tells less than it could. */
export type SourceState = "ok" | "degraded" | "off" | "failed";

/** All with the CLOCK_MONOTONIC moment (ns) up to which they tell. */
export type Observation =
  /** Completed operations over a threshold, or with an error, that some detector asked for; a detector checks them against its own. */
  | { readonly type: "ops"; readonly nowNs: number; readonly ops: readonly SmbOp[] }
  /** What hangs: requests and tasks at least as old as asked. Repeated, about once a second, while it does. */
  | { readonly type: "inflight"; readonly nowNs: number; readonly inflight: Pick<InFlight, "ops" | "waiters"> }
  /** What ended within a tick. */
  | {
      readonly type: "smb-window";
      readonly nowNs: number;
      readonly windows: readonly SmbWindow[];
      /** By status, where the probe counts them. */
      readonly failures?: readonly Failure[];
      readonly reconnects: number;
    }
  | { readonly type: "rpc-ops"; readonly nowNs: number; readonly ops: readonly RpcOp[] }
  | { readonly type: "rpc-inflight"; readonly nowNs: number; readonly ops: readonly RpcOp[] }
  | {
      readonly type: "rpc-window";
      readonly nowNs: number;
      readonly windows: readonly RpcWindow[];
      /** By status, where the probe counts them. */
      readonly failures?: readonly RpcFailure[];
    }
  /** Calls of VFS callbacks that failed. */
  | { readonly type: "vfs-ops"; readonly nowNs: number; readonly ops: readonly VfsOp[] }
  | { readonly type: "kernel-messages"; readonly nowNs: number; readonly messages: readonly KernelMessage[] }
  /** DebugData, at every tick while there is a mount: also when nothing changed. */
  | { readonly type: "smb-state"; readonly nowNs: number; readonly data: DebugData }
  | { readonly type: "smb-stats"; readonly nowNs: number; readonly delta: SmbStatsDelta }
  | { readonly type: "open-files"; readonly nowNs: number; readonly trees: readonly OpenFilesSample[] }
  | { readonly type: "mountstats"; readonly nowNs: number; readonly mounts: readonly NfsMountDelta[] }
  | {
      readonly type: "sockets";
      readonly nowNs: number;
      readonly sockets: readonly SocketSample[];
      readonly gone: readonly SocketGone[];
      readonly tcp?: TcpCounters;
    }
  | { readonly type: "journal"; readonly nowNs: number; readonly lines: readonly JournalLine[] }
  | {
      readonly type: "tickets";
      readonly nowNs: number;
      readonly tickets: readonly TicketSample[];
      readonly keys: readonly KeySample[];
    }
  | { readonly type: "pressure"; readonly nowNs: number; readonly sample: PressureSample }
  /** All that are stuck now; an empty list when none is any more. */
  | { readonly type: "stuck-tasks"; readonly nowNs: number; readonly tasks: readonly StuckTask[] }
  | {
      readonly type: "mounts";
      readonly nowNs: number;
      /** All that are mounted now; what has come and what has gone since the time before. */
      readonly all: readonly MountedFileSystem[];
      readonly mounted: readonly MountedFileSystem[];
      readonly unmounted: readonly MountedFileSystem[];
    }
  /** A source or a probe has come to this state. Told once per change. */
  | {
      readonly type: "source";
      readonly nowNs: number;
      readonly source: string;
      readonly state: SourceState;
      readonly why?: string;
    };

export type ObservationType = Observation["type"];
export type ObservationOf<T extends ObservationType> = Extract<Observation, { readonly type: T }>;
