import { join } from "node:path";
import { contentTypes, exposition, type Family, formatOf, type Labels, type Sample } from "../metrics/exposition.ts";
import { nfsFamilies } from "../metrics/nfs-mounts.ts";
import type { NfsOpMetrics } from "../metrics/nfs-ops.ts";
import type { SmbOpMetrics } from "../metrics/smb-ops.ts";
import { smbServerFamilies } from "../metrics/smb-servers.ts";
import { readLocal } from "../system/proc.ts";
import { TextAnswer } from "./api.ts";
import type { Daemon } from "./daemon.ts";
import type { Status, StatusSources } from "./status.ts";

const MOUNTSTATS_BYTES = 4 * 1024 * 1024;
const MOUNTSTATS_MS = 2000;
/** USER_HZ, the unit of /proc/PID/stat, on every architecture that AOD runs on. */
const TICKS_PER_SECOND = 100;

export interface MetricsSources extends Pick<StatusSources, "procRoot" | "readDebugData"> {
  readonly daemon: Pick<Daemon, "incidents">;
  readonly status: () => Promise<Status>;
  readonly smbOps: SmbOpMetrics;
  readonly nfsOps: NfsOpMetrics;
  readonly maxSeries: number;
}

/** The answer to GET /metrics, in the format that the scraper takes. */
export async function metricsAnswer(sources: MetricsSources, accept: string | undefined): Promise<TextAnswer> {
  const format = formatOf(accept);
  return new TextAnswer(contentTypes[format], exposition(await families(sources), format));
}

async function families(sources: MetricsSources): Promise<Family[]> {
  const { daemon, smbOps, nfsOps, maxSeries, procRoot } = sources;
  const status = await sources.status();
  const servers = smbServerFamilies(sources.readDebugData(), maxSeries);
  const nfs = nfsFamilies(await mountstatsOf(procRoot), maxSeries);
  const left = {
    smb_requests: smbOps.dropped.requests,
    smb_errors: smbOps.dropped.statuses,
    smb_connections: servers.left,
    nfs_operations: nfs.left,
    nfs_requests: nfsOps.dropped.requests,
    nfs_errors: nfsOps.dropped.statuses,
  };
  return [
    ...smbOps.families(),
    ...servers.families,
    ...nfs.families,
    ...nfsOps.families(),
    ...statusFamilies(status),
    counter("aod_bundles_written", "Bundles that were finished.", daemon.incidents.counters.bundles),
    counter(
      "aod_bundles_failed",
      "Incidents of which the bundle could not be written.",
      daemon.incidents.counters.bundlesFailed,
    ),
    {
      name: "aod_metrics_left_out",
      type: "gauge",
      help: "Observations, or series, that the limit metrics.max_series left out of a metric.",
      samples: Object.entries(left).map(([metric, value]) => ({ labels: { metric }, value })),
    },
    await cpuFamily(status, procRoot),
  ];
}

function statusFamilies({
  versions,
  probes,
  sources,
  detectors,
  incidents,
  bundles,
  memory,
  uptime_s,
}: Status): Family[] {
  const losses = [...probes, ...sources].flatMap(({ name, losses }) =>
    losses.map(
      ({ kind, detail, count }): Sample => ({ labels: { of: name, kind, detail: detail ?? "" }, value: count }),
    ),
  );
  return [
    gauge("aod_build_info", "Always 1.", [{ labels: { version: versions.aod, kernel: versions.kernel }, value: 1 }]),
    gauge("aod_uptime_seconds", "Since the daemon's start.", [one(uptime_s)]),
    gauge(
      "aod_probe_up",
      "1 while the probe is attached.",
      probes.map(({ name, state }) => ({ labels: { probe: name }, value: Number(state === "running") })),
    ),
    gauge(
      "aod_source_up",
      "1 while the source tells all that it could; 0 when it is degraded, failed or off.",
      sources.map(({ name, state }) => ({ labels: { source: name }, value: Number(state === "ok") })),
    ),
    {
      name: "aod_losses",
      type: "counter",
      help: "What was lost, where it happened: by probes and by sources.",
      samples: losses,
    },
    counter("aod_anomalies", "Anomalies since the daemon's start.", incidents.anomalies),
    {
      name: "aod_anomalies_dropped",
      type: "counter",
      help: "Anomalies that opened no incident.",
      samples: Object.entries(incidents.dropped).map(([reason, value]) => ({ labels: { reason }, value })),
    },
    {
      name: "aod_incidents",
      type: "counter",
      help: "Incidents that were opened, that got worse, and information that found none open.",
      samples: Object.entries(incidents.counts).map(([event, value]) => ({ labels: { event }, value })),
    },
    gauge("aod_incidents_open", "Incidents that are open.", [one(incidents.open.length)]),
    {
      name: "aod_detector_blind",
      type: "gauge",
      help: "What a detector cannot see now, sentences in aod status.",
      samples: detectors.map(({ name, blind }) => ({ labels: { detector: name }, value: blind.length })),
    },
    gauge("aod_bundles_stored", "Bundles on the disk.", [one(bundles.count)]),
    gauge("aod_bundles_stored_bytes", "Their bytes.", [one(bundles.bytes)]),
    gauge("aod_resident_memory_bytes", "The daemon's resident memory.", [one(memory.rss)]),
    gauge(
      "aod_resident_anonymous_memory_bytes",
      "The part of it that is the daemon's own.",
      memory.rss_anon === undefined ? [] : [one(memory.rss_anon)],
    ),
  ];
}

/** The daemon and its helpers. */
async function cpuFamily({ probes }: Status, procRoot: string): Promise<Family> {
  const { user, system } = process.cpuUsage();
  const samples: Sample[] = [{ labels: { part: "daemon" }, value: (user + system) / 1e6 }];
  for (const { name, pid } of probes) {
    const seconds = pid === undefined ? undefined : await cpuSeconds(procRoot, pid);
    if (seconds !== undefined) samples.push({ labels: { part: name }, value: seconds });
  }
  return { name: "aod_cpu_seconds", type: "counter", help: "CPU time of the daemon and of its helpers.", samples };
}

async function cpuSeconds(procRoot: string, pid: number): Promise<number | undefined> {
  const stat = await textOf(join(procRoot, String(pid), "stat"), 4096);
  // The name, field 2, may hold spaces and parentheses: count from its end. utime and stime are fields 14 and 15.
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields?.[11]) + Number(fields?.[12]);
  return Number.isFinite(ticks) ? ticks / TICKS_PER_SECOND : undefined;
}

async function mountstatsOf(procRoot: string): Promise<string> {
  return (await textOf(join(procRoot, "1/mountstats"), MOUNTSTATS_BYTES)) ?? "";
}

/** Undefined when it cannot be read: what depends on it has no samples then. */
async function textOf(path: string, limitBytes: number): Promise<string | undefined> {
  try {
    const file = await readLocal(path, { limitBytes, signal: AbortSignal.timeout(MOUNTSTATS_MS) });
    return file?.content.toString("utf8");
  } catch {
    return undefined;
  }
}

function one(value: number, labels: Labels = {}): Sample {
  return { labels, value };
}

function gauge(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, type: "gauge", help, samples };
}

function counter(name: string, help: string, value: number): Family {
  return { name, type: "counter", help, samples: [one(value)] };
}
