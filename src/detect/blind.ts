import type { Observation, SourceState } from "./observation.ts";

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

/** Keeps how the sources of one detector do. A source that has not been heard of yet is taken to come. */
export class Blindness {
  readonly #sights: readonly Sight[];
  readonly #known = new Map<string, Known>();

  constructor(sights: readonly Sight[]) {
    this.#sights = sights;
  }

  observe(observation: Observation): void {
    if (observation.type !== "source") return;
    const { source, state, why } = observation;
    if (this.#sights.some((sight) => sight.source === source)) this.#known.set(source, { state, why });
  }

  /** It has said that it tells nothing. */
  lacks(source: string): boolean {
    const state = this.#known.get(source)?.state;
    return state === "off" || state === "failed";
  }

  blind(): string[] {
    return this.#sights.flatMap(({ source, without }) => {
      const known = this.#known.get(source);
      if (known === undefined || known.state === "ok") return [];
      const why = known.why === undefined ? "" : `: ${known.why}`;
      if (known.state === "degraded") return [`${source} tells less than it could${why}`];
      return [`${without} (${source} is ${known.state}${why})`];
    });
  }
}
