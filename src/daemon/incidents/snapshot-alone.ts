import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Config } from "../../config/config.ts";
import { createLog } from "../log.ts";
import { type StartOptions, startDaemon } from "../start.ts";
import type { IncidentJson } from "./json.ts";
import type { SnapshotRequest } from "./snapshots.ts";

export interface AloneOptions
  extends Pick<StartOptions, "config" | "configSource" | "version" | "roots" | "startProbe"> {
  readonly request: SnapshotRequest;
  /** What is said of its progress. */
  readonly say: (line: string) => void;
  /** Ends the time before it is over. */
  readonly signal: AbortSignal;
}

const BEAT_MS = 1000;

/**
 * A snapshot on a machine where no daemon runs: one for as long as it takes, with all captures and recorders, and without detectors. Its bundle lies
 * where a daemon's would.
 */
export async function snapshotAlone(options: AloneOptions): Promise<IncidentJson> {
  const { request, say, signal, ...start } = options;
  const runDir = mkdtempSync(join(tmpdir(), "aod-snapshot-"));
  const log = createLog({ write: () => {} }, "error");
  try {
    const config = { ...withoutDetectors(options.config), run_dir: runDir };
    const running = await startDaemon({ ...start, config, log, rehearse: false });
    const beat = setInterval(() => running.beat(), BEAT_MS);
    let id: string;
    try {
      running.beat();
      id = running.daemon.incidents.snapshot(request).id;
      say(`no daemon runs: taking snapshot ${id} by myself, ${Math.round(request.forNs / 1e9)} s`);
      await until(() => running.daemon.incidents.get(id)?.state === "closed", signal);
    } finally {
      clearInterval(beat);
      // Closes it where it is still open.
      await running.end();
    }
    const taken = running.daemon.incidents.get(id);
    if (taken === undefined) throw new Error(`snapshot ${id} is gone`);
    return taken;
  } finally {
    rmSync(runDir, { recursive: true, force: true });
  }
}

function withoutDetectors(config: Config): Config {
  const names = Object.keys(config.detectors) as (keyof Config["detectors"])[];
  const off = names.map((name) => [name, { ...config.detectors[name], enabled: false }]);
  return { ...config, detectors: Object.fromEntries(off) };
}

async function until(done: () => boolean, signal: AbortSignal): Promise<void> {
  while (!done() && !signal.aborted) await sleep(200, undefined, { signal }).catch(() => undefined);
}
