import { setImmediate } from "node:timers/promises";
import type { Clock } from "../system/clock.ts";
import { messageOf } from "../system/error.ts";
import { hasCode } from "../system/proc.ts";
import { PageStore } from "./page-store.ts";
import { traceDat } from "./trace-dat.ts";
import { type InstanceOptions, removeLeftovers, TraceInstance, tracefsIn } from "./trace-instance.ts";
import { cleanPage, pageSizeOf } from "./trace-page.ts";

export interface KernelEventsOptions extends Omit<InstanceOptions, "bufferKib"> {
  readonly clock: Clock;
  readonly enabled: boolean;
  /** Of all processors' rings together. */
  readonly maxBytes: number;
  readonly maxAgeNs: number;
  readonly cpus: number;
}

export type EventsState = "recording" | "off" | "unavailable";

export interface KernelEventsStatus {
  readonly state: EventsState;
  readonly why?: string;
  readonly instance?: string;
  readonly buffer_kib_per_cpu?: number;
  readonly events: number;
  readonly lost: number;
  readonly failed?: Readonly<Record<string, string>>;
  /** Instances of daemons that were killed, removed at the start. */
  readonly leftovers_removed?: readonly string[];
  readonly leftovers_failed?: readonly string[];
}

const REFRESH_NS = 5e9;
const PAGES_AT_ONCE = 64;

/** The flight recorder's kernel events: a ring in the kernel that nobody reads until there is a reason to. */
export class KernelEvents {
  readonly #options: KernelEventsOptions;
  readonly #store: PageStore;
  readonly #bufferKib: number;
  readonly #leftovers: ReturnType<typeof removeLeftovers>;
  #instance: TraceInstance | undefined;
  #why: string | undefined;
  #nextNs = 0;
  #reading: Promise<unknown> = Promise.resolve();

  constructor(options: KernelEventsOptions) {
    this.#options = options;
    this.#store = new PageStore(options);
    // At least four pages: the one that is written to cannot be overwritten.
    this.#bufferKib = Math.max(16, Math.min(1024, Math.floor(options.maxBytes / 1024 / Math.max(1, options.cpus))));
    this.#leftovers = leftoversOf(options);
    if (options.enabled) this.#start();
  }

  /** Once a second: looks for modules that were loaded since. */
  beat(): void {
    const nowNs = this.#options.clock.nowNs();
    this.#store.expire(nowNs);
    if (this.#instance === undefined || nowNs < this.#nextNs) return;
    this.#nextNs = nowNs + REFRESH_NS;
    try {
      this.#instance.refresh();
    } catch (error) {
      this.#why = messageOf(error);
    }
  }

  /** A trace.dat of everything that is not too old. The ring goes on; one reads at a time. */
  async *dump(): AsyncGenerator<Buffer> {
    const instance = this.#instance;
    if (instance === undefined) return;
    const { clock } = this.#options;
    const headers = instance.headers();
    const pageSize = pageSizeOf(headers.headerPage);
    const reading = this.#reading.then(() => this.#take(instance, pageSize));
    this.#reading = reading.catch(() => undefined);
    await reading;
    this.#store.expire(clock.nowNs());
    const cpus = instance.cpus();
    const pages = Array.from({ length: Math.max(0, ...cpus) + 1 }, (_, cpu) => this.#store.of(cpu));
    const facts = { pageSize, events: instance.formats(), clock: instance.clock, cpus: pages, ...headers };
    let count = 0;
    for (const piece of traceDat(facts)) {
      yield piece;
      if (++count % PAGES_AT_ONCE === 0) await setImmediate();
    }
  }

  get recording(): boolean {
    return this.#instance !== undefined;
  }

  get why(): string | undefined {
    return this.#why;
  }

  status(): KernelEventsStatus {
    const { removed, failed } = this.#leftovers;
    const left = {
      ...(removed.length > 0 ? { leftovers_removed: removed } : {}),
      ...(failed.length > 0 ? { leftovers_failed: failed } : {}),
    };
    const why = this.#why === undefined ? {} : { why: this.#why };
    const instance = this.#instance;
    if (instance === undefined)
      return { state: this.#options.enabled ? "unavailable" : "off", ...why, events: 0, lost: this.lost, ...left };
    return {
      state: "recording",
      ...why,
      instance: instance.path,
      buffer_kib_per_cpu: this.#bufferKib,
      events: instance.enabled.length,
      lost: this.lost,
      ...(instance.failed.size > 0 ? { failed: Object.fromEntries(instance.failed) } : {}),
      ...left,
    };
  }

  /** Events that never got into the ring, and pages that had to go for want of room. */
  get lost(): number {
    try {
      return this.#store.dropped + (this.#instance?.lostEvents() ?? 0);
    } catch {
      // Somebody has removed the instance: its status says so.
      return this.#store.dropped;
    }
  }

  end(): void {
    try {
      this.#instance?.remove();
    } catch (error) {
      // The next start removes it: its name says whose it was.
      this.#why = messageOf(error);
    }
    this.#instance = undefined;
  }

  #start(): void {
    const root = tracefsIn(this.#options.sysRoot);
    if (root === undefined) {
      this.#why = "there is no tracefs at /sys/kernel/tracing";
      return;
    }
    try {
      this.#instance = new TraceInstance(root, { ...this.#options, bufferKib: this.#bufferKib });
      this.#instance.refresh();
    } catch (error) {
      this.#why = hasCode(error, "EPERM", "EACCES", "EROFS", "EINVAL")
        ? `tracefs may not be written (${messageOf(error)}): lockdown, or a sandbox`
        : messageOf(error);
    }
  }

  async #take(instance: TraceInstance, pageSize: number): Promise<void> {
    let count = 0;
    for (const cpu of instance.cpus()) {
      for (const page of instance.takePages(cpu, pageSize)) {
        cleanPage(page);
        this.#store.add(cpu, page, this.#options.clock.nowNs());
        if (++count % PAGES_AT_ONCE === 0) await setImmediate();
        // A ring that fills as fast as it is read would keep us for ever.
        if (count * pageSize > 4 * this.#options.maxBytes) return;
      }
    }
  }
}

function leftoversOf(options: KernelEventsOptions): ReturnType<typeof removeLeftovers> {
  try {
    return removeLeftovers(options);
  } catch (error) {
    return { removed: [], failed: [messageOf(error)] };
  }
}
