import type { ProbeEvent, Waiter } from "../probe/op.ts";
import { ReconnectWaiters } from "../probe/reconnect-waiters.ts";
import type { ReadDebugData } from "../probe/target-names.ts";
import type { Clock } from "../system/clock.ts";
import { messageOf } from "../system/error.ts";
import { tasksSleepingIn } from "../system/tasks.ts";
import type { Logger } from "./log.ts";

export interface WaiterSearchDeps {
  readonly debugData: ReadDebugData;
  readonly clock: Clock;
  readonly procRoot: string;
  readonly log: Logger;
  readonly found: (waiters: readonly Waiter[]) => void;
}

/** Looks for tasks that wait for a reconnect, one search at a time. */
export class WaiterSearch {
  /** CLOCK_MONOTONIC ns of the begin of a search that has not ended. */
  sinceNs: number | undefined;
  readonly #deps: WaiterSearchDeps;
  readonly #waiters: ReconnectWaiters;

  constructor(deps: WaiterSearchDeps) {
    this.#deps = deps;
    const { debugData, clock, procRoot } = deps;
    const sleepingIn = (functions: ReadonlySet<string>) => tasksSleepingIn(functions, procRoot);
    this.#waiters = new ReconnectWaiters({ debugData, clock, sleepingIn });
  }

  /** Lets what the probe says tell that a connection may be bad. */
  note(event: ProbeEvent): void {
    this.#waiters.note(event);
  }

  /** Once a second; a search that still runs goes on. */
  beat(): void {
    if (this.sinceNs !== undefined) return;
    this.sinceNs = this.#deps.clock.nowNs();
    this.#waiters
      .sample()
      .then((waiters) => this.#deps.found(waiters))
      .catch((error: unknown) =>
        this.#deps.log.error({ error: messageOf(error) }, "tasks that wait for a reconnect could not be looked for"),
      )
      .finally(() => {
        this.sinceNs = undefined;
      });
  }
}
