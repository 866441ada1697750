import { availableParallelism } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { captures } from "../../capture/registry.ts";
import { type CaptureSummary, createCaptureRunner } from "../../capture/run.ts";
import type { Config } from "../../config/config.ts";
import { FlightRecorder } from "../../flight-recorder/flight-recorder.ts";
import { readText } from "../../sources/read.ts";
import { systemClock } from "../../system/clock.ts";
import { isNfs, isSmb, type Mount, parseMounts, serversOf } from "../../system/mounts.ts";
import { createRunner } from "../../system/process.ts";
import type { SampleRing } from "../../system/samples.ts";
import type { DaemonDeps } from "../daemon.ts";

/** Where the machine is looked at; a test gives directories of its own. */
export interface Roots {
  readonly procRoot: string;
  readonly sysRoot: string;
  readonly kmsgPath: string;
  /** Default `/`. */
  readonly fsRoot?: string;
}

const MOUNTS_BYTES = 8 * 1024 ** 2;

/** Of PID 1: the daemon's own mount namespace is that of its sandbox. A file of strings in memory. */
async function networkMountsIn({ procRoot }: Roots): Promise<Mount[]> {
  const mounts = parseMounts(readText(join(procRoot, "1/mounts"), MOUNTS_BYTES)?.text ?? "");
  return mounts.filter((mount) => isSmb(mount) || isNfs(mount));
}

export function createFlightRecorder(
  config: Config,
  roots: Roots,
  debugData: DaemonDeps["readDebugData"],
): FlightRecorder {
  return new FlightRecorder({
    ...roots,
    settings: config.recorder,
    stateDir: config.state_dir,
    clock: systemClock,
    pid: process.pid,
    cpus: availableParallelism(),
    servers: async () => serversOf(await networkMountsIn(roots)),
    sessions: () => {
      const servers = debugData()?.servers ?? [];
      return servers.flatMap(({ sessions }) => sessions.flatMap(({ sessionId }) => sessionId ?? []));
    },
  });
}

/** What the daemon runs for an incident that opens or closes: all captures but those that the configuration excludes. */
export function capturer(
  now: () => Config,
  roots: Roots,
  samples: SampleRing,
  flight: () => FlightRecorder,
  health: () => Promise<unknown>,
) {
  const make = ({ exclude, limit }: Config["captures"]) =>
    createCaptureRunner({
      captures: captures.filter((capture) => !exclude.includes(capture.name)),
      limitMs: limit / 1e6,
    });
  let made = { by: now().captures, runner: make(now().captures) };
  const run = createRunner();
  return async (
    ...[phase, writer, openedNs, signal, worstOps]: Parameters<DaemonDeps["capture"]>
  ): Promise<CaptureSummary> => {
    const networkMounts = () => networkMountsIn(roots);
    const servers = async () => serversOf(await networkMounts());
    if (!isDeepStrictEqual(made.by, now().captures)) made = { by: now().captures, runner: make(now().captures) };
    const summary = await made.runner.run(phase, writer, {
      ...roots,
      clock: systemClock,
      run,
      servers,
      networkMounts,
      openedNs,
      samples,
      worstOps,
      kernelEvents: () => flight().kernelEvents(),
      packets: (fromNs) => flight().packetsSince(fromNs),
      observations: (sinceNs) => flight().observationsSince(sinceNs),
      health,
      signal,
    });
    if (summary.unfinished.length > 0)
      (await writer)?.note(`Captures that did not come to their end (${phase}): ${summary.unfinished.join(", ")}.`);
    return summary;
  };
}
