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

// In the kernel, where it is not counted for anybody: a clone of every packet and a run of the filter on it, a copy of those that are taken into the
// shared ring. `npm run bench -- ring` measured 518 and at most 450 instructions (6.12), of which a slow processor does one a ns.
const FILTER_NS = 500;
const COPY_NS = 500;
/** What it may take beyond the budget until it is too dear, as seconds of the budget: three times the budget is too dear after the first second. */
const PATIENCE_S = 2;
/** Too dear once: tried again after this, then twice, four times as long ... */
const RETRY_NS = 300e9;
const LONGEST_RETRY_NS = 3600e9;
/** Or as soon as the host has so few packets, for so long, that they would take half of the budget: but a start costs something too. */
const CALM_NS = 30e9;
const CALM_RETRY_NS = 60e9;

/** Decides whether packets are recorded now. A pure state machine: time is passed in. */
export class PacketPolicy {
  readonly #options: PacketPolicyOptions;
  #phase: PacketPhase;
  #until = 0;
  /** Since when it has been recording, or armed. */
  #sinceNs: number | undefined;
  #retryAt = Number.POSITIVE_INFINITY;
  #retryNs = RETRY_NS;
  /** Beyond the budget, until now. */
  #debtNs = 0;
  /** What a packet of the host cost, all in all, when it was too dear. */
  #packetNs = FILTER_NS;
  #calmNs = 0;
  /** As a share of one processor: of the last sample while it recorded. */
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

  /** While it records, and while it is armed: then with nothing but the packets of the host. */
  sample(sample: CostSample, nowNs: number): void {
    if (sample.intervalNs <= 0) return;
    if (this.wanted) this.cost = costOf(sample);
    if (this.#options.mode !== "auto") return;
    if (this.#phase === "recording") this.#spend(sample, nowNs);
    else if (this.#phase === "armed") this.#wait(sample, nowNs);
  }

  /** If all packets of the host were taken. */
  mayBeDear({ host, intervalNs }: CostSample): boolean {
    return (host * (FILTER_NS + COPY_NS)) / intervalNs > this.#options.budget / 4;
  }

  advance(nowNs: number): void {
    if (this.#phase === "triggered" && nowNs >= this.#until) this.#arm(nowNs);
    if (this.#phase !== "armed" || this.#options.mode !== "auto") return;
    const isCalm = this.#calmNs >= CALM_NS && nowNs - (this.#sinceNs ?? nowNs) >= CALM_RETRY_NS;
    if (!isCalm && nowNs < this.#retryAt) return;
    this.#retryAt = Number.POSITIVE_INFINITY;
    this.#phase = "recording";
    this.#sinceNs = nowNs;
    this.#debtNs = 0;
  }

  #spend(sample: CostSample, nowNs: number): void {
    const { budget } = this.#options;
    const cost = costOf(sample);
    this.#sinceNs ??= nowNs;
    this.#debtNs = Math.max(0, this.#debtNs + (cost - budget) * sample.intervalNs);
    if (this.#debtNs > budget * PATIENCE_S * 1e9) {
      this.#arm(nowNs);
      if (sample.host > 0) this.#packetNs = Math.max(FILTER_NS, (cost * sample.intervalNs) / sample.host);
      this.#retryAt = nowNs + this.#retryNs;
      this.#retryNs = Math.min(2 * this.#retryNs, LONGEST_RETRY_NS);
    } else if (nowNs - this.#sinceNs >= RETRY_NS) {
      this.#retryNs = RETRY_NS;
    }
  }

  #wait({ host, intervalNs }: CostSample, nowNs: number): void {
    const { budget } = this.#options;
    this.#calmNs = (host * this.#packetNs) / intervalNs <= budget / 2 ? this.#calmNs + intervalNs : 0;
    // The host's packets alone would cost too much.
    if ((host * FILTER_NS) / intervalNs > budget) this.#retryAt = Math.max(this.#retryAt, nowNs + RETRY_NS);
  }

  #arm(nowNs: number): void {
    this.#phase = "armed";
    this.#sinceNs = nowNs;
    this.#calmNs = 0;
  }
}

function costOf({ intervalNs, cpuNs, taken, host }: CostSample): number {
  return (cpuNs + taken * COPY_NS + host * FILTER_NS) / intervalNs;
}
