import { type Command, Option } from "commander";
import type { OpBase } from "../probe/op.ts";
import { AodError } from "../system/error.ts";
import { integer, number } from "./arguments.ts";
import { type Outcomes, parseStop, type StopCondition } from "./stop.ts";
import { wordsOf } from "./words.ts";

export type RowFormat = "text" | "csv" | "json";

/** What every tracing tool can be asked for. */
export interface CommonOptions<Op extends OpBase> {
  readonly pid?: number;
  readonly comm?: string;
  /** A number, or a name of /etc/passwd. */
  readonly uid?: string;
  /** An id, or a path. */
  readonly cgroup?: string;
  readonly share?: string;
  readonly mount?: string;
  readonly server?: string;
  readonly durationS?: number;
  readonly count?: number;
  readonly format: RowFormat;
  readonly verbose: boolean;
  /** A file that `aod record ops` has written. */
  readonly replay?: string;
  /** A file to be made, for --replay. */
  readonly record?: string;
  readonly stopOn?: StopCondition<Op>;
  /** A command of aod and its arguments. */
  readonly thenRun?: readonly string[];
}

interface Parsed {
  readonly pid?: number;
  readonly comm?: string;
  readonly uid?: string;
  readonly cgroup?: string;
  readonly share?: string;
  readonly mount?: string;
  readonly server?: string;
  readonly duration?: number;
  readonly count?: number;
  readonly csv?: true;
  readonly json?: true;
  readonly verbose?: true;
  readonly replay?: string;
  readonly record?: string;
  readonly stopOn?: string;
  readonly then?: string;
}

/** Adds them to the command line. `verbose`: what -v adds. */
export function addCommonOptions(command: Command, verbose: string): void {
  command.optionsGroup("Options of all tracing tools:");
  const options: readonly Option[] = [
    new Option("-p, --pid <PID>", "only of this process").argParser(integer("a process id", 1)),
    new Option("--comm <NAME>", "only of tasks of this name"),
    new Option("--uid <USER>", "only of this user, by number or name"),
    new Option("--cgroup <CGROUP>", "only of this cgroup (v2), by path or id"),
    new Option("--share <SHARE>", "only to this share or export"),
    new Option("--mount <PATH>", "only to what is mounted there; the mount itself is not touched"),
    new Option("--server <HOST>", "only to this server, by name or address"),
    new Option("-d, --duration <SECONDS>", "end after this many seconds of tracing").argParser(number("seconds", 0)),
    new Option("-n, --count <COUNT>", "end after this many lines").argParser(integer("a number of lines", 1)),
    new Option("--stop-on <CONDITION>", "end at slow>=100ms, status=NAME, errno=NAME or errors>=10/1s"),
    new Option("--then <COMMAND>", "a command of aod to run first when --stop-on ends it, such as 'status --json'"),
    new Option("-j, --csv", "comma-separated values"),
    new Option("--json", "one JSON object a line"),
    new Option("-v, --verbose", verbose),
    new Option("--record <FILE>", "keep what this run sees, for --replay"),
    new Option("--replay <FILE>", "read what `aod record ops` has kept, instead of this kernel"),
  ];
  for (const option of options) command.addOption(option);
}

/** Checks what commander has parsed: contradictions are refused. `commands`: the names of aod's commands, for --then. */
export function commonOptionsOf<Op extends OpBase>(
  given: Record<string, unknown>,
  outcomes: Outcomes<Op>,
  checkCommand: (name: string) => void,
): CommonOptions<Op> {
  const { duration, csv, json, verbose, stopOn, then, ...rest } = given as Parsed;
  exclusive(csv && "--csv", json && "--json");
  exclusive(rest.mount && "--mount", (rest.share && "--share") ?? (rest.server && "--server"));
  exclusive(rest.replay && "--replay", (rest.record && "--record") ?? (then && "--then"));
  // What it would look at is not what was recorded.
  exclusive(then && "--then", rest.replay && "--replay");
  if (then !== undefined && stopOn === undefined) throw new AodError("usage", "--then needs --stop-on");
  const words = then === undefined ? undefined : wordsOf(then);
  const [name] = words ?? [];
  if (words !== undefined) checkCommand(name ?? "");
  const { pid, comm, uid, cgroup, share, mount, server, count, replay, record } = rest;
  return {
    ...present({ pid, comm, uid, cgroup, share, mount, server, count, replay, record, durationS: duration }),
    format: csv ? "csv" : json ? "json" : "text",
    verbose: verbose ?? false,
    ...(stopOn === undefined ? undefined : { stopOn: parseStop(stopOn, outcomes) }),
    ...(words === undefined ? undefined : { thenRun: words }),
  };
}

/** Of two options that contradict each other at most one may be given; a falsy one was not. */
export function exclusive(one: string | false | undefined, other: string | false | undefined): void {
  if (one && other) throw new AodError("usage", `${one} and ${other} exclude each other`);
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without the keys that hold undefined. */
export function present<T extends object>(values: T): Defined<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Defined<T>;
}
