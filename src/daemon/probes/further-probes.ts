import type { Needs } from "../../detect/detector.ts";
import type { Observation } from "../../detect/observation.ts";
import type { OpEvent, ProbeCodec, ProbeName } from "../../probe/codec.ts";
import { type ProbeExit, type ProbeOptions, startHelper } from "../../probe/helper.ts";
import type { OpBase } from "../../probe/op.ts";
import { rpcSettingsFrame } from "../../probe/rpc-settings.ts";
import { nfsRpc, type RpcEvent } from "../../probe/rpc-wire.ts";
import { historyFrame } from "../../probe/settings.ts";
import { smbVfs } from "../../probe/vfs-decoder.ts";
import { vfsTypes } from "../../probe/vfs-op.ts";
import { vfsSettingsFrame } from "../../probe/vfs-settings.ts";
import { type ManagedProbe, ProbeManager, type ProbeState } from "./manager.ts";
import { tellProbe } from "./news.ts";
import { rpcObservations, vfsObservations } from "./observations.ts";
import { rpcSettingsOf } from "./settings.ts";

/** Who hears a further probe: its own words, and what they mean to detectors. */
export interface Hears {
  readonly event: (event: OpEvent<OpBase>) => void;
  readonly observed: (observation: Observation) => void;
}

/** How a helper is started, whatever it observes. */
export type HelperOptions = Omit<ProbeOptions, "probe" | "args">;

/** A probe beside smb_wire. */
export interface FurtherKind {
  readonly name: Extract<ProbeName, "nfs_rpc" | "smb_vfs">;
  /** Of its BPF object. */
  readonly object: string;
  readonly module: string;
  /** What is missing without it. */
  readonly without: string;
  readonly start: (options: HelperOptions, hears: Hears, onExit: (exit: ProbeExit) => void) => FurtherHelper;
}

/** A running helper of one. */
export interface FurtherHelper extends ManagedProbe<Needs> {
  /** As that of smb_wire; a probe without a history never answers. */
  history(from: number): number;
}

function kindOf<Op extends OpBase, Event extends OpEvent<Op>>(
  codec: ProbeCodec<Op, Event> & { readonly name: FurtherKind["name"] },
  without: string,
  frame: (needs: Needs) => Buffer,
  observations: (event: Event, nowNs: number) => readonly Observation[],
): FurtherKind {
  return {
    name: codec.name,
    object: codec.object,
    module: codec.module,
    without,
    start: (options, hears, onExit) => {
      const helper = startHelper<Op, Event>(
        { ...options, probe: codec.name },
        codec,
        (event) => {
          hears.event(event);
          const nowNs = options.clock?.nowNs() ?? 0;
          for (const observation of observations(event as Event, nowNs)) hears.observed(observation);
        },
        onExit,
      );
      let token = 0;
      return {
        set: (needs) => helper.request(frame(needs)),
        history: (from) => {
          token = (token % 0xffff_ffff) + 1;
          helper.request(historyFrame(from, token));
          return token;
        },
        stop: () => helper.stop(),
      };
    },
  };
}

/** All of them, one line each, in the order of their numbers in a recording, behind smb_wire. */
export const furtherKinds: readonly FurtherKind[] = [
  kindOf(
    { ...nfsRpc, name: "nfs_rpc" },
    "no RPC of the NFS client is seen; the counters of mountstats are",
    (needs) => rpcSettingsFrame(rpcSettingsOf(needs)),
    rpcObservations,
  ),
  kindOf(
    { ...smbVfs, name: "smb_vfs" },
    "failed calls of the SMB client's VFS callbacks are not seen; failed requests are",
    () => vfsSettingsFrame({ slowUs: null, errorTypes: vfsTypes, inflightUs: null }),
    vfsObservations,
  ),
];

/** Which there are, and how one is started. */
export interface FurtherStarter {
  readonly kinds: readonly FurtherKind[];
  readonly start: (kind: FurtherKind, hears: Hears, onExit: (exit: ProbeExit) => void) => FurtherHelper;
}

export interface FurtherDeps {
  readonly enabled: (name: FurtherKind["name"]) => boolean;
  readonly needs: () => Needs;
  readonly moduleLoaded: (name: string) => boolean;
  readonly nowNs: () => number;
  readonly observed: (observation: Observation) => void;
  /** As the manager's, of the probes of a module. */
  readonly unneeded?: (module: string) => string | undefined;
  /** A probe of this module sees requests. */
  readonly busy: (module: string) => void;
  /** What nfs_rpc says, and its end. */
  readonly nfs?: { take(event: RpcEvent): void; probeEnded(): void };
  readonly log: { warn(details: object, message: string): void; info(details: object, message: string): void };
}

/** None where nobody can start them. */
export function furtherProbes(starter: FurtherStarter | undefined, deps: FurtherDeps): readonly FurtherProbe[] {
  return starter === undefined ? [] : starter.kinds.map((kind) => new FurtherProbe(kind, starter, deps));
}

/** One further probe of the daemon, kept running. */
export class FurtherProbe {
  readonly kind: FurtherKind;
  readonly manager: ProbeManager<FurtherHelper, Needs, OpEvent<OpBase>>;
  /** Since it was attached. */
  seen = 0;
  /** In flight now; absent where the probe does not tell. */
  open: number | undefined;
  /** CLOCK_MONOTONIC ns of its last word. */
  lastEventNs: number | undefined;
  readonly #deps: FurtherDeps;

  constructor(kind: FurtherKind, starter: FurtherStarter, deps: FurtherDeps) {
    this.kind = kind;
    this.#deps = deps;
    this.manager = new ProbeManager<FurtherHelper, Needs, OpEvent<OpBase>>({
      name: kind.name,
      module: kind.module,
      settings: deps.needs(),
      moduleLoaded: () => deps.moduleLoaded(kind.module),
      unneeded: () => deps.unneeded?.(kind.module),
      start: (onEvent, onExit) => starter.start(kind, { event: onEvent, observed: deps.observed }, onExit),
      nowNs: deps.nowNs,
      onEvent: (event) => this.#event(event),
      onState: (state) => this.#state(state),
    });
  }

  get enabled(): boolean {
    return this.#deps.enabled(this.kind.name);
  }

  beat(): void {
    if (this.enabled) this.manager.beat();
  }

  configure(): void {
    this.manager.configure(this.#deps.needs());
  }

  #event(event: OpEvent<OpBase>): void {
    this.lastEventNs = this.#deps.nowNs();
    // The events of a kind are those of its codec.
    if (this.kind.name === "nfs_rpc") this.#deps.nfs?.take(event as RpcEvent);
    if (event.type === "inflight") this.open = event.inflight.open;
    // Of every probe an entry counts what ended in the tick.
    const ended = event.type === "tick" && "entries" in event.tick ? countsOf(event.tick.entries) : 0;
    this.seen += ended;
    if (ended > 0 || (this.open ?? 0) > 0) this.#deps.busy(this.kind.module);
    if (event.type === "error") this.#deps.log.warn({ error: event.message }, `probe ${this.kind.name} cannot go on`);
  }

  #state(state: ProbeState): void {
    const { name } = this.kind;
    if (state.state !== "running") {
      this.seen = 0;
      this.open = undefined;
      if (state.state !== "starting" && name === "nfs_rpc") this.#deps.nfs?.probeEnded();
    }
    if (state.state === "running") this.#deps.log.info({ pid: state.hello.pid }, `probe ${name} is attached`);
    else tellProbe(this.#deps.log, name, state);
  }
}

function countsOf(entries: unknown): number {
  if (!Array.isArray(entries)) return 0;
  return entries.reduce((sum: number, entry: { readonly count?: number }) => sum + (entry.count ?? 0), 0);
}
