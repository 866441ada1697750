import { setImmediate } from "node:timers/promises";
import type { StartProcess } from "../probe/helper-process.ts";
import type { Waiter } from "../probe/op.ts";
import { AodError } from "../system/error.ts";
import { HeldClock } from "../system/held-clock.ts";
import { fromTaggedJson } from "../system/tagged-json.ts";
import type { Chunk, Moment } from "./format.ts";
import { decodeExit, decodeFile, decodeLost, decodeWaiters } from "./payloads.ts";
import type { Recording } from "./reader.ts";
import { ReplayedProcess } from "./replayed-process.ts";

/** What a player does besides letting helpers speak. */
export interface Listener {
  /** False: no more is wanted; asked before each piece, with its moment. */
  readonly goesOn?: (at: Moment) => boolean;
  readonly waiters?: (waiters: readonly Waiter[]) => void;
  /** What a source of the daemon saw. */
  readonly observation?: (observation: unknown) => void;
  readonly beat?: () => void;
  /** After each piece: whoever cannot take more yet holds the player up. */
  readonly ready?: () => Promise<void>;
}

/** Names of the files that a recording holds, at most: those of tasks that have gone long since go first. */
const MAX_FILES = 4096;

/** Plays a recording: its clock, its files and its helpers stand for those of the machine. */
export class Player {
  readonly clock: HeldClock;
  /** Pieces that the disk of that time did not take. */
  lost = 0;
  private readonly recording: Recording;
  private readonly rest: Generator<Chunk, void>;
  private next: IteratorResult<Chunk, void>;
  private readonly files = new Map<string, (string | undefined)[]>();
  private readonly helpers = new Map<number, ReplayedProcess>();

  constructor(recording: Recording) {
    const { nowNs, wallMs } = recording.header.start;
    this.recording = recording;
    this.clock = new HeldClock(nowNs, wallMs);
    this.rest = recording.chunks();
    this.next = this.rest.next();
    this.readFiles();
  }

  /**
   * The text of a file below /proc as it was then. What was read several times while one piece was dealt with is told one after the other; who asks
   * oftener gets the last.
   */
  readonly readProc = (path: string): string | undefined => {
    const reads = this.files.get(path) ?? [];
    return reads.length > 1 ? reads.shift() : reads[0];
  };

  /** Takes the place of startProcess(): `argv` names the probe. */
  readonly start: StartProcess = (argv) => {
    const name = argv[argv.indexOf("--probe") + 1];
    const index = this.recording.header.probes.findIndex((probe) => probe.name === name);
    if (index < 0) throw new AodError("usage", `${this.recording.path} holds nothing of the probe ${name}`);
    const helper = new ReplayedProcess();
    this.helpers.set(index, helper);
    return helper;
  };

  /** Lets everything come once more, in its order. */
  async play(listener: Listener): Promise<void> {
    for (;;) {
      this.readFiles();
      if (this.next.done === true) return;
      const chunk = this.next.value;
      if (listener.goesOn?.(chunk.at) === false) return;
      this.clock.advance(chunk.at.nowNs, chunk.at.wallMs);
      this.input(chunk, listener);
      // An end is a promise that is kept; then a turn for whoever else wants one.
      await setImmediate();
      await listener.ready?.();
      this.next = this.rest.next();
    }
  }

  private input({ kind, probe, payload }: Chunk, listener: Listener): void {
    if (kind === "frames") this.helpers.get(probe)?.say(payload);
    if (kind === "beat") listener.beat?.();
    if (kind === "waiters") listener.waiters?.(decodeWaiters(payload) ?? this.nonsense(kind));
    if (kind === "observation") {
      const observation = fromTaggedJson(payload.toString("utf8")) ?? this.nonsense(kind);
      listener.observation?.(observation);
    }
    if (kind === "lost") this.lost += (decodeLost(payload) ?? this.nonsense(kind)).chunks;
    if (kind === "exit") {
      const exit = decodeExit(payload) ?? this.nonsense(kind);
      this.helpers.get(probe)?.exit(exit);
      this.helpers.delete(probe);
    }
  }

  /** All files up to the next input: they were read while that was dealt with. */
  private readFiles(): void {
    const news = new Map<string, (string | undefined)[]>();
    while (this.next.done !== true && this.next.value.kind === "file") {
      const read = decodeFile(this.next.value.payload);
      const texts = news.get(read.path) ?? [];
      const before = texts.length > 0 ? texts.at(-1) : this.files.get(read.path)?.at(-1);
      texts.push(read.kind === "same" ? before : read.kind === "text" ? read.text : undefined);
      news.set(read.path, texts);
      this.next = this.rest.next();
    }
    // Of what nobody has asked for the last counts.
    for (const reads of this.files.values()) reads.splice(0, reads.length - 1);
    for (const [path, texts] of news) {
      this.files.delete(path);
      this.files.set(path, texts);
    }
    for (const path of this.files.keys()) {
      if (this.files.size <= MAX_FILES) break;
      this.files.delete(path);
    }
  }

  private nonsense(kind: string): never {
    throw new AodError("usage", `${this.recording.path} is damaged: a piece of kind "${kind}" makes no sense`);
  }
}
