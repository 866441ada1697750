import { isDeepStrictEqual } from "node:util";
import { type Clock, formatWall } from "../system/clock.ts";
import { AodError, messageOf } from "../system/error.ts";
import type { Config, LoadedConfig } from "./config.ts";
import { type ConfigKey, listKeys } from "./keys.ts";
import { configSchema } from "./schema.ts";

/** How the last reload went. */
export interface ReloadReport {
  /** RFC 3339, UTC. */
  readonly time: string;
  readonly result: "taken" | "refused";
  /** Why it was refused. */
  readonly message?: string;
}

export interface Loaded extends Pick<LoadedConfig, "config" | "source"> {}

/** The configuration that holds now. Whoever wants to follow reloads asks it each time. */
export class LiveConfig {
  readonly #clock: Clock;
  #loaded: Loaded;
  #last: ReloadReport | undefined;

  constructor(loaded: Loaded, clock: Clock) {
    this.#loaded = loaded;
    this.#clock = clock;
  }

  get config(): Config {
    return this.#loaded.config;
  }

  get source(): string {
    return this.#loaded.source;
  }

  get last(): ReloadReport | undefined {
    return this.#last;
  }

  /** Takes over what `load` gives, as a whole or not at all. Never throws.*/
  reload(load: () => Loaded, apply: (config: Config) => void): ReloadReport {
    const time = formatWall(this.#clock.wallMs());
    const before = this.#loaded;
    try {
      const loaded = load();
      refuseFixed(before.config, loaded.config);
      this.#loaded = loaded;
      apply(loaded.config);
      this.#last = { time, result: "taken" };
    } catch (error) {
      this.#loaded = before;
      this.#last = { time, result: "refused", message: messageOf(error) };
    }
    return this.#last;
  }
}

function refuseFixed(before: Config, after: Config): void {
  const changed = listKeys(configSchema).filter(
    (key: ConfigKey) => key.restart && !isDeepStrictEqual(valueAt(before, key.path), valueAt(after, key.path)),
  );
  if (changed.length === 0) return;
  const names = changed.map(({ path }) => path).join(", ");
  throw new AodError("failed", `${names}: a change of this needs a restart (systemctl restart aod)`);
}

function valueAt(config: Config, path: string): unknown {
  return path
    .split(".")
    .reduce<unknown>(
      (value, part) => (typeof value === "object" && value !== null ? Reflect.get(value, part) : undefined),
      config,
    );
}
