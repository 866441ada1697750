import { BoundedMap } from "./bounded-map.ts";
import type { MountedFileSystem, Observation, ObservationOf } from "./observation.ts";

const MAX_MOUNTS = 4096;
const MAX_SOURCES = 256;

/** What is told once and holds from then on: how the sources do, what is mounted. For detectors that begin later. */
export class Standing {
  readonly #sources = new BoundedMap<string, ObservationOf<"source">>(MAX_SOURCES);
  readonly #mounts = new BoundedMap<string, MountedFileSystem>(MAX_MOUNTS);

  take(observation: Observation): void {
    if (observation.type === "source") this.#sources.set(observation.source, observation);
    if (observation.type !== "mounts") return;
    for (const { mountPoint } of observation.unmounted) this.#mounts.delete(mountPoint);
    for (const mount of observation.mounted) this.#mounts.set(mount.mountPoint, mount);
  }

  observations(nowNs: number): Observation[] {
    const mounted = [...this.#mounts.values()];
    return [...this.#sources.values(), { type: "mounts", nowNs, mounted, unmounted: [] }];
  }
}
