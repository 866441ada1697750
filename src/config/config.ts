import { ConfigError, problemsOf, syntaxProblems } from "./errors.ts";
import { listKeys } from "./keys.ts";
import { type ConfigFile, type ConfigLayer, layerOf, mergeLayers, readConfigFiles } from "./layers.ts";
import { type Config, configSchema } from "./schema.ts";

export { detectorRules } from "./detector-rules.ts";
export type { Config };

/** What the environment overrides. */
export interface ConfigEnvironment {
  readonly AOD_CONFIG?: string | undefined;
  readonly AOD_STATE_DIR?: string | undefined;
  readonly AOD_RUN_DIR?: string | undefined;
}

export interface LoadedConfig {
  readonly config: Config;
  /** For people: the files, or that there are none. */
  readonly source: string;
  readonly layers: readonly ConfigLayer[];
}

export const defaultConfigPath = "/etc/aod/aod.yaml";

/**
 * The configuration of `file`, else of AOD_CONFIG, else of /etc/aod/aod.yaml, and of `conf.d/*.yaml` beside it; only the last may be missing,
 * then the defaults hold. Throws ConfigError that lists everything that is wrong, each as `file:line:key: ...`.
 */
export function loadConfig(file: string | undefined, env: ConfigEnvironment): LoadedConfig {
  const wanted = file ?? env.AOD_CONFIG;
  const path = wanted ?? defaultConfigPath;
  const files = readConfigFiles(path, wanted !== undefined);
  const { config, layers } = parseLayers(files);
  return {
    config: { ...config, state_dir: env.AOD_STATE_DIR ?? config.state_dir, run_dir: env.AOD_RUN_DIR ?? config.run_dir },
    source: files.length === 0 ? `the defaults (there is no ${path})` : files.map((one) => one.path).join(", "),
    layers,
  };
}

/** `file` is only for messages. An empty text means the defaults. */
export function parseConfig(text: string, file: string): Config {
  return parseLayers([{ path: file, text }]).config;
}

function parseLayers(files: readonly ConfigFile[]): { readonly config: Config; readonly layers: ConfigLayer[] } {
  const layers = files.map(layerOf);
  const broken = layers.flatMap(syntaxProblems);
  if (broken.length > 0) throw new ConfigError(broken);
  const result = configSchema.safeParse(mergeLayers(layers));
  if (result.success) return { config: result.data, layers };
  const known = listKeys(configSchema).map((key) => key.path);
  throw new ConfigError(problemsOf(result.error.issues, layers, known));
}
