import type { SmbOp, Waiter } from "../probe/op.ts";
import { commandCode, type SmbCommandName } from "../smb/commands.ts";
import type { CommandThresholds, LatencyRules } from "./latency.ts";

// For tests: ops of which only what matters is said.

export const MS = 1e6;
export const S = 1e9;

/** A completed op that ended at `endedNs` and took `latencyMs`; in flight with `endedNs: undefined`. */
export function op(
  facts: Partial<Omit<SmbOp, "command" | "endedNs">> & {
    readonly command?: SmbCommandName;
    readonly latencyMs: number;
    readonly endedNs: number | undefined;
    /** For what is in flight. */
    readonly nowNs?: number;
  },
): SmbOp {
  const { command = "SMB2_WRITE", latencyMs, endedNs, nowNs = 0, ...rest } = facts;
  const end = endedNs ?? nowNs;
  const wireUs = latencyMs * 1000 - 100;
  return {
    seq: 1,
    state: endedNs === undefined ? "open" : "closed",
    command,
    commandCode: commandCode(command),
    startedNs: end - latencyMs * MS,
    ...(endedNs === undefined ? {} : { endedNs }),
    latencyUs: latencyMs * 1000,
    phasesUs: endedNs === undefined ? { queue: 3, send: 55 } : { queue: 3, send: 55, wire: wireUs, wake: 42 },
    ...(endedNs === undefined ? {} : { status: 0 }),
    pid: 1234,
    tid: 1234,
    comm: "dd",
    uid: 0,
    cgroupId: 1n,
    connectionId: 1n,
    sessionId: 0x65n,
    treeId: 5,
    mid: 41n,
    compound: false,
    async: false,
    lateAnswer: false,
    ...rest,
  };
}

export function waiter(facts: Partial<Waiter> & { readonly sinceNs: number }): Waiter {
  return { kind: "credits", tid: 77, pid: 77, comm: "cp", connectionId: 1n, ...facts };
}

/** The defaults of aod.yaml, for every command but CHANGE_NOTIFY. */
export function rules(change: Partial<LatencyRules> = {}): LatencyRules {
  const general: CommandThresholds = { thresholdNs: 500 * MS, singleNs: 1 * S };
  const codes = Array.from({ length: 20 }, (_, code) => code).filter((code) => code !== 15);
  return {
    windowNs: 10 * S,
    count: 10,
    commands: new Map(codes.map((code) => [code, general])),
    waiters: general,
    blockingLocks: false,
    inFlight: true,
    maxTargets: 64,
    ...change,
  };
}
