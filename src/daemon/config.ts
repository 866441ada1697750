import { readFileSync } from "node:fs";
import { LineCounter, parseDocument } from "yaml";
import type { CommandThresholds, LatencyRules } from "../detect/latency.ts";
import type { DetectorRules } from "../detect/registry.ts";
import { commandNames } from "../smb/commands.ts";
import { AodError } from "../system/error.ts";
import { type ConfigProblem, problemsOf } from "./config-errors.ts";
import { listKeys } from "./config-keys.ts";
import { type Config, configSchema } from "./config-schema.ts";

export type { Config };

/** What the environment overrides. */
export interface ConfigEnvironment {
  readonly AOD_CONFIG?: string | undefined;
  readonly AOD_STATE_DIR?: string | undefined;
  readonly AOD_RUN_DIR?: string | undefined;
}

export const defaultConfigPath = "/etc/aod/aod.yaml";

/**
 * The configuration of `file`, else of AOD_CONFIG, else of /etc/aod/aod.yaml; only the last may be missing, then the defaults hold.
 * Throws AodError `failed` that lists everything that is wrong, each as `file:line:key: ...`.
 */
export function loadConfig(
  file: string | undefined,
  env: ConfigEnvironment,
): { readonly config: Config; readonly source: string } {
  const wanted = file ?? env.AOD_CONFIG;
  const path = wanted ?? defaultConfigPath;
  const text = readConfig(path, wanted !== undefined);
  const config = parseConfig(text ?? "", path);
  return {
    config: { ...config, state_dir: env.AOD_STATE_DIR ?? config.state_dir, run_dir: env.AOD_RUN_DIR ?? config.run_dir },
    source: text === undefined ? `the defaults (there is no ${path})` : path,
  };
}

function readConfig(path: string, mustExist: boolean): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (code === "ENOENT" && !mustExist) return undefined;
    throw new AodError("failed", `cannot read the configuration ${path}: ${code}`, { cause: error });
  }
}

/** `file` is only for messages. An empty text means the defaults. */
export function parseConfig(text: string, file: string): Config {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    const problems = document.errors.map(
      (error): ConfigProblem => ({
        line: lines.linePos(error.pos[0]).line,
        key: "",
        text: `not YAML: ${error.message}`,
      }),
    );
    throw wrong(file, problems);
  }
  const result = configSchema.safeParse(document.toJS());
  if (result.success) return result.data;
  const known = listKeys(configSchema).map((key) => key.path);
  throw wrong(file, problemsOf(result.error.issues, document, lines, known));
}

function wrong(file: string, problems: readonly ConfigProblem[]): AodError {
  const sorted = [...problems].sort((a, b) => a.line - b.line);
  const list = sorted.map(({ line, key, text }) => `${file}:${line}:${key === "" ? "" : `${key}:`} ${text}`);
  return new AodError("failed", `the configuration is wrong:\n${list.join("\n")}`);
}

/** What the detectors need of it. */
export function detectorRules({ detectors: { latency } }: Config): DetectorRules {
  if (!latency.enabled) return {};
  const general: CommandThresholds = { thresholdNs: latency.threshold, singleNs: latency.single };
  const excluded = new Set(latency.exclude);
  const commands = new Map<number, CommandThresholds>();
  for (const code of commandNames.keys()) {
    if (!excluded.has(code)) commands.set(code, thresholdsOf(general, latency.commands.get(code)));
  }
  const rules: LatencyRules = {
    windowNs: latency.window,
    count: latency.count,
    commands,
    waiters: general,
    blockingLocks: latency.blocking_locks,
    inFlight: latency.in_flight,
    maxTargets: latency.max_targets,
  };
  return { latency: rules };
}

/** Who allows a command 2 s does not want to hear of one that took 1.5 s. */
function thresholdsOf(
  general: CommandThresholds,
  own: { readonly threshold?: number | undefined; readonly single?: number | undefined } | undefined,
): CommandThresholds {
  const thresholdNs = own?.threshold ?? general.thresholdNs;
  const raised = own?.threshold === undefined ? general.singleNs : Math.max(general.singleNs, own.threshold);
  return { thresholdNs, singleNs: own?.single ?? raised };
}
