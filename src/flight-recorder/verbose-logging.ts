import { type Busy, ClientSwitches, type KernelFiles, type Outcome } from "../switches/client-switches.ts";
import { protocols } from "../switches/numbers.ts";
import { messageOf } from "../system/error.ts";

export interface VerboseOptions {
  readonly procRoot: string;
  readonly sysRoot: string;
  /** What was switched is written there first; `aod debug` uses the same file. */
  readonly stateFile: string;
  readonly nowNs: () => number;
  readonly pid?: number;
  readonly kernel?: KernelFiles;
}

export interface VerboseStatus {
  readonly state: "off" | "on";
  /** Files that were switched. */
  readonly switched: readonly string[];
  /** Switches of a process that was killed, which were put back at the start. */
  readonly put_back?: readonly string[];
  readonly errors?: readonly string[];
}

/** What `aod debug status` calls it. */
export const DAEMON = "daemon";

/**
 * Has the clients log verbosely for a time: cifsFYI with dynamic debug, rpcdebug. Everything is written down before it is switched, and put back: when the time is
 * over, at the daemon's end, and after a crash at the next start, unless `aod debug on` wants it on for longer.
 */
export class VerboseLogging {
  readonly #switches: ClientSwitches;
  readonly #nowNs: () => number;
  readonly #putBack: string[] = [];
  #errors: string[] = [];
  #switched: readonly string[] = [];
  #untilNs = Number.NEGATIVE_INFINITY;
  /** Somebody else was at the switches: tried again at the next beat. */
  #again: (() => Outcome | Busy) | undefined;

  constructor(options: VerboseOptions) {
    this.#switches = new ClientSwitches(options);
    this.#nowNs = options.nowNs;
    const left = this.#switches.remembered();
    if (left.error === undefined && left.holders.length === 0 && left.switches.length === 0) return;
    this.#do(() => this.#switches.tidy());
  }

  /** For so long from now; a second time prolongs it. */
  on(forNs: number): void {
    this.#untilNs = Math.max(this.#untilNs, this.#nowNs() + forNs);
    this.#errors = [];
    const untilNs = this.#untilNs;
    this.#do(() => this.#switches.hold(DAEMON, protocols, untilNs));
  }

  /** About once a second. */
  beat(): void {
    if (this.#again !== undefined) this.#do(this.#again);
    else if (this.#isOn && this.#nowNs() >= this.#untilNs) this.#release();
  }

  end(): void {
    if (this.#isOn || this.#again !== undefined) this.#release();
  }

  status(): VerboseStatus {
    return {
      state: this.#isOn ? "on" : "off",
      switched: this.#switched,
      ...(this.#putBack.length > 0 ? { put_back: this.#putBack } : {}),
      ...(this.#errors.length > 0 ? { errors: this.#errors } : {}),
    };
  }

  get #isOn(): boolean {
    return this.#untilNs > Number.NEGATIVE_INFINITY;
  }

  #release(): void {
    this.#untilNs = Number.NEGATIVE_INFINITY;
    this.#do(() => this.#switches.release());
  }

  #do(change: () => Outcome | Busy): void {
    this.#again = undefined;
    try {
      const outcome = change();
      if (outcome === "busy") {
        this.#again = change;
        return;
      }
      // At the start only: later it is what we have switched ourselves.
      if (this.#switched.length === 0 && !this.#isOn) this.#putBack.push(...outcome.putBack);
      this.#switched = this.#isOn ? outcome.switched.map(({ path }) => path) : [];
      for (const error of outcome.errors) this.#note(error);
      if (!this.#isOn || outcome.switched.length > 0) return;
      // Everything was on, or there is nothing to be switched: then nothing is to be put back.
      this.#untilNs = Number.NEGATIVE_INFINITY;
      this.#switches.release();
    } catch (error) {
      this.#note(messageOf(error));
    }
  }

  #note(error: string): void {
    if (!this.#errors.includes(error) && this.#errors.length < 10) this.#errors.push(error);
  }
}
