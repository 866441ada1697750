import type { MountedFileSystem } from "../../detect/observation.ts";

/** What RPCs went to, by the device of their mount: what a probe sees of a server is its name alone. */
export class NfsNames {
  #mounts: ReadonlyMap<string, MountedFileSystem> = new Map();

  /** All that is mounted now. */
  mounted(all: readonly MountedFileSystem[]): void {
    this.#mounts = new Map(all.filter(({ target }) => target.protocol === "nfs").map((one) => [one.device, one]));
  }

  exportOf(device: string | undefined): string | undefined {
    return device === undefined ? undefined : this.#mounts.get(device)?.target.export;
  }
}
