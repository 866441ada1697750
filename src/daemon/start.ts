import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { BundleVersions } from "../bundle/manifest.ts";
import { listBundles } from "../bundle/retention.ts";
import type { Config } from "../config/config.ts";
import { LiveConfig, type Loaded, type ReloadReport } from "../config/live.ts";
import { debugDataIn } from "../probe/target-names.ts";
import { LiveWorld } from "../record/live-world.ts";
import { createSources } from "../sources/registry.ts";
import { systemClock } from "../system/clock.ts";
import { createRunner } from "../system/process.ts";
import { createSampleRing } from "../system/samples.ts";
import { startStream } from "../system/stream.ts";
import { startApi } from "./api.ts";
import { ContinuityWatch } from "./continuity.ts";
import { Daemon, type DaemonDeps } from "./daemon.ts";
import { freeBytes, makeDirectories, takeLocks } from "./directories.ts";
import { readHost } from "./host.ts";
import { type AnnounceRules, Announcer } from "./incidents/announcer.ts";
import { capturer, createFlightRecorder, type Roots } from "./incidents/capturer.ts";
import { type Rehearsal, rehearsalMeta, rehearse } from "./incidents/rehearsal.ts";
import { parseSnapshot } from "./incidents/snapshot-request.ts";
import type { Logger } from "./log.ts";
import { bundlesIn, helpersOf, modulesIn } from "./machine.ts";
import { metricsAnswer } from "./metrics.ts";
import { openMetricsPort } from "./metrics-port.ts";
import { parseAttach } from "./probes/attach-request.ts";
import { recordTo, tellLoss } from "./recording.ts";
import { statusOf } from "./status.ts";
import { Teardown } from "./teardown.ts";

export const systemRoots: Roots = { procRoot: "/proc", sysRoot: "/sys", kmsgPath: "/dev/kmsg" };

export interface StartOptions {
  readonly config: Config;
  readonly configSource: string;
  readonly log: Logger;
  readonly version: string;
  /** A file to be made: everything that the daemon judges by. */
  readonly record?: string;
  readonly roots?: Roots;
  /** False: what captures give on this machine is not tried. */
  readonly rehearse?: boolean;
  /** Replaces the real probe. */
  readonly startProbe?: DaemonDeps["startProbe"];
  readonly debugData?: DaemonDeps["readDebugData"];
}

export interface RunningDaemon {
  readonly daemon: Daemon;
  /** Path of the socket. */
  readonly socket: string;
  /** Once a second. */
  beat(): void;
  /** Takes another configuration over, or refuses it and goes on with the old one. Never throws. */
  reload(load: () => Loaded): ReloadReport;
  /** Closes the incidents, the probe, the socket, and lets the lock go. */
  end(): Promise<void>;
  /** Where that takes too long: what must not outlast the process, at once. The rest is the next start's. */
  abandon(): void;
}

/**
 * The daemon's start, in order: directories, lock, what an earlier daemon left, socket. It lives from then on by `beat`. Rejects with AodError
 * `failed`; then nothing of it is left.
 */
export async function startDaemon(options: StartOptions): Promise<RunningDaemon> {
  const opened = new Teardown((error) => options.log.error({ error }, "something of the daemon could not be closed"));
  try {
    return await start(options, opened);
  } catch (error) {
    await opened.run();
    throw error;
  }
}

async function start(options: StartOptions, opened: Teardown): Promise<RunningDaemon> {
  const { config, log, roots = systemRoots } = options;
  const world = new LiveWorld(roots.procRoot);
  await makeDirectories(config);
  opened.add(takeLocks(config, roots.procRoot));
  opened.add(() => world.recorder?.end());
  if (options.record !== undefined) recordTo(options.record, world);
  const host = await readHost();
  const versions: BundleVersions = { aod: options.version, node: process.version, kernel: host.kernel };
  // Longer than an incident may last: what happened during one is there when it closes.
  const samples = createSampleRing(roots.procRoot, systemClock, { maxAgeSeconds: 900, maxBytes: 2 * 1024 ** 2 });
  opened.add(() => samples.close());
  const live = new LiveConfig({ config, source: options.configSource }, systemClock);
  const capture = capturer(
    () => live.config,
    roots,
    samples,
    () => recorder,
    () => Promise.resolve(status()),
  );
  const announcer = new Announcer({
    rules: () => announceRules(live.config),
    run: createRunner(),
    journald: () => existsSync(join(roots.fsRoot ?? "/", "run/systemd/journal/socket")),
    log,
  });
  const continuity = new ContinuityWatch(systemClock);
  let rehearsal: Rehearsal | undefined;
  const readDebugData = options.debugData ?? debugDataIn(world.readUnrecorded);
  const recorder = createFlightRecorder(config, roots, readDebugData);
  opened.add(() => recorder.end());
  const daemon = new Daemon({
    config,
    log,
    host,
    versions,
    procRoot: roots.procRoot,
    ...modulesIn(roots.sysRoot),
    ...helpersOf(world, options.startProbe),
    ...bundlesIn(config.state_dir, roots.procRoot, () => live.config.bundles),
    // It stands between two inputs, so that a recording of them is judged the same.
    clock: world.clock,
    readDebugData: options.debugData ?? debugDataIn(world.readProc),
    peekDebugData: readDebugData,
    waiters: (waiters, deal) => {
      world.advance();
      deal();
      world.recorder?.waiters(waiters);
    },
    sample: () => samples.sample(),
    sources: createSources({
      ...roots,
      fsRoot: roots.fsRoot ?? "/",
      clock: systemClock,
      run: createRunner(),
      stream: startStream,
    }),
    realNs: () => systemClock.nowNs(),
    observed: (observation, deal) => {
      recorder.observe(observation);
      world.advance();
      deal();
      world.recorder?.observation(observation);
    },
    capture: async (...args) => {
      const { enabled, for: forNs } = live.config.captures.verbose;
      if (enabled && args[0] === "open") recorder.verbose.on(forNs);
      await capture(...args);
    },
    announce: (news) => announcer.announce(news),
  });
  await daemon.recover();
  const status = () =>
    statusOf({
      daemon,
      clock: systemClock,
      versions,
      configSource: live.source,
      reload: live.last,
      stateDir: config.state_dir,
      probeEnabled: config.probes.smb_wire,
      procRoot: roots.procRoot,
      readDebugData,
      listBundles: () => listBundles(config.state_dir),
      freeBytes: () => freeBytes(config.state_dir),
      rehearsal,
      recorder: recorder.status(),
      announcer,
      continuity: continuity.state,
    });
  const metrics = (accept: string | undefined) =>
    metricsAnswer(
      {
        daemon,
        status,
        smbOps: daemon.smbMetrics,
        nfsOps: daemon.nfsOps.metrics,
        maxSeries: config.metrics.max_series,
        procRoot: roots.procRoot,
        readDebugData,
      },
      accept,
    );
  const { listen } = config.metrics;
  if (listen !== "off") {
    const port = await openMetricsPort(listen, metrics);
    opened.add(() => port.close());
  }
  const api = await startApi(
    config.run_dir,
    {
      status,
      metrics: (_rest, accept) => metrics(accept),
      requests: () => daemon.requests(),
      incidents: (id) => (id === "" ? daemon.incidents.list() : daemon.incidents.get(id)),
    },
    {
      snapshot: (body) => daemon.incidents.snapshot(parseSnapshot(body)),
      probes: async (body) => {
        await daemon.attachProbes(parseAttach(body));
        return (await status()).probes;
      },
    },
  );
  opened.add(() => api.close());
  log.info({ pid: process.pid, socket: api.path, config: options.configSource }, `aod ${options.version} runs`);
  const ending = new AbortController();
  const rehearsing =
    options.rehearse === false
      ? Promise.resolve()
      : rehearse({
          runDir: config.run_dir,
          meta: rehearsalMeta(host, versions, systemClock),
          capture: (writer, signal) => capture("open", writer, systemClock.nowNs(), signal, () => []),
          limitMs: (2 * config.captures.limit) / 1e6,
          signal: ending.signal,
        }).then((result) => {
          rehearsal = result;
        });
  return {
    daemon,
    socket: api.path,
    beat: () => {
      world.advance();
      continuity.beat();
      daemon.beat();
      recorder.beat(daemon.troubled, daemon.sources.situation.idle);
      world.recorder?.beat();
    },
    reload: (load) => {
      const report = live.reload(load, (next) => daemon.configure(next));
      const { result, message } = report;
      if (result === "taken") log.info({ config: live.source }, "configuration reloaded");
      else log.error({ error: message }, "the configuration was not reloaded: the old one goes on");
      return report;
    },
    end: async () => {
      ending.abort();
      world.advance();
      // What still comes opens and closes nothing.
      const recorded = world.recorder?.end();
      await daemon.end();
      await Promise.race([announcer.idle(), sleep(ANNOUNCE_END_MS, undefined, { ref: false })]);
      await recorded;
      if (world.recorder !== undefined) tellLoss(world.recorder, log);
      await rehearsing;
      await opened.run();
    },
    // Its packets are not scrubbed, and its tracing instance costs memory.
    abandon: () => recorder.end(),
  };
}

/** ms that news of the incidents that the end has closed may take. */
const ANNOUNCE_END_MS = 1500;

function announceRules({ incidents }: Config): AnnounceRules {
  const { journal, on_incident: program, on_incident_limit: limitNs } = incidents;
  return { journal, program, programLimitMs: limitNs / 1e6 };
}
