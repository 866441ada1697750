import type { OpEvent } from "../../probe/codec.ts";
import type { ProbeExit } from "../../probe/helper.ts";
import type { Hello, Loss, OpBase } from "../../probe/op.ts";
import { messageOf } from "../../system/error.ts";

/** What became of a probe. `why` says it to people. */
export type ProbeState =
  | { readonly state: "waiting"; readonly why: string }
  | { readonly state: "starting" }
  | { readonly state: "running"; readonly hello: Hello; readonly sinceNs: number }
  | { readonly state: "retrying"; readonly why: string; readonly atNs: number; readonly attempt: number }
  | { readonly state: "unsupported"; readonly why: string }
  | { readonly state: "failed"; readonly why: string }
  /** It lets the module go: somebody wants it for himself, and `asked` for it, or nobody needs the probe now. */
  | { readonly state: "detached"; readonly asked: boolean; readonly why: string }
  | { readonly state: "stopped" };

/** One that waits or starts lacks nothing yet, nor does one that nobody needs: there is no mount. */
export function lacksNothing(state: ProbeState): boolean {
  return state.state === "waiting" || state.state === "starting" || (state.state === "detached" && !state.asked);
}

/** A running helper, as far as the manager goes. */
export interface ManagedProbe<Settings> {
  set(settings: Settings): void;
  /** Ends it and waits until it has ended. */
  stop(): Promise<void>;
}

export interface ProbeManagerOptions<Probe, Settings, Event> {
  readonly name: string;
  /** The kernel module that it needs. */
  readonly module: string;
  /** At first; see configure(). */
  readonly settings: Settings;
  readonly moduleLoaded: () => boolean;
  /** Why nobody needs it now: then it lets the module go. */
  readonly unneeded?: () => string | undefined;
  readonly start: (onEvent: (event: Event) => void, onExit: (exit: ProbeExit) => void) => Probe;
  readonly nowNs: () => number;
  readonly onEvent: (event: Event) => void;
  /** Every change of the state. */
  readonly onState: (state: ProbeState) => void;
}

const FIRST_DELAY_NS = 1e9;
const LONGEST_DELAY_NS = 60e9;
/** Then it has failed, until the module goes and comes again or the daemon starts anew. */
const ATTEMPTS = 8;
/** Who ran this long starts with a clean record. */
const STABLE_NS = 300e9;

/** Keeps one probe running: waits for its module, starts it, and after a failure starts it again, later each time and not for ever. */
export class ProbeManager<Probe extends ManagedProbe<Settings>, Settings, Event extends OpEvent<OpBase>> {
  readonly #options: ProbeManagerOptions<Probe, Settings, Event>;
  #state: ProbeState;
  #probe: Probe | undefined;
  #settings: Settings;
  #startedNs = 0;
  #failures = 0;
  #detaching: Promise<void> | undefined;
  #losses: readonly Loss[] = [];
  /** Of the helpers before this one. */
  #earlier: readonly Loss[] = [];

  constructor(options: ProbeManagerOptions<Probe, Settings, Event>) {
    this.#options = options;
    this.#settings = options.settings;
    this.#state = this.#waiting();
  }

  get state(): ProbeState {
    return this.#state;
  }

  /** Of the kernel. */
  get module(): string {
    return this.#options.module;
  }

  /** The running helper. */
  get probe(): Probe | undefined {
    return this.#state.state === "running" ? this.#probe : undefined;
  }

  /** It pins its module: its helper runs, or has not ended. */
  get attached(): boolean {
    return this.#probe !== undefined;
  }

  /** Since the daemon's start. */
  get losses(): readonly Loss[] {
    return sumLosses(this.#earlier, this.#losses);
  }

  /** What it reports from now on; it stays attached. */
  configure(settings: Settings): void {
    this.#settings = settings;
    this.#probe?.set(settings);
  }

  /** Call it about once a second. */
  beat(): void {
    const state = this.#state;
    if (state.state === "stopped" || (state.state === "detached" && (state.asked || this.attached))) return;
    const unneeded = this.#options.unneeded?.();
    if (unneeded !== undefined) {
      this.#release(unneeded);
      return;
    }
    if (state.state === "starting" || state.state === "running") return;
    if (!this.#options.moduleLoaded()) {
      this.#failures = 0;
      if (state.state !== "waiting") this.#set(this.#waiting());
      return;
    }
    const due = state.state === "retrying" && this.#options.nowNs() >= state.atNs;
    if (due || state.state === "waiting" || state.state === "detached") this.#start();
  }

  /** Lets the module go until attach(): what is attached to it pins it. Resolves when the helper has ended. */
  async detach(): Promise<void> {
    const state = this.#state;
    if (state.state === "stopped" || (state.state === "detached" && state.asked)) return this.#detaching;
    this.#set({ state: "detached", asked: true, why: "on request; aod probes attach ends it" });
    if (state.state !== "detached") this.#detaching = this.#probe?.stop();
    await this.#detaching;
  }

  /** The same where nobody needs it. What cannot run or waits pins nothing, and its reason says more. */
  #release(why: string): void {
    if (!["starting", "running", "retrying"].includes(this.#state.state)) return;
    this.#failures = 0;
    this.#set({ state: "detached", asked: false, why });
    this.#detaching = this.#probe?.stop();
  }

  /** The end of detach(): the next beat starts it again. */
  async attach(): Promise<void> {
    await this.#detaching;
    if (this.#state.state !== "detached") return;
    this.#failures = 0;
    this.#set(this.#waiting());
  }

  async stop(): Promise<void> {
    const probe = this.#probe;
    this.#set({ state: "stopped" });
    await probe?.stop();
  }

  #start(): void {
    this.#set({ state: "starting" });
    this.#startedNs = this.#options.nowNs();
    try {
      this.#probe = this.#options.start(
        (event) => this.#event(event),
        (exit) => this.#ended(exit),
      );
      this.#probe.set(this.#settings);
    } catch (error) {
      this.#ended({ requested: false, unsupported: false, message: messageOf(error) });
    }
  }

  #event(event: Event): void {
    if (event.type === "hello" && this.#state.state === "starting")
      this.#set({ state: "running", hello: event.hello, sinceNs: this.#options.nowNs() });
    if (event.type === "lost") this.#losses = event.losses;
    this.#options.onEvent(event);
  }

  #ended({ unsupported, message }: ProbeExit): void {
    this.#probe = undefined;
    this.#earlier = this.losses;
    this.#losses = [];
    if (this.#state.state === "stopped" || this.#state.state === "detached") return;
    if (unsupported) this.#set({ state: "unsupported", why: message });
    else this.#retryLater(message);
  }

  #retryLater(message: string): void {
    const nowNs = this.#options.nowNs();
    this.#failures = nowNs - this.#startedNs >= STABLE_NS ? 1 : this.#failures + 1;
    if (this.#failures >= ATTEMPTS) {
      this.#set({ state: "failed", why: `given up after ${ATTEMPTS} attempts: ${message}` });
      return;
    }
    const delayNs = Math.min(FIRST_DELAY_NS * 2 ** (this.#failures - 1), LONGEST_DELAY_NS);
    this.#set({ state: "retrying", why: message, atNs: nowNs + delayNs, attempt: this.#failures + 1 });
  }

  #waiting(): ProbeState {
    return { state: "waiting", why: `the kernel module ${this.#options.module} is not loaded` };
  }

  #set(state: ProbeState): void {
    this.#state = state;
    this.#options.onState(state);
  }
}

function sumLosses(...lists: readonly (readonly Loss[])[]): readonly Loss[] {
  const sums = new Map<string, Loss>();
  for (const loss of lists.flat()) {
    const key = `${loss.kind} ${loss.detail ?? ""}`;
    sums.set(key, { ...loss, count: loss.count + (sums.get(key)?.count ?? 0) });
  }
  return [...sums.values()];
}
