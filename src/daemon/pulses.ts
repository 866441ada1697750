import type { Daemon } from "./daemon.ts";
import type { Pulse } from "./health.ts";
import type { ProbeState } from "./probes/manager.ts";

const PROBE_NS = 20e9;
/** The slowest turn that a healthy daemon takes; one source among all is enough. */
const SOURCES_NS = 120e9;
const SEARCH_NS = 60e9;

/** What must show signs of life in a running daemon. What waits, is switched off or not supported here has none to show. */
export function pulsesOf(
  daemon: Pick<Daemon, "probe" | "lastProbeEventNs" | "further" | "sources" | "waiterSearch">,
): Pulse[] {
  return [
    probePulse(
      "smb_wire",
      () => daemon.probe.state,
      () => daemon.lastProbeEventNs,
    ),
    ...daemon.further.map((probe) =>
      probePulse(
        probe.kind.name,
        () => probe.manager.state,
        () => probe.lastEventNs,
      ),
    ),
    {
      name: "every source",
      limitNs: SOURCES_NS,
      lastNs: () => {
        const wanted = daemon.sources.health.filter(({ state }) => state !== "off");
        if (wanted.length === 0) return undefined;
        return Math.max(...wanted.map(({ lastSuccessNs, sinceNs }) => lastSuccessNs ?? sinceNs));
      },
    },
    { name: "the search for waiting tasks", limitNs: SEARCH_NS, lastNs: () => daemon.waiterSearch.sinceNs },
  ];
}

/** Every probe says something with each tick, also where nothing happens. */
function probePulse(name: string, state: () => ProbeState, lastEventNs: () => number | undefined): Pulse {
  return {
    name: `the probe ${name}`,
    limitNs: PROBE_NS,
    lastNs: () => {
      const now = state();
      return now.state === "running" ? Math.max(now.sinceNs, lastEventNs() ?? 0) : undefined;
    },
  };
}

/** For `systemctl status`. */
export function summaryOf(daemon: Pick<Daemon, "probe" | "incidents" | "judge">): string {
  const open = daemon.incidents.list().filter(({ state }) => state === "open").length;
  const probe = daemon.probe.state.state;
  const anomalies = daemon.judge.counters.anomalies;
  return `probe smb_wire ${probe}; ${open} incidents open, ${anomalies} anomalies, ${daemon.incidents.counters.bundles} bundles since the start`;
}
