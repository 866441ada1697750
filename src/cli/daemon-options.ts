import type { Command } from "commander";
import { loadConfig } from "../config/config.ts";

/** Where the daemon is, for the commands that ask it. */
export interface DaemonOptions {
  readonly config?: string;
  readonly json?: boolean;
}

export function withDaemonOptions(command: Command): Command {
  return command
    .option("--json", "print JSON, one object a line")
    .option("--config <file>", "the daemon's configuration, for its directories");
}

/** AOD_RUN_DIR and AOD_STATE_DIR, else what the configuration says. */
export function daemonDirs({ config: file }: DaemonOptions): { readonly runDir: string; readonly stateDir: string } {
  const { AOD_RUN_DIR: runDir, AOD_STATE_DIR: stateDir } = process.env;
  if (runDir !== undefined && stateDir !== undefined) return { runDir, stateDir };
  const { config } = loadConfig(file, process.env);
  return { runDir: config.run_dir, stateDir: config.state_dir };
}
