import { mkdirSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../system/clock.ts";
import { messageOf } from "../system/error.ts";
import type { Endpoint } from "../system/sockets.ts";
import { type CostSample, type PacketMode, type PacketPhase, PacketPolicy } from "./packet-policy.ts";
import { expireRings, ringFiles } from "./ring-files.ts";
import { Scrubber } from "./scrub.ts";
import {
  cpuNsOf,
  filterOf,
  handlesFlush,
  hostPackets,
  type LongProgram,
  leftoverRecorders,
  parseCounts,
  type StartLong,
  startLong,
  tcpdumpArgv,
} from "./tcpdump.ts";

export interface PacketsOptions {
  readonly mode: PacketMode;
  /** Root's alone; made, and emptied at the start. */
  readonly directory: string;
  readonly procRoot: string;
  readonly clock: Clock;
  /** Servers of the mounts that are there now. */
  readonly servers: () => Promise<readonly Endpoint[]>;
  readonly snapLength: number;
  readonly maxBytes: number;
  readonly maxAgeNs: number;
  /** See PacketPolicy. */
  readonly budget: number;
  readonly postNs: number;
  readonly start?: StartLong;
  readonly wait?: (ms: number) => Promise<unknown>;
  readonly kill?: (pid: number) => void;
}

export interface PacketsStatus {
  /** `waiting`: there is no mount. `unavailable`: it cannot be recorded here. */
  readonly state: PacketPhase | "waiting" | "unavailable";
  readonly why?: string;
  readonly pid?: number;
  readonly filter?: string;
  /** Share of one processor, kernel side estimated. */
  readonly cost?: number;
  readonly budget: number;
  readonly captured: number;
  readonly dropped: number;
  readonly starts: number;
  readonly leftovers_killed?: readonly number[];
}

const FILES = 4;
/** By then it has installed its signal handlers. */
const READY_NS = 3e9;
const LOOK_NS = 5e9;
/** Less than a beat: each of them, while requests are seen. */
const COST_NS = 0.5e9;
const IDLE_COST_NS = 10e9;
const FIRST_RETRY_NS = 1e9;
const LONGEST_RETRY_NS = 60e9;
const MISSING_RETRY_NS = 300e9;
/** Rings of earlier sets of servers that are kept beside the present one. */
const OLD_RINGS = 1;
/** The kernel hands packets over in blocks, after a second at the latest; then tcpdump writes what it holds when it is told to. */
const BLOCK_MS = 1100;
const FLUSH_MS = 200;

/** The flight recorder's packets: tcpdump writes into a ring of files, whose content is scrubbed on its way out. Lives by `beat`, once a second. */
export class Packets {
  readonly #options: PacketsOptions;
  readonly #policy: PacketPolicy;
  readonly #killed: number[] = [];
  #program: LongProgram | undefined;
  #starting = false;
  #startedNs = 0;
  /** It was told to end. */
  #stopping = false;
  #ring = 0;
  #filter: string | undefined;
  #servers: readonly Endpoint[] = [];
  #why: string | undefined;
  #unbuffered = false;
  #flushes: boolean | undefined;
  #nextLookNs = 0;
  #nextStartNs = 0;
  #retryNs = FIRST_RETRY_NS;
  #cost: { atNs: number; cpuNs: number; captured: number; host: number } | undefined;
  /** When it was last asked for its totals. */
  #askedNs = 0;
  #counts = { captured: 0, dropped: 0 };
  /** Of programs that have ended. */
  #before = { captured: 0, dropped: 0 };
  #starts = 0;
  #ended = false;

  constructor(options: PacketsOptions) {
    this.#options = options;
    this.#policy = new PacketPolicy(options);
    try {
      const { procRoot, directory, kill = (pid) => process.kill(pid, "SIGKILL") } = options;
      for (const pid of leftoverRecorders(procRoot, directory)) {
        kill(pid);
        this.#killed.push(pid);
      }
      rmSync(directory, { recursive: true, force: true });
      if (options.mode !== "off") mkdirSync(directory, { recursive: true, mode: 0o700 });
    } catch (error) {
      this.#why = messageOf(error);
    }
  }

  /** `idle`: no requests are seen. */
  beat(idle = false): void {
    if (this.#options.mode === "off" || this.#ended) return;
    const nowNs = this.#options.clock.nowNs();
    this.#policy.advance(nowNs);
    this.#sampleCost(nowNs, idle);
    if (nowNs >= this.#nextLookNs) this.#expire();
    if (nowNs >= this.#nextLookNs) {
      this.#nextLookNs = nowNs + LOOK_NS;
      void this.#look();
    } else {
      this.#follow();
    }
  }

  /** Something may be wrong: recording begins if it had not. */
  trouble(): void {
    this.#policy.trouble(this.#options.clock.nowNs());
    this.#follow();
  }

  /** Whether there is anything to be read. */
  get absent(): string | undefined {
    if (this.#options.mode === "off") return "recorder.packets.mode is off";
    if (ringFiles(this.#options.directory).length > 0) return undefined;
    const { state, why } = this.status();
    return why ?? (state === "waiting" ? "there is no mount" : `no packet has been recorded yet (${state})`);
  }

  /** All packets since a moment (seconds since the epoch), scrubbed. The recorder goes on meanwhile. */
  async *dump(sinceSeconds: number, sessions: Iterable<bigint>): AsyncGenerator<Buffer> {
    await this.#flush();
    const { clock, maxAgeNs } = this.#options;
    const since = Math.max(sinceSeconds, (clock.wallMs() - maxAgeNs / 1e6) / 1000);
    const ports = new Set(this.#servers.map(({ port }) => port));
    // A port that somebody chose is that of an SMB server: NFS has 2049 all but always.
    const nfsPorts = new Set([2049, 20049]);
    const smbPorts = [445, ...ports].filter((port) => !nfsPorts.has(port));
    const scrubber = new Scrubber({ since, sessions, smbPorts, nfsPorts });
    for (const { path } of ringFiles(this.#options.directory)) {
      const file = await readFile(path).catch(() => undefined);
      // The ring went over it just now.
      if (file !== undefined) yield* scrubber.file(file);
    }
  }

  status(): PacketsStatus {
    const { phase, cost } = this.#policy;
    const idle = this.#program === undefined && this.#policy.wanted;
    const state = idle && this.#servers.length === 0 ? "waiting" : idle && this.#why ? "unavailable" : phase;
    const pid = this.#program?.pid;
    return {
      state,
      ...(this.#why === undefined ? {} : { why: this.#why }),
      ...(pid === undefined ? {} : { pid }),
      ...(this.#filter === undefined ? {} : { filter: this.#filter }),
      ...(cost === undefined ? {} : { cost: Math.round(cost * 1e5) / 1e5 }),
      budget: this.#options.budget,
      captured: this.#before.captured + this.#counts.captured,
      dropped: this.#before.dropped + this.#counts.dropped,
      starts: this.#starts,
      ...(this.#killed.length > 0 ? { leftovers_killed: this.#killed } : {}),
    };
  }

  /** Ends the recorder and removes the ring: its packets are not scrubbed. */
  end(): void {
    this.#ended = true;
    this.#program?.signal("SIGKILL");
    rmSync(this.#options.directory, { recursive: true, force: true });
  }

  async #look(): Promise<void> {
    try {
      this.#servers = await this.#options.servers();
      this.#follow();
    } catch (error) {
      this.#why = messageOf(error);
    }
  }

  /** Starts and stops what is not as it should be. */
  #follow(): void {
    if (this.#ended || this.#starting) return;
    const wanted = this.#policy.wanted && this.#servers.length > 0;
    const filter = wanted ? filterOf(this.#servers) : undefined;
    const pid = this.#program?.pid;
    if (this.#program !== undefined && filter !== this.#filter) this.#stop(this.#program);
    if (pid !== undefined && this.#flushes === undefined) this.#checkFlush(pid, this.#options.clock.nowNs());
    if (this.#program === undefined && filter !== undefined) void this.#start(filter);
  }

  #stop(program: LongProgram): void {
    this.#stopping = true;
    program.signal("SIGTERM");
  }

  /** One that cannot be told to write what it holds is started again, so that it holds nothing. */
  #checkFlush(pid: number, nowNs: number): void {
    if (this.#unbuffered) this.#flushes = false;
    else if (handlesFlush(this.#options.procRoot, pid)) this.#flushes = true;
    else if (nowNs - this.#startedNs > READY_NS && this.#program !== undefined) {
      this.#unbuffered = true;
      this.#stop(this.#program);
    }
  }

  async #start(filter: string): Promise<void> {
    const { directory, clock, snapLength, maxBytes, start = startLong } = this.#options;
    if (clock.nowNs() < this.#nextStartNs) return;
    this.#starting = true;
    this.#startedNs = clock.nowNs();
    this.#askedNs = this.#startedNs;
    this.#stopping = false;
    const ring = ++this.#ring;
    const place = join(directory, String(ring));
    const fileMb = Math.max(1, Math.floor(maxBytes / FILES / (1 + OLD_RINGS) / 1e6));
    const servers = this.#servers;
    let said = "";
    try {
      mkdirSync(place, { mode: 0o700 });
      this.#counts = { captured: 0, dropped: 0 };
      this.#cost = undefined;
      this.#flushes = undefined;
      this.#filter = filter;
      this.#starts += 1;
      const settings = { directory: place, servers, snapLength, fileMb, files: FILES, unbuffered: this.#unbuffered };
      const program = await start(
        tcpdumpArgv(settings),
        (text) => {
          said = (said + text).slice(-4096);
          this.#counts = parseCounts(said) ?? this.#counts;
        },
        (reason, missing) => this.#stopped(reason, missing, said),
      );
      if (this.#filter === filter) this.#program = program;
      if (this.#ended) program?.signal("SIGKILL");
    } catch (error) {
      this.#stopped(messageOf(error), false, said);
    } finally {
      this.#starting = false;
    }
  }

  #stopped(reason: string, missing: boolean, said: string): void {
    const nowNs = this.#options.clock.nowNs();
    this.#before = {
      captured: this.#before.captured + this.#counts.captured,
      dropped: this.#before.dropped + this.#counts.dropped,
    };
    this.#counts = { captured: 0, dropped: 0 };
    this.#program = undefined;
    this.#filter = undefined;
    if (this.#stopping || this.#ended) {
      this.#why = undefined;
      return;
    }
    const last = said.trim().split("\n").at(-1);
    this.#why = missing || last === undefined || last === "" ? reason : `${reason}: ${last}`;
    this.#nextStartNs = nowNs + (missing ? MISSING_RETRY_NS : this.#retryNs);
    this.#retryNs = Math.min(2 * this.#retryNs, LONGEST_RETRY_NS);
  }

  /** Each beat, more rarely while nothing happens; also while nothing is recorded: the host's packets say when it may go on. */
  #sampleCost(nowNs: number, idle: boolean): void {
    const { procRoot } = this.#options;
    const pid = this.#program?.pid;
    const before = this.#cost;
    if (before !== undefined && nowNs - before.atNs < (idle ? IDLE_COST_NS : COST_NS)) return;
    const now = {
      atNs: nowNs,
      cpuNs: pid === undefined ? 0 : (cpuNsOf(procRoot, pid) ?? 0),
      captured: this.#counts.captured,
      host: hostPackets(procRoot),
    };
    this.#cost = now;
    if (before === undefined) return;
    const host = Math.max(0, now.host - before.host);
    const sample = {
      intervalNs: nowNs - before.atNs,
      cpuNs: Math.max(0, now.cpuNs - before.cpuNs),
      // Its totals may be those of several samples.
      taken: Math.min(host, Math.max(0, now.captured - before.captured)),
      host,
    };
    this.#policy.sample(sample, nowNs);
    if (this.#program !== undefined && this.#policy.wanted) this.#ask(this.#program, sample, nowNs);
  }

  /** Its totals are those of the last time that it was asked. */
  #ask(program: LongProgram, sample: CostSample, nowNs: number): void {
    // It has run for a while.
    this.#retryNs = FIRST_RETRY_NS;
    this.#why = undefined;
    if (this.#flushes === undefined) return;
    if (nowNs - this.#askedNs < IDLE_COST_NS && !this.#policy.mayBeDear(sample)) return;
    this.#askedNs = nowNs;
    program.signal("SIGUSR1");
  }

  #expire(): void {
    const { directory, clock, maxAgeNs } = this.#options;
    const present = { ring: this.#ring, written: this.#program !== undefined || this.#starting };
    expireRings(directory, present, OLD_RINGS, clock.wallMs() - maxAgeNs / 1e6);
  }

  async #flush(): Promise<void> {
    if (this.#program === undefined) return;
    const { wait = sleep } = this.#options;
    await wait(BLOCK_MS);
    if (this.#flushes === true) this.#program?.signal("SIGUSR2");
    await wait(FLUSH_MS);
  }
}
