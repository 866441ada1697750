/** `auto`: always while it is cheap, else from the first sign of trouble on. `trouble`: only from that on. */
export type PacketMode = "auto" | "always" | "trouble" | "off";

/** `recording`: all the time. `armed`: starts at the first sign of trouble. `triggered`: started by one. */
export type PacketPhase = "recording" | "armed" | "triggered" | "off";

export interface PacketPolicyOptions {
  readonly mode: PacketMode;
  /** Share of one processor that recording may cost: 0.005 is half a percent. */
  readonly budget: number;
  /** Recording goes on for this long after the last sign of trouble. */
  readonly postNs: number;
}

/** What was counted since the sample before. */
export interface CostSample {
  readonly intervalNs: number;
  /** CPU time of the program that records; 0 while none runs. */
  readonly cpuNs: number;
  /** Packets that it took, and packets of the whole host, both directions: each of them passes its filter. */
  readonly taken: number;
  readonly host: number;
}

// In the kernel, where it is not counted for anybody: a run of the filter on every packet, a copy of those that are taken into the shared ring.
const FILTER_NS = 250;
const COPY_NS = 1000;
/** Too dear once: tried again after this, then twice, four times as long ... */
const RETRY_NS = 300e9;
const LONGEST_RETRY_NS = 3600e9;

/** Decides whether packets are recorded now. A pure state machine: time is passed in. */
export class PacketPolicy {
  readonly #options: PacketPolicyOptions;
  #phase: PacketPhase;
  #until = 0;
  #retryAt = Number.POSITIVE_INFINITY;
  #retryNs = RETRY_NS;
  /** Of the last sample, as a share of one processor. */
  cost: number | undefined;

  constructor(options: PacketPolicyOptions) {
    this.#options = options;
    const first = { auto: "recording", always: "recording", trouble: "armed", off: "off" } as const;
    this.#phase = first[options.mode];
  }

  get phase(): PacketPhase {
    return this.#phase;
  }

  get wanted(): boolean {
    return this.#phase === "recording" || this.#phase === "triggered";
  }

  trouble(nowNs: number): void {
    if (this.#phase !== "armed" && this.#phase !== "triggered") return;
    this.#phase = "triggered";
    this.#until = nowNs + this.#options.postNs;
  }

  sample({ intervalNs, cpuNs, taken, host }: CostSample, nowNs: number): void {
    if (intervalNs <= 0) return;
    this.cost = (cpuNs + taken * COPY_NS + host * FILTER_NS) / intervalNs;
    if (this.#options.mode !== "auto") return;
    const dear = this.cost > this.#options.budget;
    if (this.#phase === "recording" && dear) {
      this.#phase = "armed";
      this.#retryAt = nowNs + this.#retryNs;
      this.#retryNs = Math.min(2 * this.#retryNs, LONGEST_RETRY_NS);
    } else if (this.#phase === "recording") {
      this.#retryNs = RETRY_NS;
    } else if (this.#phase === "armed" && dear) {
      // The host's packets alone would cost too much.
      this.#retryAt = Math.max(this.#retryAt, nowNs + RETRY_NS);
    }
  }

  advance(nowNs: number): void {
    if (this.#phase === "triggered" && nowNs >= this.#until) this.#phase = "armed";
    if (this.#phase === "armed" && this.#options.mode === "auto" && nowNs >= this.#retryAt) {
      this.#retryAt = Number.POSITIVE_INFINITY;
      this.#phase = "recording";
    }
  }
}
