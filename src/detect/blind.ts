import type { Observation, Protocol, SourceState } from "./observation.ts";

/** What a detector does not see without a source. */
export interface Sight {
  readonly source: string;
  /** `no single request is seen`. */
  readonly without: string;
}

interface Known {
  readonly state: SourceState;
  readonly why?: string | undefined;
}

/** What has nothing to look at where nothing is mounted; the others look at both. */
const protocols: ReadonlyMap<string, Protocol> = new Map([
  ["smb_wire", "smb"],
  ["debug-data", "smb"],
  ["stats", "smb"],
  ["nfs_rpc", "nfs"],
  ["mountstats", "nfs"],
]);
/** Off, it says that nothing here needs it. */
const TICKETS = "tickets";

/** Keeps how the sources of one detector do. A source that has not been heard of yet is taken to come. */
export class Blindness {
  readonly #sights: readonly Sight[];
  readonly #known = new Map<string, Known>();

  #mounted: ReadonlySet<Protocol> | undefined;

  constructor(sights: readonly Sight[]) {
    this.#sights = sights;
  }

  observe(observation: Observation): void {
    if (observation.type === "mounts") this.#mounted = new Set(observation.all.map(({ target }) => target.protocol));
    if (observation.type !== "source") return;
    const { source, state, why } = observation;
    if (this.#sights.some((sight) => sight.source === source)) this.#known.set(source, { state, why });
  }

  /** It has said that it tells nothing. */
  lacks(source: string): boolean {
    const state = this.#known.get(source)?.state;
    return state === "off" || state === "failed";
  }

  /** Where nothing is mounted there is nothing to see. */
  blind(): string[] {
    return this.#sights.flatMap(({ source, without }) => {
      const known = this.#known.get(source);
      if (known === undefined || known.state === "ok" || !this.#wanted(source)) return [];
      if (source === TICKETS && known.state === "off") return [];
      const why = known.why === undefined ? "" : `: ${known.why}`;
      if (known.state === "degraded") return [`${source} tells less than it could${why}`];
      return [`${without} (${source} is ${known.state}${why})`];
    });
  }

  #wanted(source: string): boolean {
    if (this.#mounted === undefined) return true;
    const protocol = protocols.get(source);
    return protocol === undefined ? this.#mounted.size > 0 : this.#mounted.has(protocol);
  }
}
