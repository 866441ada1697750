import { dirname, join } from "node:path";
import { type Clock, formatWall, systemClock } from "../system/clock.ts";
import { AodError, messageOf } from "../system/error.ts";
import { hasCode } from "../system/proc.ts";
import { type Disk, realDisk } from "./disk.ts";
import { copyInto, type Source } from "./item-file.ts";
import { archivePath, bundlesDir, checkBundleId, isItemName, itemsDir, stageDir } from "./layout.ts";
import type { BundleLoss, BundleMeta, Item, ItemStatus } from "./manifest.ts";
import { sealBundle } from "./seal.ts";
import { mergeLosses, writeState } from "./state.ts";

export type { Source } from "./item-file.ts";

export interface BundleOptions {
  /** Bytes that must stay free on the state directory's file system; below it nothing is captured. Default 64 MiB. */
  readonly minFreeBytes?: number;
  /** Bytes of one file; default 16 MiB. */
  readonly limitBytes?: number;
  /** Bytes of all files together; default 128 MiB. */
  readonly totalBytes?: number;
  readonly disk?: Disk;
  readonly clock?: Clock;
}

export interface AddOptions {
  /** For the manifest; default the name. */
  readonly source?: string;
  readonly limitBytes?: number;
  /** Not text: no redaction. The caller has made sure that no secret is in it. */
  readonly binary?: boolean;
  /** What the caller already knows; `ok` when absent. What goes wrong on the way wins. */
  readonly status?: ItemStatus;
  readonly reason?: string;
  /** When the evidence began to be collected; default now. */
  readonly began?: { readonly nowNs: number; readonly wallMs: number };
  /** When aborted, what came until then is kept as `timed_out`. */
  readonly signal?: AbortSignal;
}

export type MissingStatus = Exclude<ItemStatus, "ok" | "truncated">;

export interface BundleWriter {
  readonly id: string;
  /** `<state>/bundles/.tmp-ID` */
  readonly dir: string;
  /** The disk failed: everything of this bundle is removed, `finish` rejects with this. */
  readonly failure: AodError | undefined;
  /**
   * Adds one file. A source that fails, stalls or is too long gives an item that says so. Rejects (AodError `failed`) only when the
   * disk fails, a name is wrong or used twice.
   */
  addFile(name: string, source: Source, options?: AddOptions): Promise<Item>;
  /** The word that there is no such file. */
  addMissing(name: string, source: string, status: MissingStatus, reason: string): Promise<Item>;
  /** A sentence for the manifest. */
  note(text: string): void;
  lost(loss: BundleLoss): void;
  /** What a recovery would write if the daemon ended now. */
  update(meta: BundleMeta): Promise<void>;
  /** Packs and renames; rejects (AodError `failed`) with nothing left behind. */
  finish(meta: BundleMeta): Promise<{ readonly path: string; readonly bytes: number }>;
  /** Removes everything of it. Never rejects: what could not be removed goes at the next start. */
  abort(reason: string): Promise<void>;
}

const MIB = 1024 * 1024;

/** Starts the bundle of an incident. Rejects (AodError `failed`) when the disk is below its floor or cannot be written. */
export async function createBundle(
  stateDir: string,
  meta: BundleMeta,
  options: BundleOptions = {},
): Promise<BundleWriter> {
  checkBundleId(meta.id);
  const disk = options.disk ?? realDisk;
  const writer = new StagedBundle(stateDir, meta, {
    disk,
    clock: options.clock ?? systemClock,
    minFreeBytes: options.minFreeBytes ?? 64 * MIB,
    limitBytes: options.limitBytes ?? 16 * MIB,
    totalBytes: options.totalBytes ?? 128 * MIB,
  });
  await writer.start();
  return writer;
}

class StagedBundle implements BundleWriter {
  readonly id: string;
  readonly dir: string;
  failure: AodError | undefined;
  readonly #stateDir: string;
  readonly #limits: Required<BundleOptions>;
  readonly #disk: Disk;
  readonly #items = new Map<string, Item>();
  readonly #notes: string[] = [];
  readonly #names = new Set<string>();
  readonly #running = new Set<Promise<unknown>>();
  #meta: BundleMeta;
  #losses: BundleLoss[] = [];
  #left: number;
  #saved: Promise<void> = Promise.resolve();
  #nextSave: Promise<void> | undefined;
  #cleaned: Promise<void> | undefined;
  #ended = false;

  constructor(stateDir: string, meta: BundleMeta, limits: Required<BundleOptions>) {
    this.id = meta.id;
    this.dir = stageDir(stateDir, meta.id);
    this.#stateDir = stateDir;
    this.#meta = meta;
    this.#limits = limits;
    this.#disk = limits.disk;
    this.#left = limits.totalBytes;
  }

  async start(): Promise<void> {
    const folder = bundlesDir(this.#stateDir);
    try {
      await this.#disk.makeDirectory(folder);
      const taken = (await this.#disk.list(folder)).some(({ name }) =>
        [this.dir, archivePath(this.#stateDir, this.id)].includes(join(folder, name)),
      );
      if (taken) throw new AodError("failed", `there is a bundle ${this.id} already`);
    } catch (error) {
      throw error instanceof AodError ? error : this.#explain(error);
    }
    const low = await this.#belowFloor();
    if (low !== undefined) throw new AodError("failed", `bundle ${this.id} not started: ${low}`);
    try {
      await this.#onDisk(async () => {
        await this.#disk.makeDirectory(itemsDir(this.dir));
        await this.#save();
      });
    } catch (error) {
      await this.#cleanWhenIdle();
      throw this.failure ?? error;
    }
  }

  addFile(name: string, source: Source, options: AddOptions = {}): Promise<Item> {
    return this.#track(async () => {
      this.#claim(name);
      const from = options.source ?? name;
      const low = await this.#belowFloor();
      if (low !== undefined) return await this.#record({ name, source: from, status: "skipped", reason: low });
      const limitBytes = Math.min(options.limitBytes ?? this.#limits.limitBytes, this.#left);
      // Reserved at once: several files may be on their way.
      this.#left -= limitBytes;
      const { clock } = this.#limits;
      const began = options.began ?? { nowNs: clock.nowNs(), wallMs: clock.wallMs() };
      const copied = await this.#onDisk(async () => {
        const path = join(itemsDir(this.dir), name);
        await this.#disk.makeDirectory(dirname(path));
        const file = await this.#disk.create(path);
        try {
          const redact = options.binary ? undefined : /json$/.test(name) ? "json" : "text";
          return await copyInto(file, source, {
            limitBytes,
            redact,
            ...(options.signal && { signal: options.signal }),
          });
        } finally {
          await file.close();
        }
      });
      this.#left += limitBytes - copied.size;
      const told = copied.status === "ok" ? { status: options.status ?? "ok", reason: options.reason } : copied;
      return await this.#record({
        name,
        source: from,
        status: told.status,
        ...(told.reason === undefined ? {} : { reason: told.reason }),
        size: copied.size,
        sha256: copied.sha256,
        time: formatWall(began.wallMs),
        took_ms: Math.round((clock.nowNs() - began.nowNs) / 1e6),
        ...(copied.redacted > 0 ? { redacted: copied.redacted } : {}),
      });
    });
  }

  addMissing(name: string, source: string, status: MissingStatus, reason: string): Promise<Item> {
    return this.#track(async () => {
      this.#claim(name);
      return await this.#record({ name, source, status, reason });
    });
  }

  note(text: string): void {
    this.#notes.push(text);
  }

  lost(loss: BundleLoss): void {
    this.#losses = mergeLosses(this.#losses, [loss]);
  }

  update(meta: BundleMeta): Promise<void> {
    return this.#track(async () => {
      this.#meta = { ...meta, id: this.id };
      await this.#onDisk(() => this.#save());
    });
  }

  async finish(meta: BundleMeta): Promise<{ readonly path: string; readonly bytes: number }> {
    await Promise.allSettled(this.#running);
    if (this.failure === undefined && this.#ended) throw new AodError("failed", `bundle ${this.id} has ended already`);
    try {
      await this.update(meta);
      this.#ended = true;
      return await this.#onDisk(() => sealBundle(this.#disk, this.#stateDir, this.#state(), "complete"));
    } catch (error) {
      await this.#cleanWhenIdle();
      throw this.failure ?? error;
    }
  }

  async abort(reason: string): Promise<void> {
    if (this.#ended && this.failure === undefined) return;
    this.failure ??= new AodError("failed", `bundle ${this.id} was given up: ${reason}`);
    await this.#cleanWhenIdle();
  }

  #state() {
    return { meta: this.#meta, items: [...this.#items.values()], notes: this.#notes, losses: this.#losses };
  }

  #claim(name: string): void {
    if (this.failure) throw this.failure;
    if (this.#ended) throw new AodError("failed", `bundle ${this.id} has ended: ${name} comes too late`);
    if (!isItemName(name)) throw new AodError("failed", `not a name for a file of a bundle: ${JSON.stringify(name)}`);
    if (this.#names.has(name)) throw new AodError("failed", `bundle ${this.id} has ${name} already`);
    this.#names.add(name);
  }

  async #record(item: Item): Promise<Item> {
    this.#items.set(item.name, item);
    await this.#onDisk(() => this.#save());
    return item;
  }

  /** One after the other, and one for all who ask while another is being written: it holds everything by then. */
  #save(): Promise<void> {
    this.#nextSave ??= this.#saved.then(() => {
      this.#nextSave = undefined;
      this.#saved = writeState(this.#disk, this.dir, this.#state());
      return this.#saved;
    });
    return this.#nextSave;
  }

  #track<T>(work: () => Promise<T>): Promise<T> {
    const running = work();
    this.#running.add(running);
    const done = (): void => void this.#running.delete(running);
    running.then(done, done);
    return running;
  }

  /** Everything that touches the disk goes through here: its first failure ends the bundle, and its space is given back at once. */
  async #onDisk<T>(work: () => Promise<T>): Promise<T> {
    if (this.failure) throw this.failure;
    try {
      return await work();
    } catch (error) {
      this.failure ??= this.#explain(error);
      // Not awaited: the work that failed is one of those that it waits for.
      void this.#cleanWhenIdle();
      throw this.failure;
    }
  }

  async #cleanWhenIdle(): Promise<void> {
    await Promise.allSettled(this.#running);
    await this.#clean();
  }

  #clean(): Promise<void> {
    this.#ended = true;
    this.#cleaned ??= this.#disk.remove(this.dir).catch((error: unknown) => {
      const left = `${this.dir} could not be removed (${messageOf(error)}); the next start removes it`;
      this.failure = new AodError("failed", `${this.failure?.message ?? this.id}; ${left}`, { cause: error });
    });
    return this.#cleaned;
  }

  #explain(error: unknown): AodError {
    if (error instanceof AodError) return error;
    const why = hasCode(error, "ENOSPC", "EDQUOT") ? `no space left below ${this.#stateDir}` : messageOf(error);
    return new AodError("failed", `bundle ${this.id} could not be written: ${why}`, { cause: error });
  }

  async #belowFloor(): Promise<string | undefined> {
    const free = await this.#disk.freeBytes(bundlesDir(this.#stateDir)).catch((error: unknown) => {
      throw this.#explain(error);
    });
    const floor = this.#limits.minFreeBytes;
    if (free >= floor) return undefined;
    return `${Math.floor(free / MIB)} MiB free below ${this.#stateDir}, the floor is ${Math.ceil(floor / MIB)} MiB`;
  }
}
