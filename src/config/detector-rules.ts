import type { Severity } from "../detect/detector.ts";
import { commandOf, statusCode } from "../detect/error-defaults.ts";
import type { ErrorRule } from "../detect/errors.ts";
import { defaultSeverities, stateMessages } from "../detect/kernel-log-defaults.ts";
import type { CommandThresholds, LatencyRules } from "../detect/latency.ts";
import type { CounterLatencyRules } from "../detect/latency-counters.ts";
import type { NfsLatencyRules } from "../detect/nfs-latency.ts";
import type { DetectorRules } from "../detect/registry.ts";
import { commandNames } from "../smb/commands.ts";
import type { Config } from "./schema.ts";

type Sections = Config["detectors"];
type Own = { readonly threshold?: number | undefined; readonly single?: number | undefined } | undefined;
const LOCK = 10;

/** What the detectors need of the configuration. */
export function detectorRules({ detectors }: Config): DetectorRules {
  const { errors, hang, connection, network, kernel_log, nfs_rpc, auth, slowdown, throughput } = detectors;
  return {
    ...(detectors.latency.enabled ? { latency: latencyRules(detectors.latency) } : {}),
    ...(detectors.nfs_latency.enabled ? { nfsLatency: nfsLatencyRules(detectors.nfs_latency) } : {}),
    ...counterLatency(detectors),
    ...(errors.enabled
      ? {
          errors: {
            windowNs: errors.window,
            rules: Object.entries(errors.rules).map(([name, rule]): ErrorRule => {
              const { protocol, commands, statuses, count, severity } = rule;
              const known = commands.flatMap((command) => commandOf(protocol, command) ?? []);
              return {
                name,
                protocol,
                ...(known.length === 0 ? {} : { commands: new Set(known) }),
                statuses: new Set(statuses.flatMap((status) => statusCode(protocol, status) ?? [])),
                count,
                severity,
              };
            }),
            counters: errors.counters,
            maxTargets: errors.max_targets,
          },
        }
      : {}),
    ...(hang.enabled
      ? {
          hang: {
            afterNs: hang.after,
            exclude: new Set(hang.exclude),
            locks: hang.locks,
            maxTracked: hang.max_tracked,
          },
        }
      : {}),
    ...(connection.enabled
      ? {
          connection: {
            downAfterNs: connection.down_after,
            creditsAfterNs: connection.credits_after,
            stormCount: connection.storm_count,
            stormWindowNs: connection.storm_window,
            expiries: connection.expiries,
            waiters: connection.waiters,
            waiterAgeNs: connection.waiter_age,
            maxTargets: connection.max_targets,
          },
        }
      : {}),
    ...(network.enabled
      ? {
          network: {
            windowNs: network.window,
            retransmitShare: network.retransmit_share,
            retransmits: network.retransmits,
            zeroWindowAfterNs: network.zero_window_after,
            backoff: network.backoff,
            connectAfterNs: network.connect_after,
            maxTargets: network.max_targets,
          },
        }
      : {}),
    ...(kernel_log.enabled ? { kernelLog: { severities: severitiesOf(detectors), quietNs: kernel_log.quiet } } : {}),
    ...(nfs_rpc.enabled
      ? {
          nfsRpc: {
            windowNs: nfs_rpc.window,
            retransmissions: nfs_rpc.retransmissions,
            timeouts: nfs_rpc.timeouts,
            backlogNs: nfs_rpc.backlog,
            backlogCount: nfs_rpc.backlog_count,
            stateMessages,
            maxTargets: nfs_rpc.max_targets,
          },
        }
      : {}),
    ...(auth.enabled
      ? {
          auth: {
            windowNs: auth.window,
            failures: auth.failures,
            ticketEndsNs: auth.ticket_ends,
            ticketSeverity: auth.ticket_severity,
            maxTracked: auth.max_tracked,
          },
        }
      : {}),
    ...(slowdown.enabled
      ? {
          slowdown: {
            sliceNs: slowdown.slice,
            slices: slowdown.slices,
            minRequests: slowdown.min_requests,
            factor: slowdown.factor,
            leastNs: slowdown.least,
            learnSlices: slowdown.learn,
            halfLifeSlices: slowdown.half_life,
            adaptSlices: slowdown.adapt,
            rateFactor: slowdown.rate_factor,
            maxKeys: slowdown.max_targets,
          },
        }
      : {}),
    ...(throughput.enabled
      ? {
          throughput: {
            lastsNs: throughput.lasts,
            beforeNs: throughput.before,
            share: throughput.share,
            minRequests: throughput.min_requests,
            minBytes: throughput.min_bytes,
            maxTargets: throughput.max_targets,
          },
        }
      : {}),
  };
}

function latencyRules(latency: Sections["latency"]): LatencyRules {
  const general: CommandThresholds = { thresholdNs: latency.threshold, singleNs: latency.single };
  const excluded = new Set(latency.exclude);
  const commands = new Map<number, CommandThresholds>();
  for (const code of commandNames.keys()) {
    if (!excluded.has(code)) commands.set(code, thresholdsOf(general, latency.commands.get(code)));
  }
  return {
    windowNs: latency.window,
    count: latency.count,
    commands,
    waiters: general,
    blockingLocks: latency.blocking_locks,
    inFlight: latency.in_flight,
    maxTargets: latency.max_targets,
  };
}

function nfsLatencyRules(latency: Sections["nfs_latency"]): NfsLatencyRules {
  const general: CommandThresholds = { thresholdNs: latency.threshold, singleNs: latency.single };
  return {
    windowNs: latency.window,
    count: latency.count,
    general,
    commands: new Map([...latency.commands].map(([name, own]) => [name, thresholdsOf(general, own)] as const)),
    exclude: new Set(latency.exclude),
    inFlight: latency.in_flight,
    maxTargets: latency.max_targets,
  };
}

/** In the place of the other two where there is no probe. */
function counterLatency({ latency, nfs_latency }: Sections): { readonly counterLatency?: CounterLatencyRules } {
  if (!latency.enabled && !nfs_latency.enabled) return {};
  const { commands, blockingLocks, windowNs, count, maxTargets } = latencyRules(latency);
  // The sums do not tell a lock that waits for another holder from one that is slow.
  const smb = new Map([...commands].filter(([code]) => latency.enabled && (code !== LOCK || blockingLocks)));
  return {
    counterLatency: {
      windowNs,
      count,
      smb,
      ...(nfs_latency.enabled ? { nfs: nfsLatencyRules(nfs_latency) } : {}),
      maxTargets,
    },
  };
}

/** What another detector tells is told once. */
function severitiesOf({ kernel_log, nfs_rpc }: Sections): ReadonlyMap<string, Severity | "off"> {
  const elsewhere = nfs_rpc.enabled ? [...stateMessages].map((id) => [id, "off"] as const) : [];
  return new Map([...Object.entries(defaultSeverities), ...elsewhere, ...Object.entries(kernel_log.severities)]);
}

/** Who allows a command 2 s does not want to hear of one that took 1.5 s. */
function thresholdsOf(general: CommandThresholds, own: Own): CommandThresholds {
  const thresholdNs = own?.threshold ?? general.thresholdNs;
  const raised = own?.threshold === undefined ? general.singleNs : Math.max(general.singleNs, own.threshold);
  return { thresholdNs, singleNs: own?.single ?? raised };
}
