import type { SmbOp, Waiter } from "../probe/op.ts";
import type { RpcOp } from "../probe/rpc-op.ts";
import { commandName } from "../smb/commands.ts";
import type { DebugMid } from "../smb/debug-data.ts";
import { LOCK, waitingFunctions, waitsFor } from "../smb/waiting.ts";
import type { AnomalyTarget, Evidence, Hang, WorstOp } from "./detector.ts";
import { rpcTarget } from "./nfs-latency.ts";
import type { StuckTask } from "./observation.ts";
import { serverKey } from "./target.ts";

export interface HangRules {
  readonly afterNs: number;
  /** Codes of SMB2 commands that wait as long as they have to. */
  readonly exclude: ReadonlySet<number>;
  /** Locks too, which may wait for another holder. */
  readonly locks: boolean;
  readonly maxTracked: number;
}

/** One thing that has not ended for too long. */
export interface Hanging {
  readonly rule: "request" | "credits" | "reconnect" | "rpc" | "task";
  /** Those of one key are one anomaly. */
  readonly key: string;
  readonly target: AnomalyTarget;
  readonly sinceNs: number;
  /** `SMB2_READ`, `a wait for credits`. */
  readonly what: string;
  readonly pid?: number;
  readonly tid?: number;
  readonly comm?: string;
  readonly evidence: Evidence;
  readonly hang?: Pick<Hang, "ops" | "waiters">;
  readonly worst?: Omit<WorstOp, "latencyUs">;
}

/** What moves data may wait for its turn as long as others are answered. */
const dataProcedures: ReadonlySet<string> = new Set(["READ", "WRITE", "COMMIT", "READ_PLUS"]);
/** NFSv4 keeps these open, or asks for them again, for as long as another client holds something. */
const waitingProcedures: ReadonlySet<string> = new Set(["LOCK"]);

function isWaiting(commandCode: number, { exclude, locks }: HangRules): boolean {
  return exclude.has(commandCode) || (commandCode === LOCK && !locks);
}

export function hangingOps(ops: readonly SmbOp[], nowNs: number, rules: HangRules): Hanging[] {
  return ops.flatMap((op): Hanging[] => {
    const { commandCode, startedNs, connectionId, sessionId, treeId, seq, mid } = op;
    if (op.endedNs !== undefined || op.state === "ghost" || isWaiting(commandCode, rules)) return [];
    if (nowNs - startedNs < rules.afterNs) return [];
    const target: AnomalyTarget = {
      protocol: "smb",
      ...(connectionId === 0n ? {} : { connectionId }),
      ...(sessionId === 0n ? {} : { sessionId }),
      ...(treeId === 0 ? {} : { treeId }),
    };
    return [
      {
        rule: "request",
        key: String(connectionId),
        target,
        sinceNs: startedNs,
        what: op.command,
        tid: op.tid,
        comm: op.comm,
        ...(op.pid === undefined ? {} : { pid: op.pid }),
        evidence: { command: op.command, mid: String(mid) },
        hang: { ops: [{ seq, connectionId, mid }], waiters: [] },
        worst: {
          command: op.command,
          state: "in flight",
          comm: op.comm,
          ...(op.pid === undefined ? {} : { pid: op.pid }),
        },
      },
    ];
  });
}

export function hangingWaiters(waiters: readonly Waiter[], nowNs: number, { afterNs }: HangRules): Hanging[] {
  const old = waiters.filter(({ sinceNs }) => nowNs - sinceNs >= afterNs);
  return old.map(({ kind, tid, pid, comm, connectionId, sinceNs }): Hanging => {
    const who = { ...(pid === undefined ? {} : { pid }), ...(comm === undefined ? {} : { comm }) };
    const connection = connectionId === undefined ? {} : { connectionId };
    return {
      rule: kind,
      key: String(connectionId ?? ""),
      target: { protocol: "smb", ...connection },
      sinceNs,
      what: kind === "credits" ? "a wait for credits" : "a wait for the connection to come back",
      tid,
      ...who,
      evidence: { waits_for: kind },
      hang: { ops: [], waiters: [{ kind, tid, ...connection }] },
      worst: { command: `wait for ${kind}`, state: "waiting", ...who },
    };
  });
}

/** `since` holds for each of them when it was seen first. */
export function hangingMids(
  mids: readonly DebugMid[],
  since: readonly number[],
  nowNs: number,
  rules: HangRules,
): Hanging[] {
  return mids.flatMap(({ connectionId, command, pid: tid, mid }, index): Hanging[] => {
    const sinceNs = since[index] ?? nowNs;
    if (isWaiting(command, rules) || nowNs - sinceNs < rules.afterNs) return [];
    return [
      {
        rule: "request",
        key: String(connectionId ?? ""),
        target: { protocol: "smb", ...(connectionId === undefined ? {} : { connectionId }) },
        sinceNs,
        what: commandName(command),
        tid,
        evidence: { command: commandName(command), mid: String(mid), known_from: "DebugData" },
      },
    ];
  });
}

/** `answeredNs`: when a server has ended an RPC last, by its key. */
export function hangingRpcs(
  ops: readonly RpcOp[],
  nowNs: number,
  { afterNs, locks }: HangRules,
  answeredNs: (server: string) => number | undefined,
): Hanging[] {
  return ops.flatMap((op): Hanging[] => {
    if (op.endedNs !== undefined || op.state === "ghost" || nowNs - op.startedNs < afterNs) return [];
    if (waitingProcedures.has(op.procedure) && !locks) return [];
    const target = rpcTarget(op);
    const key = serverKey(target);
    const silentNs = nowNs - (answeredNs(key) ?? Number.NEGATIVE_INFINITY);
    if (dataProcedures.has(op.procedure) && silentNs < afterNs) return [];
    const who = { comm: op.comm, ...(op.pid === undefined ? {} : { pid: op.pid }) };
    return [
      {
        rule: "rpc",
        key,
        target,
        sinceNs: op.startedNs,
        what: `NFS ${op.procedure}`,
        tid: op.tid,
        ...who,
        evidence: { procedure: op.procedure, retransmissions: op.retransmissions, major_timeouts: op.timeouts },
        worst: { command: op.procedure, state: "in flight", ...who },
      },
    ];
  });
}

/** The tasks whose requests last as long as they have to. */
export function tasksWaitingByDesign(mids: readonly DebugMid[], rules: HangRules): ReadonlySet<number> {
  return new Set(mids.flatMap(({ command, pid: tid }) => (isWaiting(command, rules) ? [tid] : [])));
}

/**
 * Whoever waits for a large file to be written sleeps long, and answers come all the while; whoever waits for a change or a lock sleeps for as long as
 * there is none. `byDesign`: those of whom DebugData says so.
 */
export function hangingTasks(
  tasks: readonly StuckTask[],
  nowNs: number,
  rules: HangRules,
  answeredNs: (key: string) => number | undefined,
  byDesign: ReadonlySet<number>,
): Hanging[] {
  const { afterNs } = rules;
  const waiting = [...waitingFunctions.keys()].filter((command) => isWaiting(command, rules));
  const waits = ({ tid, stack = [] }: StuckTask): boolean => byDesign.has(tid) || waitsFor(stack, waiting);
  const silent = ({ layer, target }: StuckTask): boolean => {
    const whole = layer === "cifs" ? "smb" : "nfs";
    const known = layer !== "cifs" && target !== undefined ? serverKey(target) : whole;
    return nowNs - (answeredNs(known) ?? Number.NEGATIVE_INFINITY) >= afterNs;
  };
  const old = tasks.filter((task) => nowNs - task.sinceNs >= afterNs && silent(task) && !waits(task));
  return old.map(({ pid, tid, comm, layer, sinceNs, target, wchan }): Hanging => {
    const known: AnomalyTarget = target ?? { protocol: layer === "cifs" ? "smb" : "nfs" };
    return {
      rule: "task",
      key: target === undefined ? layer : serverKey(target),
      target: known,
      sinceNs,
      what: `a task in ${layer}`,
      pid,
      tid,
      comm,
      evidence: { layer, ...(wchan === undefined ? {} : { wchan }) },
    };
  });
}
