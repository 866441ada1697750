// What probes say -> what detectors hear.
import type { Observation } from "../../detect/observation.ts";
import type { ProbeEvent } from "../../probe/op.ts";
import type { RpcEvent } from "../../probe/rpc-wire.ts";
import type { VfsEvent } from "../../probe/vfs-decoder.ts";

const none: ReadonlyMap<number, number> = new Map();

export function smbObservations(event: ProbeEvent, nowNs: number): readonly Observation[] {
  if (event.type === "ops") return [{ type: "ops", nowNs, ops: event.ops }];
  if (event.type === "inflight") return [{ type: "inflight", nowNs: event.inflight.nowNs, inflight: event.inflight }];
  if (event.type !== "tick") return [];
  const { entries, failures, reconnects } = event.tick;
  const windows = entries.map(({ histograms, ...entry }) => ({ ...entry, latency: histograms.latency ?? none }));
  return [{ type: "smb-window", nowNs: event.tick.nowNs, windows, failures, reconnects }];
}

export function rpcObservations(event: RpcEvent, nowNs: number): readonly Observation[] {
  if (event.type === "ops") return [{ type: "rpc-ops", nowNs, ops: event.ops }];
  if (event.type === "inflight")
    return [{ type: "rpc-inflight", nowNs: event.inflight.nowNs, ops: event.inflight.ops }];
  if (event.type !== "tick") return [];
  const windows = event.tick.entries.map(({ server, target: _target, device: _device, ...entry }) => ({
    ...entry,
    target: { protocol: "nfs", ...(server === undefined || server === "" ? {} : { server }) } as const,
  }));
  return [{ type: "rpc-window", nowNs: event.tick.nowNs, windows, failures: event.tick.failures }];
}

export function vfsObservations(event: VfsEvent, nowNs: number): readonly Observation[] {
  if (event.type !== "ops") return [];
  const ops = event.ops.filter((op) => op.failed);
  return ops.length === 0 ? [] : [{ type: "vfs-ops", nowNs, ops }];
}
