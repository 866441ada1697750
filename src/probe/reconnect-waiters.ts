import { type DebugData, type Endpoint, endpointsOf } from "../smb/debug-data.ts";
import type { Clock } from "../system/clock.ts";
import { type SleepingTask, tasksSleepingIn } from "../system/tasks.ts";
import type { ProbeEvent, Waiter } from "./op.ts";
import type { ReadDebugData } from "./target-names.ts";

// Where a task waits for its connection to come back: fs/smb/client/smb2pdu.c smb2_reconnect() and what it calls, cifssmb.c for
// SMB1. Before cifs_wait_for_server_reconnect() was split off, the wait was in smb2_reconnect() itself.
const waitingFunctions: ReadonlySet<string> = new Set([
  "cifs_wait_for_server_reconnect",
  "smb2_reconnect",
  "cifs_reconnect_tcon",
]);

const TCP_GOOD = 1;
// How long after the last sign of a reconnect DebugData is still looked at.
const WATCH_NS = 10e9;

export interface ReconnectSources {
  readonly debugData: ReadDebugData;
  readonly clock: Clock;
  /** Tests pass their own. */
  readonly sleepingIn?: (functions: ReadonlySet<string>) => Promise<readonly SleepingTask[]>;
}

/**
 * Tasks that wait for a reconnect: they have no request, so no hook on requests sees them, and they sleep interruptibly, so a
 * search for state D does not either. All tasks' wait channels are sampled, but only while a connection is not good.
 */
export class ReconnectWaiters {
  private readonly sources: ReconnectSources;
  private readonly since = new Map<number, number>();
  private watchUntilNs: number;
  private reconnects = 0;

  constructor(sources: ReconnectSources) {
    this.sources = sources;
    // A connection may be down already.
    this.watchUntilNs = sources.clock.nowNs() + WATCH_NS;
  }

  /** Lets an event say that a connection may be bad. */
  note(event: ProbeEvent): void {
    const rose = event.type === "tick" && event.tick.reconnects > this.reconnects;
    if (event.type === "tick") this.reconnects = event.tick.reconnects;
    const killed = event.type === "ops" && event.ops.some((op) => op.end === "reconnect" || op.end === "send-failed");
    if (rose || killed) this.watchUntilNs = this.sources.clock.nowNs() + WATCH_NS;
  }

  /** Who waits now. Costs nothing while all is well; call it once a tick, not while the call before is still running. */
  async sample(): Promise<readonly Waiter[]> {
    const { clock, debugData, sleepingIn = (functions) => tasksSleepingIn(functions) } = this.sources;
    if (clock.nowNs() > this.watchUntilNs) return this.none();
    const bad = badConnections(debugData());
    if (bad.length === 0) return this.none();
    this.watchUntilNs = clock.nowNs() + WATCH_NS;
    const tasks = await sleepingIn(waitingFunctions);
    const nowNs = clock.nowNs();
    const tids = new Set(tasks.map((task) => task.tid));
    for (const tid of this.since.keys()) if (!tids.has(tid)) this.since.delete(tid);
    return tasks.map((task) => this.waiterOf(task, nowNs, bad));
  }

  private none(): readonly Waiter[] {
    this.since.clear();
    return [];
  }

  private waiterOf({ tid, pid, comm }: SleepingTask, nowNs: number, bad: readonly Endpoint[]): Waiter {
    const sinceNs = this.since.get(tid) ?? nowNs;
    this.since.set(tid, sinceNs);
    // The task does not say for which connection it waits; when only one is bad, it is that.
    const only = bad.length === 1 ? bad[0]?.connectionId : undefined;
    return { kind: "reconnect", tid, pid, comm, ...(only === undefined ? undefined : { connectionId: only }), sinceNs };
  }
}

function badConnections(data: DebugData | undefined): readonly Endpoint[] {
  const endpoints = data === undefined ? [] : endpointsOf(data);
  return endpoints.filter((endpoint) => endpoint.tcpStatus !== undefined && endpoint.tcpStatus !== TCP_GOOD);
}
