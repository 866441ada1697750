import { chmodSync, existsSync, mkdirSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { BundleHost, BundleMeta, BundleVersions } from "../bundle/manifest.ts";
import { recoverBundles } from "../bundle/recover.ts";
import { applyRetention, listBundles } from "../bundle/retention.ts";
import { createBundle } from "../bundle/writer.ts";
import type { Config } from "../config/config.ts";
import { LiveConfig, type Loaded, type ReloadReport } from "../config/live.ts";
import type { FlightRecorder } from "../flight-recorder/flight-recorder.ts";
import { startProbe } from "../probe/helper.ts";
import { startProcess } from "../probe/helper-process.ts";
import { debugDataIn } from "../probe/target-names.ts";
import { headerOf } from "../record/header.ts";
import { LiveWorld } from "../record/live-world.ts";
import { refuseNetworkMount } from "../record/network-mount.ts";
import { Recorder } from "../record/recorder.ts";
import { createRecording } from "../record/writer.ts";
import { createSources } from "../sources/registry.ts";
import { formatWall, systemClock } from "../system/clock.ts";
import { AodError, messageOf } from "../system/error.ts";
import { nativePaths } from "../system/paths.ts";
import { hasCode } from "../system/proc.ts";
import { createRunner } from "../system/process.ts";
import { createSampleRing } from "../system/samples.ts";
import { startStream } from "../system/stream.ts";
import { startApi } from "./api.ts";
import { Daemon, type DaemonDeps } from "./daemon.ts";
import { readHost } from "./host.ts";
import { type AnnounceRules, Announcer } from "./incidents/announcer.ts";
import { capturer, createFlightRecorder, type Roots } from "./incidents/capturer.ts";
import { type Rehearsal, rehearse } from "./incidents/rehearsal.ts";
import { parseSnapshot } from "./incidents/snapshot-request.ts";
import { type DaemonLock, takeLock } from "./lock.ts";
import type { Logger } from "./log.ts";
import { metricsAnswer } from "./metrics.ts";
import { openMetricsPort } from "./metrics-port.ts";
import { furtherKinds } from "./probes/further-probes.ts";
import { statusOf } from "./status.ts";

export const systemRoots: Roots = { procRoot: "/proc", sysRoot: "/sys", kmsgPath: "/dev/kmsg" };

/** What is in flight is told with each tick: a request that crosses its threshold must be noticed within 1.25 s, also on a busy machine. */
const TICK_MS = 500;

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
}

/**
 * The daemon's start, in order: directories, lock, what an earlier daemon left, socket. It lives from then on by `beat`. Rejects with AodError
 * `failed`; then nothing of it is left.
 */
export async function startDaemon(options: StartOptions): Promise<RunningDaemon> {
  const { config, log, roots = systemRoots } = options;
  const world = new LiveWorld(roots.procRoot);
  makeDirectories(config);
  const release = takeLocks(config, roots);
  let flight: FlightRecorder | undefined;
  try {
    if (options.record !== undefined) recordTo(options.record, world);
    const host = await readHost();
    const versions: BundleVersions = { aod: options.version, node: process.version, kernel: host.kernel };
    // Longer than an incident may last: what happened during one is there when it closes.
    const samples = createSampleRing(roots.procRoot, systemClock, { maxAgeSeconds: 900, maxBytes: 2 * 1024 ** 2 });
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
    let rehearsal: Rehearsal | undefined;
    const readDebugData = options.debugData ?? debugDataIn(world.readUnrecorded);
    const recorder = createFlightRecorder(config, roots, readDebugData);
    flight = recorder;
    const daemon = new Daemon({
      ...partsOf(options, () => live.config, roots, world, host, versions),
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
      });
    const metrics = (accept: string | undefined) =>
      metricsAnswer(
        {
          daemon,
          status,
          smbOps: daemon.smbMetrics,
          maxSeries: config.metrics.max_series,
          procRoot: roots.procRoot,
          readDebugData,
        },
        accept,
      );
    const { listen } = config.metrics;
    const port = listen === "off" ? undefined : await openMetricsPort(listen, metrics);
    const api = await startApi(
      config.run_dir,
      {
        status,
        metrics: (_rest, accept) => metrics(accept),
        incidents: (id) => (id === "" ? daemon.incidentList() : daemon.incident(id)),
      },
      { snapshot: (body) => daemon.snapshot(parseSnapshot(body)) },
    );
    log.info({ pid: process.pid, socket: api.path, config: options.configSource }, `aod ${options.version} runs`);
    const rehearsing =
      options.rehearse === false
        ? Promise.resolve()
        : rehearse({
            runDir: config.run_dir,
            meta: rehearsalMeta(host, versions),
            capture: (writer, signal) => capture("open", writer, systemClock.nowNs(), signal, () => []),
          }).then((result) => {
            rehearsal = result;
          });
    return {
      daemon,
      socket: api.path,
      beat: () => {
        world.advance();
        daemon.beat();
        recorder.beat(daemon.troubled);
        world.recorder?.beat();
      },
      reload: (load) => {
        const report = live.reload(load, (next) => daemon.configure(next));
        const { result, message } = report;
        if (result === "taken")
          log.info({ config: live.source, ...(message && { message }) }, "configuration reloaded");
        else log.error({ error: message }, "the configuration was not reloaded: the old one goes on");
        return report;
      },
      end: async () => {
        world.advance();
        // What still comes opens and closes nothing.
        const recorded = world.recorder?.end();
        await daemon.end();
        await Promise.race([announcer.idle(), sleep(ANNOUNCE_END_MS, undefined, { ref: false })]);
        await recorded;
        if (world.recorder !== undefined) tellLoss(world.recorder, log);
        await rehearsing;
        recorder.end();
        await api.close();
        await port?.close();
        samples.close();
        release();
      },
    };
  } catch (error) {
    flight?.end();
    release();
    throw error;
  }
}

/** ms that news of the incidents that the end has closed may take. */
const ANNOUNCE_END_MS = 1500;
const RECORDING_MAX = 1024 ** 3;

function recordTo(file: string, world: LiveWorld): void {
  refuseNetworkMount(file, world.readProc, process.cwd());
  const further = furtherKinds.map(({ name, module }) => ({ name, module, args: [] }));
  const probes = [{ name: "smb_wire", module: "cifs", args: [] }, ...further];
  world.recordWith(
    new Recorder(
      createRecording(file, headerOf("run", probes, world.start), { fileBytes: RECORDING_MAX }),
      () => world.at,
    ),
  );
}

function tellLoss({ writer: { lost, failure } }: Recorder, log: Logger): void {
  if (lost.chunks > 0) log.warn(lost, "the recording lacks pieces: the disk was too slow");
  if (failure !== undefined) log.error({ error: failure }, "the recording is cut off");
}

function announceRules({ incidents }: Config): AnnounceRules {
  const { journal, on_incident: program, on_incident_limit: limitNs } = incidents;
  return { journal, program, programLimitMs: limitNs / 1e6 };
}

/** Of both directories: each has one daemon. */
function takeLocks({ run_dir, state_dir }: Config, { procRoot }: Roots): () => void {
  const taken: DaemonLock[] = [];
  const release = (): void => {
    for (const lock of taken) lock.release();
  };
  try {
    for (const directory of new Set([run_dir, state_dir]))
      taken.push(takeLock({ directory, procRoot, pid: process.pid }));
    return release;
  } catch (error) {
    release();
    throw error;
  }
}

function makeDirectories({ run_dir, state_dir }: Config): void {
  try {
    mkdirSync(join(state_dir, "bundles"), { recursive: true, mode: 0o700 });
    if (existsSync(run_dir)) return;
    mkdirSync(run_dir, { recursive: true });
    chmodSync(run_dir, 0o750);
  } catch (error) {
    const hint = hasCode(error, "EROFS")
      ? ". Under the service: aod install lets it write to the configured state_dir"
      : "";
    throw new AodError("failed", `cannot make the daemon's directories: ${messageOf(error)}${hint}`, { cause: error });
  }
}

function partsOf(
  { config, log, ...options }: StartOptions,
  now: () => Config,
  roots: Roots,
  world: LiveWorld,
  host: BundleHost,
  versions: BundleVersions,
) {
  const paths = nativePaths();
  const probe = { program: paths.probe, object: paths.object("smb_wire"), probe: "smb_wire" as const, tickMs: TICK_MS };
  const retain = async (): Promise<readonly string[]> => {
    const { max_count, max_bytes, max_age, min_free } = now().bundles;
    const keep = { maxCount: max_count, maxBytes: max_bytes, maxAgeMs: max_age / 1e6, minFreeBytes: min_free };
    return (await applyRetention(config.state_dir, keep, systemClock)).failed;
  };
  return {
    config,
    log,
    host,
    versions,
    procRoot: roots.procRoot,
    moduleLoaded: (name) => existsSync(join(roots.sysRoot, "module", name)),
    startProbe:
      options.startProbe ??
      ((onEvent, onExit) => {
        const followed = world.follow(0, startProcess);
        const started = startProbe({ ...probe, clock: world.clock, start: followed.start }, onEvent, onExit);
        followed.record();
        return started;
      }),
    further: {
      // A test that gives a probe of its own wants no other.
      kinds: options.startProbe === undefined ? furtherKinds : [],
      start: (kind, hears, onExit) => {
        const followed = world.follow(1 + furtherKinds.indexOf(kind), startProcess);
        const helper = { program: paths.probe, object: paths.object(kind.object), tickMs: TICK_MS, clock: world.clock };
        const started = kind.start({ ...helper, start: followed.start }, hears, onExit);
        followed.record();
        return started;
      },
    },
    createBundle: async (meta) => {
      // Older bundles give room to a new one; what could not be removed is told when this one is finished.
      if ((await freeBytes(config.state_dir)) < now().bundles.min_free) await retain();
      const { min_free, max_size, max_ops } = now().bundles;
      const limits = { minFreeBytes: min_free, totalBytes: max_size, limitBytes: Math.max(max_ops, 16 * 1024 ** 2) };
      return createBundle(config.state_dir, meta, limits);
    },
    recoverBundles: () => recoverBundles(config.state_dir),
    retain,
  } satisfies Partial<DaemonDeps>;
}

function rehearsalMeta(host: BundleHost, versions: BundleVersions): Omit<BundleMeta, "id"> {
  const opened = formatWall(systemClock.wallMs());
  const anomaly = { detector: "rehearsal", time: opened, summary: "the daemon's start" };
  return { anomaly, anomalies: [anomaly], target: {}, opened, losses: [], versions, host };
}

async function freeBytes(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}
