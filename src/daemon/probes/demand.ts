import type { MountedFileSystem, Protocol } from "../../detect/observation.ts";

export interface DemandOptions {
  /** ns that probes stay attached without a mount; POSITIVE_INFINITY: for ever. */
  readonly lingerNs: () => number;
  readonly nowNs: () => number;
  readonly loaded: (module: string) => boolean;
  /** Who uses a module besides other modules: mounts, connections, attached programs. Undefined: it cannot be unloaded, or that cannot be told. */
  readonly users: (module: string) => number | undefined;
}

export interface DemandBeat {
  readonly incident: boolean;
  /** A probe of this module is attached, or has not ended. */
  readonly attached: (module: string) => boolean;
}

/** The module that serves the mounts of a protocol. */
const modules: readonly (readonly [module: string, protocol: Protocol])[] = [
  ["cifs", "smb"],
  ["nfs", "nfs"],
];
/** The kernel lets go of a program some time after its helper has ended. */
const SETTLE_NS = 30e9;
/** So long the probes are there for who uses a module without a mount in the table, until that is looked at again. */
const UNLISTED_NS = 3600e9;

/**
 * Who needs the probes: an attached probe pins its module, so that it could never be unloaded. Without a mount they let it go after a while, unless
 * requests are still seen (of a mount that was detached lazily, or of a container's), and are attached again for the next.
 */
export class ProbeDemand {
  readonly #modules: ReadonlyMap<string, ModuleDemand>;

  constructor(options: DemandOptions) {
    this.#modules = new Map(modules.map(([name, protocol]) => [name, new ModuleDemand(name, protocol, options)]));
  }

  /** All that is mounted now. */
  mounted(all: readonly MountedFileSystem[]): void {
    for (const module of this.#modules.values())
      module.mounted(all.some(({ target }) => target.protocol === module.protocol));
  }

  /** Requests of it are seen. */
  busy(module: string): void {
    this.#modules.get(module)?.busy();
  }

  /** Somebody asks for the probes. */
  renew(): void {
    for (const module of this.#modules.values()) module.renew();
  }

  /** Once a second. */
  beat({ incident, attached }: DemandBeat): void {
    for (const [name, module] of this.#modules) {
      // What they recorded is evidence.
      if (incident) module.busy();
      module.beat(attached(name));
    }
  }

  /** Why nobody needs the probes of a module now. */
  unneeded(module: string): string | undefined {
    return this.#modules.get(module)?.unneeded;
  }
}

class ModuleDemand {
  readonly protocol: Protocol;
  readonly #name: string;
  readonly #options: DemandOptions;
  /** Undefined: nobody has told. */
  #mounted: boolean | undefined;
  /** The last sign of a need. */
  #neededNs: number;
  #unlistedUntilNs = Number.NEGATIVE_INFINITY;
  #released: { readonly why: string; settledNs: number } | undefined;

  constructor(name: string, protocol: Protocol, options: DemandOptions) {
    this.#name = name;
    this.protocol = protocol;
    this.#options = options;
    this.#neededNs = options.nowNs();
  }

  get unneeded(): string | undefined {
    return this.#released?.why;
  }

  mounted(mounted: boolean): void {
    if (mounted !== this.#mounted) this.#unlistedUntilNs = Number.NEGATIVE_INFINITY;
    this.#mounted = mounted;
  }

  busy(): void {
    this.#neededNs = this.#options.nowNs();
  }

  renew(): void {
    this.busy();
    this.#released = undefined;
  }

  beat(attached: boolean): void {
    const { nowNs, lingerNs, loaded, users } = this.#options;
    const now = nowNs();
    const linger = lingerNs();
    const wanted = this.#mounted !== false || linger === Number.POSITIVE_INFINITY || now < this.#unlistedUntilNs;
    if (wanted || !loaded(this.#name)) this.renew();
    else if (this.#released !== undefined) this.#lookForOthers(this.#released, attached, now);
    else if (now - this.#neededNs >= linger && users(this.#name) !== undefined) this.#release(linger, now);
  }

  #release(lingerNs: number, nowNs: number): void {
    const mount = `${this.protocol.toUpperCase()} mount`;
    const why = `no ${mount} for ${Math.round(lingerNs / 1e9)} s; the next one attaches it again`;
    this.#released = { why, settledNs: nowNs + SETTLE_NS };
  }

  #lookForOthers(released: { settledNs: number }, attached: boolean, nowNs: number): void {
    if (attached) released.settledNs = nowNs + SETTLE_NS;
    if (nowNs < released.settledNs || (this.#options.users(this.#name) ?? 0) === 0) return;
    this.#unlistedUntilNs = nowNs + UNLISTED_NS;
    this.renew();
  }
}
