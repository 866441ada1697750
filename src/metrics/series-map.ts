import type { Labels } from "./exposition.ts";

/** Series by their labels. A counter that has been shown must not vanish, so a new one is refused when there are too many, and that is counted. */
export class SeriesMap<Series> {
  /** Observations that found no series. */
  dropped = 0;
  readonly #max: number;
  readonly #series = new Map<string, Series>();

  constructor(max: number) {
    this.#max = max;
  }

  /** `weight`: how many observations it is about. */
  get(labels: Labels, weight: number, make: () => Series): Series | undefined {
    const key = Object.values(labels).join("\0");
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    if (this.#series.size >= this.#max) {
      this.dropped += weight;
      return undefined;
    }
    const fresh = make();
    this.#series.set(key, fresh);
    return fresh;
  }

  list(): Series[] {
    return [...this.#series.values()];
  }
}
