import { Command } from "commander";
import { loadConfig } from "../config/config.ts";
import { createLog, type Logger } from "../daemon/log.ts";
import { connectServiceManager, watchdogPeriodMs } from "../daemon/notify.ts";
import { pulsesOf, summaryOf } from "../daemon/pulses.ts";
import { Service } from "../daemon/service.ts";
import { type RunningDaemon, startDaemon } from "../daemon/start.ts";
import { systemClock } from "../system/clock.ts";
import { AodError, messageOf } from "../system/error.ts";
import { nativePaths } from "../system/paths.ts";
import { version } from "../system/version.ts";

const BEAT_MS = 1000;
/** A service manager waits 10 s at least; on a machine that is busy the timer is late, and the process takes a while to go. */
const END_LIMIT_MS = 6000;
const levels = ["debug", "info", "warn", "error"];

export function build(): Command {
  return new Command("run")
    .description(
      "Runs the daemon in the foreground: watches every SMB mount, and keeps the evidence when one turns slow.",
    )
    .option("--config <file>", "configuration (default: $AOD_CONFIG, else /etc/aod/aod.yaml when it is there)")
    .option("--log-level <level>", `one of ${levels.join(", ")}`, "info")
    .option("--record <file>", "keep all that it judges by, for aod replay; up to 1 GiB")
    .addHelpText(
      "after",
      `
Examples:
  sudo aod run                              the defaults: nothing needs to be configured
  sudo aod run --config ./aod.yaml
  sudo AOD_STATE_DIR=/tmp/state AOD_RUN_DIR=/tmp/run aod run

SIGTERM and SIGINT close the open incidents and end it, within 10 s. SIGHUP reads the configuration again, SIGUSR1 takes a snapshot (aod snapshot). See also: aod status, aod incidents.`,
    )
    .action(run);
}

async function run(options: {
  readonly config?: string;
  readonly logLevel: string;
  readonly record?: string;
}): Promise<void> {
  if (!levels.includes(options.logLevel)) {
    throw new AodError("usage", `there is no log level "${options.logLevel}": it is one of ${levels.join(", ")}`);
  }
  const { config, source } = loadConfig(options.config, process.env);
  requireRoot(process.geteuid?.());
  const log = createLog(process.stderr, options.logLevel);
  const signal = nextSignal();
  const { record } = options;
  const recording = record === undefined ? {} : { record };
  let running: RunningDaemon | undefined;
  let service: Service | undefined;
  const reload = (): void => {
    service?.reloading();
    running?.reload(() => loadConfig(options.config, process.env));
    service?.reloaded();
  };
  // From the first moment on: unhandled it would end the process.
  process.on("SIGHUP", reload);
  process.on("SIGUSR1", () => takeSnapshot(running, log));
  running = await startDaemon({ config, configSource: source, log, version, ...recording });
  service = serviceOf(running, log);
  const everySecond = (): void => {
    running.beat();
    service?.beat();
  };
  running.beat();
  service?.ready();
  const beat = setInterval(everySecond, BEAT_MS);
  log.info({ signal: await signal }, "ending: the open incidents are closed first");
  service?.stopping();
  const limit = setTimeout(() => {
    running?.abandon();
    log.error(`not done after ${END_LIMIT_MS / 1000} s: the next start finishes what is left`);
    process.exit(0);
  }, END_LIMIT_MS);
  try {
    await running.end();
  } catch (error) {
    throw new AodError("failed", `the end went wrong: ${messageOf(error)}`, { cause: error });
  } finally {
    clearTimeout(limit);
    clearInterval(beat);
    await service?.end();
  }
  log.info("ended");
}

const SNAPSHOT_NS = 60e9;

function takeSnapshot(running: RunningDaemon | undefined, log: Logger): void {
  try {
    running?.daemon.incidents.snapshot({ note: "by SIGUSR1", forNs: SNAPSHOT_NS });
  } catch (error) {
    log.warn({ error: messageOf(error) }, "no snapshot was taken");
  }
}

/** Where a service manager started us: what it is told. */
function serviceOf({ daemon }: RunningDaemon, log: Logger): Service | undefined {
  const manager = connectServiceManager(nativePaths().probe, process.env, log);
  if (manager === undefined) return undefined;
  const watchdogMs = watchdogPeriodMs(process.env, process.pid);
  const nowNs = () => systemClock.nowNs();
  return new Service({ manager, watchdogMs, pulses: pulsesOf(daemon), nowNs, summary: () => summaryOf(daemon), log });
}

export function requireRoot(effectiveUser: number | undefined): void {
  if (effectiveUser === 0) return;
  throw new AodError("failed", "the daemon needs root to load BPF programs: run it as root, or with sudo");
}

/** The first SIGTERM or SIGINT; a second one ends the process as usual. */
function nextSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, resolve);
  });
}
