import { join } from "node:path";
import { type Clock, formatWall } from "../system/clock.ts";
import type { Endpoint } from "../system/sockets.ts";
import { KernelEvents, type KernelEventsStatus } from "./kernel-events.ts";
import { LineRing } from "./line-ring.ts";
import type { PacketMode } from "./packet-policy.ts";
import { Packets, type PacketsOptions, type PacketsStatus } from "./packets.ts";
import { switchesFile } from "./put-back.ts";
import type { InstanceOptions } from "./trace-instance.ts";
import { VerboseLogging, type VerboseStatus } from "./verbose-logging.ts";

/** Evidence from before the fact: `content` when there is some, else `absent` with the reason. */
export interface Recording {
  /** For the manifest. */
  readonly source: string;
  readonly content?: AsyncIterable<Buffer>;
  readonly absent?: string;
  /** What is missing of it; to be asked when the content has been read. */
  readonly losses?: () => Readonly<Record<string, number>>;
}

export interface RecorderSettings {
  readonly events: {
    readonly enabled: boolean;
    readonly all: boolean;
    readonly max_bytes: number;
    /** ns, as all times here. */
    readonly max_age: number;
  };
  readonly packets: {
    readonly mode: PacketMode;
    readonly budget: number;
    readonly snap_length: number;
    readonly max_bytes: number;
    readonly max_age: number;
    readonly post: number;
  };
}

export interface FlightRecorderOptions {
  readonly settings: RecorderSettings;
  readonly procRoot: string;
  readonly sysRoot: string;
  readonly stateDir: string;
  readonly clock: Clock;
  readonly pid: number;
  readonly cpus: number;
  readonly servers: () => Promise<readonly Endpoint[]>;
  /** Ids of the SMB client's sessions that are there now. */
  readonly sessions: () => Iterable<bigint>;
  /** For tests. */
  readonly directories?: InstanceOptions["directories"];
  readonly startTcpdump?: PacketsOptions["start"];
  readonly wait?: PacketsOptions["wait"];
}

export interface FlightRecorderStatus {
  readonly events: KernelEventsStatus;
  readonly packets: PacketsStatus;
  readonly observations: { readonly bytes: number; readonly dropped: number };
  /** The clients' verbose logging, which an incident switches on when the configuration asks for it. */
  readonly verbose: VerboseStatus;
}

/** Longer than an incident may last: what happened during one is there when it closes. */
const OBSERVATIONS = { maxAgeNs: 900e9, maxBytes: 4 * 1024 * 1024 };
/** What does not change is written in full this often: a bundle has two minutes of it. */
const REPEAT_NS = 60e9;
/** Of packets: what led to an incident and what follows it. */
const BEFORE_MS = 300_000;

/** What is always being kept and always being overwritten, beside the history of operations. Lives by `beat`, once a second. */
export class FlightRecorder {
  readonly events: KernelEvents;
  readonly packets: Packets;
  readonly verbose: VerboseLogging;
  readonly #options: FlightRecorderOptions;
  readonly #observations = new LineRing(OBSERVATIONS);
  /** What the last line of a type was made of: the same object again says the same. */
  readonly #said = new Map<string, { readonly data: unknown; readonly time: string; readonly nowNs: number }>();
  #eventsLost = 0;
  #packetsLost = 0;

  constructor(options: FlightRecorderOptions) {
    this.#options = options;
    const { settings, procRoot, sysRoot, stateDir, clock, pid, cpus, servers } = options;
    const { events, packets } = settings;
    this.events = new KernelEvents({
      ...{ procRoot, sysRoot, clock, pid, cpus },
      ...{ enabled: events.enabled, all: events.all, maxBytes: events.max_bytes, maxAgeNs: events.max_age },
      ...(options.directories === undefined ? {} : { directories: options.directories }),
    });
    this.verbose = new VerboseLogging({
      ...{ procRoot, sysRoot, nowNs: () => clock.nowNs() },
      stateFile: switchesFile(stateDir),
    });
    this.packets = new Packets({
      ...{ procRoot, clock, servers },
      directory: join(stateDir, "packet-ring"),
      ...{ mode: packets.mode, budget: packets.budget, postNs: packets.post, snapLength: packets.snap_length },
      ...{ maxBytes: packets.max_bytes, maxAgeNs: packets.max_age },
      ...(options.startTcpdump === undefined ? {} : { start: options.startTcpdump }),
      ...(options.wait === undefined ? {} : { wait: options.wait }),
    });
  }

  /** `trouble`: something may be wrong now, or an incident is open. `idle`: no requests are seen. */
  beat(trouble: boolean, idle = false): void {
    this.#observations.expire(this.#options.clock.nowNs());
    this.events.beat();
    if (trouble) this.packets.trouble();
    this.packets.beat(idle);
    this.verbose.beat();
  }

  /** What a source saw: kept as a line of JSON. */
  observe(observation: { readonly type: string; readonly nowNs: number }): void {
    const { clock } = this.#options;
    const { type, nowNs, ...facts } = observation;
    const time = formatWall(clock.wallMs() - (clock.nowNs() - nowNs) / 1e6);
    const data = "data" in facts ? facts.data : undefined;
    const said = this.#said.get(type);
    if (data !== undefined && said?.data === data && nowNs - said.nowNs < REPEAT_NS) {
      this.#observations.add(nowNs, `${JSON.stringify({ time, type, monotonic_ns: nowNs, same_as: said.time })}\n`);
      return;
    }
    if (data !== undefined) this.#said.set(type, { data, time, nowNs });
    this.#observations.add(nowNs, `${JSON.stringify({ time, type, monotonic_ns: nowNs, ...facts }, plain)}\n`);
  }

  observationsSince(sinceNs: number): string[] {
    return this.#observations.since(sinceNs);
  }

  kernelEvents(): Recording {
    const source = this.events.status().instance ?? "tracefs";
    if (!this.events.recording) {
      const off = "recorder.events.enabled is false";
      return { source, absent: this.events.why ?? off };
    }
    const before = this.#eventsLost;
    this.#eventsLost = this.events.lost;
    const losses = () => ({ "kernel-events.lost": Math.max(0, this.events.lost - before) });
    return { source, content: this.events.dump(), losses };
  }

  /** From some minutes before the incident opened on. */
  packetsSince(openedNs: number): Recording {
    const { clock, sessions } = this.#options;
    const { filter } = this.packets.status();
    const source = filter === undefined ? "tcpdump" : `tcpdump -i any ${filter}, payload zeroed`;
    const { absent } = this.packets;
    if (absent !== undefined) return { source, absent };
    const openedMs = clock.wallMs() - (clock.nowNs() - openedNs) / 1e6;
    const before = this.#packetsLost;
    this.#packetsLost = this.packets.status().dropped;
    const losses = () => ({ "packets.dropped": Math.max(0, this.packets.status().dropped - before) });
    return { source, content: this.packets.dump((openedMs - BEFORE_MS) / 1000, sessions()), losses };
  }

  status(): FlightRecorderStatus {
    const { bytes, dropped } = this.#observations;
    return {
      events: this.events.status(),
      packets: this.packets.status(),
      observations: { bytes, dropped },
      verbose: this.verbose.status(),
    };
  }

  end(): void {
    this.events.end();
    this.packets.end();
    this.verbose.end();
  }
}

/** What JSON does not have: identifiers become hexadecimal, maps objects, sets lists; a number that is none becomes null. */
function plain(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return `0x${value.toString(16)}`;
  if (value instanceof Map) return Object.fromEntries(value);
  return value instanceof Set ? [...value] : value;
}
