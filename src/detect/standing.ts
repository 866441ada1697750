import { BoundedMap } from "./bounded-map.ts";
import type { Observation, ObservationOf } from "./observation.ts";

const MAX_SOURCES = 256;

/** What is told once and holds from then on: how the sources do, what is mounted. For detectors that begin later. */
export class Standing {
  readonly #sources = new BoundedMap<string, ObservationOf<"source">>(MAX_SOURCES);
  #mounts: ObservationOf<"mounts"> | undefined;

  take(observation: Observation): void {
    if (observation.type === "source") this.#sources.set(observation.source, observation);
    if (observation.type === "mounts") this.#mounts = observation;
  }

  observations(nowNs: number): Observation[] {
    const mounts = this.#mounts === undefined ? [] : [{ ...this.#mounts, nowNs }];
    return [...this.#sources.values(), ...mounts];
  }
}
