import type { SmbOp, Waiter } from "../probe/op.ts";
import type { WorstOp } from "./detector.ts";

export interface Seen {
  readonly key: string;
  /** CLOCK_MONOTONIC ns: its end, or the observation that saw it. */
  readonly timeNs: number;
  /** Until then. */
  readonly latencyUs: number;
  /** For the count rule. */
  readonly counts: boolean;
  /** Slow enough by itself. */
  readonly single: boolean;
  readonly thresholdNs: number;
}

/** An operation, or a task that waits for leave to send one. */
export type Sight =
  | { readonly kind: "op"; readonly state: "completed" | "in flight"; readonly op: SmbOp }
  | { readonly kind: "waiter"; readonly state: "waiting"; readonly waiter: Waiter };

/** One that is over a threshold. */
export type Slow = Seen & Sight;

/** The slowest of them, with the phase that took most of its time. */
export function worstOf(slows: readonly Slow[]): { readonly slow: Slow | undefined; readonly worst: WorstOp } {
  const slow = slows.reduce<Slow | undefined>(
    (worst, next) => (worst === undefined || next.latencyUs > worst.latencyUs ? next : worst),
    undefined,
  );
  if (slow === undefined) return { slow, worst: { command: "none", latencyUs: 0, state: "completed" } };
  if (slow.kind === "waiter") {
    const { pid, comm, kind } = slow.waiter;
    const who = { ...(pid === undefined ? {} : { pid }), ...(comm === undefined ? {} : { comm }) };
    const phase = { name: "queue", us: slow.latencyUs } as const;
    return {
      slow,
      worst: { command: `wait for ${kind}`, latencyUs: slow.latencyUs, state: slow.state, phase, ...who },
    };
  }
  const { op } = slow;
  const phase = longestPhase(op, slow.latencyUs);
  return {
    slow,
    worst: {
      command: op.command,
      latencyUs: slow.latencyUs,
      state: slow.state,
      ...(phase === undefined ? {} : { phase }),
      ...(op.pid === undefined ? {} : { pid: op.pid }),
      comm: op.comm,
    },
  };
}

function longestPhase(op: SmbOp, latencyUs: number): WorstOp["phase"] {
  const known = (["queue", "send", "wire", "wake"] as const).flatMap((name) => {
    const us = op.phasesUs[name];
    return us === undefined ? [] : [{ name, us }];
  });
  // What is in flight has sent and waits: the time that no finished phase explains belongs to the wire.
  if (op.state === "open" && op.phasesUs.send !== undefined && op.phasesUs.wire === undefined) {
    known.push({ name: "wire", us: latencyUs - known.reduce((sum, phase) => sum + phase.us, 0) });
  }
  return known.reduce<WorstOp["phase"]>(
    (longest, phase) => (longest === undefined || phase.us > longest.us ? phase : longest),
    undefined,
  );
}

/** `SMB2_WRITE took 1.52 s, 1.51 s of it wire (dd, pid 1234)` */
export function describeSingle({ worst }: { readonly worst: WorstOp }): string {
  const verb =
    worst.state === "completed" ? "took" : worst.state === "in flight" ? "has been in flight for" : "has lasted";
  return `${worst.command} ${verb} ${seconds(worst.latencyUs)}${phaseText(worst)}${who(worst)}`;
}

/** `12 operations over 500 ms within 10 s, the slowest SMB2_WRITE 2.31 s, 2.30 s of it wire (dd, pid 1234)` */
export function describeCluster(slows: readonly Slow[], windowNs: number): string {
  const thresholds = slows.map((slow) => slow.thresholdNs);
  const least = seconds(Math.min(...thresholds) / 1000);
  const most = seconds(Math.max(...thresholds) / 1000);
  const { worst } = worstOf(slows);
  const over = least === most ? least : `their thresholds (${least} to ${most})`;
  const slowest = `${worst.command} ${seconds(worst.latencyUs)}${worst.state === "completed" ? "" : ` and still ${worst.state}`}`;
  return `${slows.length} operations over ${over} within ${seconds(windowNs / 1000)}, the slowest ${slowest}${phaseText(worst)}${who(worst)}`;
}

function phaseText({ phase }: WorstOp): string {
  return phase === undefined ? "" : `, ${seconds(phase.us)} of it ${phase.name}`;
}

function who({ pid, comm }: WorstOp): string {
  const parts = [...(comm === undefined || comm === "" ? [] : [comm]), ...(pid === undefined ? [] : [`pid ${pid}`])];
  return parts.length === 0 ? "" : ` (${parts.join(", ")})`;
}

/** `850 us`, `30.4 ms`, `1.52 s`, `95 s` of µs. */
export function seconds(us: number): string {
  if (us < 1000) return `${Math.round(us)} us`;
  if (us < 1_000_000) return `${trim(us / 1000)} ms`;
  return `${trim(us / 1_000_000)} s`;
}

function trim(value: number): string {
  return value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}
