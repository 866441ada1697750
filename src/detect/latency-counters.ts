import { commandName } from "../smb/commands.ts";
import { Blindness } from "./blind.ts";
import { BoundedMap } from "./bounded-map.ts";
import type { Anomaly, AnomalyTarget, Detector, Needs } from "./detector.ts";
import type { CommandThresholds } from "./latency.ts";
import { seconds } from "./latency-summary.ts";
import type { NfsLatencyRules } from "./nfs-latency.ts";
import type { Observation } from "./observation.ts";
import { keyOf } from "./target.ts";
import { Verdicts } from "./verdicts.ts";
import { WindowCount } from "./window-count.ts";

export interface CounterLatencyRules {
  readonly windowNs: number;
  readonly count: number;
  /** By code of the SMB2 command; one that is not in it is not watched. */
  readonly smb: ReadonlyMap<number, CommandThresholds>;
  /** Absent: NFS is not watched. */
  readonly nfs?: Pick<NfsLatencyRules, "general" | "commands" | "exclude">;
  readonly maxTargets: number;
}

/** Requests of one command that ended since the look before. */
interface Means {
  readonly protocol: "smb" | "nfs";
  readonly command: string;
  readonly target: AnomalyTarget;
  readonly count: number;
  readonly totalMs: number;
  readonly thresholds: CommandThresholds;
}

/**
 * Latency where no probe sees single requests: the kernel's own sums per command (CIFS_STATS2, mountstats). When the mean of some is over a threshold, at
 * least one of them is.
 */
export class CounterLatencyDetector implements Detector {
  readonly name = "latency-counters";
  readonly needs: Needs = { slowNs: new Map() };
  #rules: CounterLatencyRules;
  readonly #windows: BoundedMap<string, WindowCount>;
  readonly #verdicts = new Verdicts("latency");
  readonly #blindness = new Blindness([
    { source: "smb_wire", without: "SMB: a slow request among many fast ones is not seen, nor one that has not ended" },
    { source: "nfs_rpc", without: "NFS: a slow request among many fast ones is not seen, nor one that has not ended" },
  ]);
  #noTimes = false;

  constructor(rules: CounterLatencyRules) {
    this.#rules = rules;
    this.#windows = new BoundedMap(rules.maxTargets);
  }

  configure(rules: CounterLatencyRules): void {
    for (const window of this.#windows.values()) window.resize(rules.windowNs);
    this.#windows.resize(rules.maxTargets);
    this.#rules = rules;
  }

  observe(observation: Observation): Anomaly[] {
    this.#blindness.observe(observation);
    const { nowNs, type } = observation;
    if (type === "smb-stats" && this.#blindness.lacks("smb_wire")) {
      const { commands, shares } = observation.delta;
      this.#noTimes = commands.length === 0 && shares.some(({ requests }) => requests > 0);
      const found = commands.flatMap(({ commandCode, count, totalMs }): Means[] => {
        const thresholds = this.#rules.smb.get(commandCode);
        const target: AnomalyTarget = { protocol: "smb", ...onlyServer(shares) };
        if (thresholds === undefined || count <= 0) return [];
        return [{ protocol: "smb", command: commandName(commandCode), target, count, totalMs, thresholds }];
      });
      return found.flatMap((means) => this.#judge(means, nowNs));
    }
    if (type === "mountstats" && this.#blindness.lacks("nfs_rpc")) {
      const found = observation.mounts.flatMap(({ target, operations }) =>
        operations.flatMap(({ operation: command, count, roundTripMs: totalMs }): Means[] => {
          const thresholds = this.#nfsThresholds(command);
          return thresholds === undefined || count <= 0
            ? []
            : [{ protocol: "nfs", command, target, count, totalMs, thresholds }];
        }),
      );
      return found.flatMap((means) => this.#judge(means, nowNs));
    }
    return [];
  }

  reject(): void {}

  state(): Readonly<Record<string, number>> {
    return { targets: this.#windows.size, targets_forgotten: this.#windows.forgotten };
  }

  blind(): string[] {
    const times = "SMB: no latency at all, this kernel counts none (CIFS_STATS2)";
    return [...this.#blindness.blind(), ...(this.#noTimes ? [times] : [])];
  }

  #nfsThresholds(operation: string): CommandThresholds | undefined {
    const { nfs } = this.#rules;
    return nfs?.exclude.has(operation) ? undefined : (nfs?.commands.get(operation) ?? nfs?.general);
  }

  #judge({ protocol, command, target, count, totalMs, thresholds }: Means, nowNs: number): Anomaly[] {
    const meanNs = (totalMs * 1e6) / count;
    const { windowNs, count: needed } = this.#rules;
    const key = `${protocol}|${keyOf(target)}`;
    const told = `${command} took ${seconds(meanNs / 1000)} on average of ${count}`;
    const verdict = { key, timeNs: nowNs, quietNs: windowNs, severity: "warning", count, target } as const;
    const evidence = { command, mean_ms: Math.round(meanNs / 1e6), requests: count, known_from: "counters" };
    if (meanNs >= thresholds.singleNs) {
      return [this.#verdicts.tell({ ...verdict, rule: "single", summary: told, evidence })];
    }
    if (meanNs < thresholds.thresholdNs) return [];
    const window = this.#windows.of(key, () => new WindowCount(windowNs));
    window.add(nowNs, count);
    const total = window.total(nowNs);
    if (total < needed) return [];
    const summary = `about ${total} slow operations within ${seconds(windowNs / 1000)}: ${told}`;
    return [this.#verdicts.tell({ ...verdict, rule: "count", summary, evidence })];
  }
}

/** The file does not say which connection is which; with one server there is no question. */
function onlyServer(shares: readonly { readonly target: AnomalyTarget }[]): { readonly server?: string } {
  const servers = new Set(shares.flatMap(({ target }) => target.server ?? target.address ?? []));
  const [server] = servers;
  return servers.size === 1 && server !== undefined ? { server } : {};
}
