import type { SmbOp, Waiter } from "../probe/op.ts";
import type { RpcOp } from "../probe/rpc-op.ts";
import { commandCode, type SmbCommandName } from "../smb/commands.ts";
import type { DebugData, DebugMid, DebugServer, DebugSession } from "../smb/debug-data.ts";
import type { Anomaly } from "./detector.ts";
import type { CommandThresholds, LatencyRules } from "./latency.ts";
import type { Observation } from "./observation.ts";

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

/** An RPC that ended at `endedNs` and took `latencyMs`; in flight with `endedNs: undefined`. */
export function rpc(
  facts: Partial<Omit<RpcOp, "endedNs">> & {
    readonly latencyMs: number;
    readonly endedNs: number | undefined;
    readonly nowNs?: number;
  },
): RpcOp {
  const { latencyMs, endedNs, nowNs = 0, ...rest } = facts;
  return {
    seq: 1,
    state: endedNs === undefined ? "open" : "closed",
    version: 4,
    procedure: "GETATTR",
    procedureCode: 18,
    startedNs: (endedNs ?? nowNs) - latencyMs * MS,
    ...(endedNs === undefined ? {} : { endedNs, status: { nfs: "NFS4_OK", code: 0, errno: 0 } }),
    latencyUs: latencyMs * 1000,
    attempts: endedNs === undefined ? 0 : 1,
    retransmissions: 0,
    timeouts: 0,
    phasesUs: endedNs === undefined ? {} : { queue: 10, wire: latencyMs * 1000 - 20, wake: 10 },
    bytesSent: 100,
    bytesReceived: 100,
    target: { clientId: 1, server: "nas" },
    pid: 77,
    tid: 77,
    comm: "cp",
    uid: 0,
    cgroupId: 1n,
    worker: false,
    async: false,
    ...rest,
  };
}

/** DebugData of one connection to `files.example`. */
export function smbState(change: Partial<DebugServer> = {}, mids: readonly DebugMid[] = []): DebugData {
  const session: DebugSession = {
    index: 1,
    address: "192.0.2.1",
    status: 1,
    sessionId: 0x65n,
    encrypted: false,
    signed: false,
    disconnected: false,
    reconnecting: false,
    passwordInvalid: false,
    channels: [],
    shares: [
      {
        index: 1,
        name: "\\\\files.example\\share",
        ipc: false,
        mounts: 1,
        treeId: 5,
        encrypted: false,
        disconnected: false,
      },
    ],
  };
  const server: DebugServer = {
    index: 1,
    connectionId: 1n,
    hostname: "files.example",
    credits: [500, 1, 1],
    tcpStatus: 1,
    instance: 1,
    inMaxRequestWait: 0,
    sessions: [session],
    ...change,
  };
  return { servers: [server], mids: [...mids], unknown: [], cut: false };
}

export function mid(command: number, id = 41n, connectionId = 1n): DebugMid {
  return { connectionId, state: 2, command, pid: 1234, mid: id };
}

export const off = (source: string): Observation => ({
  type: "source",
  nowNs: 0,
  source,
  state: "off",
  why: "BPF is refused",
});

/** `rule stage severity`, one a line. */
export function brief(anomalies: readonly Anomaly[]): string[] {
  return anomalies.map(({ rule, stage, severity }) => `${rule} ${stage} ${severity}`);
}
