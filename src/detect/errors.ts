import { commandNames } from "../smb/commands.ts";
import { Blindness } from "./blind.ts";
import { BoundedMap } from "./bounded-map.ts";
import type { Anomaly, AnomalyTarget, Detector, Needs, Severity } from "./detector.ts";
import type { ErrorLayer } from "./error-defaults.ts";
import { type Failure, rpcCounted, rpcFailure, smbCounted, smbFailure, vfsFailure } from "./failure.ts";
import type { NfsMountDelta, Observation, SmbStatsDelta } from "./observation.ts";
import { keyOf, targetText } from "./target.ts";
import { Verdicts } from "./verdicts.ts";
import { WindowCount } from "./window-count.ts";

/** This many answers with one of these statuses to one of these commands, of one target within the window. */
export interface ErrorRule {
  readonly name: string;
  readonly protocol: ErrorLayer;
  /** SMB2_CREATE, OPEN, ..., of VFS callbacks fsync or cifs_fsync; absent: any. */
  readonly commands?: ReadonlySet<string>;
  /** NT statuses, numbers of RFC 8881, or errnos. */
  readonly statuses: ReadonlySet<number>;
  readonly count: number;
  readonly severity: Severity;
}

export interface ErrorsRules {
  readonly windowNs: number;
  readonly rules: readonly ErrorRule[];
  /** Where no probe says the status: this many failed requests of a kind that does not fail while all is well. */
  readonly counters: number;
  readonly maxTargets: number;
}

/** By protocol. */
interface Single {
  readonly smb: ReadonlySet<number>;
  readonly nfs: ReadonlySet<number>;
}

interface Tally {
  readonly window: WindowCount;
  /** Since it began: by name of the status and of the command. At most as many as the rule knows. */
  readonly statuses: Map<string, number>;
  readonly commands: Map<string, number>;
  lastNs: number;
}

/** Names in Stats of what does not fail on a healthy share: a name that is not there fails a Create, a lock that is taken a Lock. */
const smbCounters: ReadonlySet<string> = new Set(["TreeConnects", "Flushes", "Reads", "Writes", "QueryDirectories"]);
const nfsCounters: ReadonlySet<string> = new Set(["READ", "WRITE", "COMMIT", "READDIR", "READDIRPLUS"]);
const MAX_NAMES = 32;
/** Rules of less than this are about single requests: who failed matters, and when. Of what others alone know the kernel tells how many there were. */
const SINGLE_COUNT = 1000;
/** MS-ERREF 2.3. Less, as STATUS_BUFFER_OVERFLOW, is no failure to the probe: it is counted alone. */
const FIRST_ERROR = 0xc000_0000;

/** Errors that come too often: rules of commands and statuses, or the counters of the kernel where no status is known. */
export class ErrorsDetector implements Detector {
  readonly name = "errors";
  needs: Needs;
  #rules: ErrorsRules;
  readonly #tallies: BoundedMap<string, Tally>;
  readonly #verdicts = new Verdicts("errors");
  readonly #blindness: Blindness;
  /** Statuses that come as operations; of others, how many. */
  #single: Single;
  #matched = 0;

  constructor(rules: ErrorsRules) {
    this.#rules = rules;
    this.#single = singleStatuses(rules);
    this.#tallies = new BoundedMap(tallies(rules));
    this.needs = needsOf(rules);
    const fallback = "only how many failed is known, not with which status";
    this.#blindness = new Blindness([
      { source: "smb_wire", without: `SMB: ${fallback}` },
      { source: "nfs_rpc", without: `NFS: ${fallback}` },
    ]);
  }

  configure(rules: ErrorsRules): void {
    for (const { window } of this.#tallies.values()) window.resize(rules.windowNs);
    this.#tallies.resize(tallies(rules));
    this.#rules = rules;
    this.#single = singleStatuses(rules);
    this.needs = needsOf(rules);
  }

  observe(observation: Observation): Anomaly[] {
    this.#blindness.observe(observation);
    switch (observation.type) {
      case "ops":
        return this.#failures(
          observation.ops.flatMap(smbFailure).filter(({ status }) => this.#single.smb.has(status)),
          observation.nowNs,
        );
      case "smb-window":
        return this.#failures(
          (observation.failures ?? [])
            .filter(({ status }) => !this.#single.smb.has(status))
            .map((failure) => smbCounted(failure, observation.nowNs)),
          observation.nowNs,
        );
      case "rpc-ops":
        return this.#failures(
          observation.ops.flatMap(rpcFailure).filter(({ status }) => this.#single.nfs.has(status)),
          observation.nowNs,
        );
      case "rpc-window":
        return this.#failures(
          (observation.failures ?? [])
            .flatMap((failure) => rpcCounted(failure, observation.nowNs))
            .filter(({ status }) => !this.#single.nfs.has(status)),
          observation.nowNs,
        );
      case "vfs-ops":
        return this.#failures(observation.ops.flatMap(vfsFailure), observation.nowNs);
      case "smb-stats":
        return this.#blindness.lacks("smb_wire") ? this.#smbStats(observation.delta, observation.nowNs) : [];
      case "mountstats":
        return this.#blindness.lacks("nfs_rpc") ? this.#nfsCounted(observation.mounts, observation.nowNs) : [];
      default:
        return [];
    }
  }

  reject(): void {}

  state(): Readonly<Record<string, number>> {
    return { errors: this.#matched, tallies: this.#tallies.size, tallies_forgotten: this.#tallies.forgotten };
  }

  blind(): string[] {
    return this.#blindness.blind();
  }

  #failures(failures: readonly Failure[], nowNs: number): Anomaly[] {
    const touched = new Map<string, readonly [ErrorRule, Failure]>();
    const fresh = new Map<string, number>();
    for (const failure of failures) {
      for (const rule of this.#rules.rules) {
        if (!matches(rule, failure)) continue;
        this.#matched += failure.amount;
        const key = `${rule.name}|${keyOf(failure.target)}|${failure.target.treeId ?? ""}`;
        count(this.#tally(key, failure.timeNs), failure.timeNs, failure.amount, failure.name, failure.command);
        touched.set(key, [rule, failure]);
        fresh.set(key, (fresh.get(key) ?? 0) + failure.amount);
      }
    }
    return [...touched].flatMap(([key, [rule, last]]) => {
      const timeNs = Math.max(last.timeNs, Math.min(nowNs, this.#tallies.peek(key)?.lastNs ?? nowNs));
      const found = this.#met(key, rule.count, timeNs);
      if (found === undefined) return [];
      const { total, tally } = found;
      const statuses = mostOf(tally.statuses);
      return this.#verdicts.tell({
        rule: rule.name,
        key,
        severity: rule.severity,
        timeNs,
        quietNs: this.#rules.windowNs,
        count: fresh.get(key) ?? 1,
        target: last.target,
        summary: `${total} errors of ${rule.name} within ${this.#window()}: ${statuses} to ${mostOf(tally.commands)}${who(last)}`,
        evidence: {
          statuses,
          commands: mostOf(tally.commands),
          within_window: total,
          ...taskOf(last),
        },
      });
    });
  }

  #smbStats({ shares }: SmbStatsDelta, nowNs: number): Anomaly[] {
    return shares.flatMap(({ target, counts }) => {
      const failed = [...counts].flatMap(([name, { failed: amount }]) =>
        smbCounters.has(name) && amount > 0 ? [[name, amount] as const] : [],
      );
      return this.#counted(target, failed, nowNs);
    });
  }

  #nfsCounted(mounts: readonly NfsMountDelta[], nowNs: number): Anomaly[] {
    return mounts.flatMap(({ target, operations }) => {
      const failed = operations.flatMap(({ operation, errors = 0 }) =>
        nfsCounters.has(operation) && errors > 0 ? [[operation, errors] as const] : [],
      );
      return this.#counted(target, failed, nowNs);
    });
  }

  #counted(target: AnomalyTarget, failed: readonly (readonly [string, number])[], nowNs: number): Anomaly[] {
    if (failed.length === 0) return [];
    const key = `counters|${keyOf(target)}`;
    for (const [name, amount] of failed) {
      this.#matched += amount;
      count(this.#tally(key, nowNs), nowNs, amount, "failed", name);
    }
    const found = this.#met(key, this.#rules.counters, nowNs);
    if (found === undefined) return [];
    const commands = mostOf(found.tally.commands);
    return [
      this.#verdicts.tell({
        rule: "counters",
        key,
        severity: "warning",
        timeNs: nowNs,
        quietNs: this.#rules.windowNs,
        count: failed.reduce((sum, [, amount]) => sum + amount, 0),
        target,
        summary: `${found.total} requests to ${targetText(target)} failed within ${this.#window()}: ${commands}; with which status is not known without the probe`,
        evidence: { commands, within_window: found.total },
      }),
    ];
  }

  #window(): string {
    return `${this.#rules.windowNs / 1e9} s`;
  }

  #met(key: string, needed: number, nowNs: number): { readonly total: number; readonly tally: Tally } | undefined {
    const tally = this.#tallies.peek(key);
    const total = tally?.window.total(nowNs) ?? 0;
    return tally === undefined || total < needed ? undefined : { total, tally };
  }

  #tally(key: string, timeNs: number): Tally {
    const tally = this.#tallies.of(key, () => ({
      window: new WindowCount(this.#rules.windowNs),
      statuses: new Map(),
      commands: new Map(),
      lastNs: timeNs,
    }));
    // What is told belongs to what goes on now.
    if (timeNs - tally.lastNs >= this.#rules.windowNs) {
      tally.statuses.clear();
      tally.commands.clear();
    }
    tally.lastNs = Math.max(tally.lastNs, timeNs);
    return tally;
  }
}

/** One for each rule and target. */
function tallies({ maxTargets, rules }: ErrorsRules): number {
  return maxTargets * Math.max(1, rules.length);
}

/** What the probes must tell. */
function needsOf(rules: ErrorsRules): Needs {
  const smb = rules.rules.filter(({ protocol }) => protocol === "smb");
  const all = smb.some(({ commands }) => commands === undefined);
  const named = new Set(smb.flatMap(({ commands }) => [...(commands ?? [])]));
  const codes = [...commandNames.entries()].filter(([, name]) => all || named.has(name)).map(([code]) => code);
  const rpc = rules.rules.some(({ protocol }) => protocol === "nfs");
  const single = singleStatuses(rules);
  return {
    slowNs: new Map(),
    ...(codes.length === 0 ? {} : { errorCommands: new Set(codes), errorStatuses: single.smb }),
    ...(rpc ? { rpc: { errors: true, errorStatuses: single.nfs } } : {}),
    ...(rules.rules.some(({ protocol }) => protocol === "smb-vfs") ? { vfsErrors: true } : {}),
  };
}

function singleStatuses({ rules }: ErrorsRules): Single {
  const of = (layer: ErrorLayer, first: number): ReadonlySet<number> => {
    const single = rules.filter(({ protocol, count }) => protocol === layer && count < SINGLE_COUNT);
    return new Set(single.flatMap(({ statuses }) => [...statuses].filter((status) => status >= first)));
  };
  return { smb: of("smb", FIRST_ERROR), nfs: of("nfs", 1) };
}

function matches({ protocol, commands, statuses }: ErrorRule, failure: Failure): boolean {
  if (protocol !== failure.protocol || !statuses.has(failure.status)) return false;
  return commands === undefined || commands.has(failure.command) || commands.has(failure.member ?? "");
}

function count(tally: Tally, timeNs: number, amount: number, status: string, command: string): void {
  tally.window.add(timeNs, amount);
  for (const [names, name] of [[tally.statuses, status] as const, [tally.commands, command] as const]) {
    if (names.has(name) || names.size < MAX_NAMES) names.set(name, (names.get(name) ?? 0) + amount);
  }
}

/** `STATUS_ACCESS_DENIED 12, STATUS_DISK_FULL 3`: the most frequent first. */
function mostOf(names: ReadonlyMap<string, number>): string {
  const sorted = [...names].sort(([, a], [, b]) => b - a);
  const shown = sorted.slice(0, 4).map(([name, amount]) => `${name} ${amount}`);
  return [...shown, ...(sorted.length > 4 ? [`${sorted.length - 4} more`] : [])].join(", ");
}

function taskOf({ comm, pid }: Failure): { readonly last_comm?: string; readonly last_pid?: number } {
  return { ...(comm === undefined ? {} : { last_comm: comm }), ...(pid === undefined ? {} : { last_pid: pid }) };
}

function who({ comm, pid }: Failure): string {
  if (comm === undefined) return "";
  return pid === undefined ? `, last for ${comm}` : `, last for ${comm} (pid ${pid})`;
}
