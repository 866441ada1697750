import { type Pulse, stuckParts } from "./health.ts";
import type { ServiceManager } from "./notify.ts";

export interface ServiceOptions {
  readonly manager: ServiceManager;
  /** What the service manager waits for at most; undefined: it does not watch. */
  readonly watchdogMs: number | undefined;
  readonly pulses: readonly Pulse[];
  readonly nowNs: () => number;
  /** One line for `systemctl status`. */
  readonly summary: () => string;
  readonly log: { error(details: object, message: string): void; info(message: string): void };
}

/** A third of the time, so that one sign of life may be late. */
const SHARE = 3;
const STATUS_NS = 10e9;

/**
 * Tells the service manager how the daemon does. The watchdog gets its sign of life only from a beat of the event loop in which every part that
 * has something to do has shown itself lately: a daemon that runs but is blind is ended and started anew.
 */
export class Service {
  readonly #options: ServiceOptions;
  #fedNs = Number.NEGATIVE_INFINITY;
  #toldNs = Number.NEGATIVE_INFINITY;
  #summary = "";
  #stuck = "";

  constructor(options: ServiceOptions) {
    this.#options = options;
  }

  ready(): void {
    this.#options.manager.send("READY=1");
    this.beat();
  }

  /** Once a second. */
  beat(): void {
    const { manager, watchdogMs, pulses, nowNs, log } = this.#options;
    const now = nowNs();
    const stuck = stuckParts(pulses, now).join("; ");
    if (stuck === "" && this.#stuck !== "") log.info("the daemon is healthy again");
    if (stuck !== "" && this.#stuck === "") log.error({ stuck }, "the daemon is not healthy: its watchdog is not fed");
    this.#stuck = stuck;
    if (stuck === "" && watchdogMs !== undefined && now - this.#fedNs >= (watchdogMs * 1e6) / SHARE) {
      this.#fedNs = now;
      manager.send("WATCHDOG=1");
    }
    this.#tell(now);
  }

  reloading(): void {
    this.#options.manager.send("RELOADING=1");
  }

  /** After a reload, whatever came of it. */
  reloaded(): void {
    this.#options.manager.send("READY=1");
  }

  stopping(): void {
    this.#options.manager.send("STOPPING=1");
  }

  async end(): Promise<void> {
    await this.#options.manager.end();
  }

  #tell(now: number): void {
    const summary = this.#stuck === "" ? this.#options.summary() : `not healthy: ${this.#stuck}`;
    if (summary === this.#summary || now - this.#toldNs < STATUS_NS) return;
    this.#toldNs = now;
    this.#summary = summary;
    this.#options.manager.send(`STATUS=${summary}`);
  }
}
