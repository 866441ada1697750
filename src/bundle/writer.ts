import type { BundleLoss, BundleMeta, Item, ItemStatus } from "./manifest.ts";
import type { Disk } from "./disk.ts";

export interface BundleOptions {
  /** Bytes that must stay free on the state directory's file system; below it nothing is captured. Default 64 MiB. */
  readonly minFreeBytes?: number;
  /** Bytes of one file; default 16 MiB. */
  readonly limitBytes?: number;
  /** Bytes of all files together; default 64 MiB. */
  readonly totalBytes?: number;
  readonly disk?: Disk;
}

export interface AddOptions {
  /** For the manifest; default the name. */
  readonly source?: string;
  readonly limitBytes?: number;
  /** Not text: no redaction. The caller has made sure that no secret is in it. */
  readonly binary?: boolean;
  /** What the caller already knows; `ok` when absent. A limit that is hit wins. */
  readonly status?: ItemStatus;
  readonly reason?: string;
  /** When aborted, what came until then is kept as `timed_out`. */
  readonly signal?: AbortSignal;
}

export type Source = Buffer | string | AsyncIterable<Buffer | string>;

export interface BundleWriter {
  readonly id: string;
  /** `<state>/bundles/.tmp-ID` */
  readonly dir: string;
  /** The disk failed: nothing more is written, `finish` rejects with this. */
  readonly failure: Error | undefined;
  /**
   * Adds one file. A source that fails, stalls or is too long gives an item that says so. Rejects (AodError `failed`) only when the
   * disk fails, a name is wrong or used twice.
   */
  addFile(name: string, source: Source, options?: AddOptions): Promise<Item>;
  /** The word that there is no such file. */
  addMissing(name: string, source: string, status: Exclude<ItemStatus, "ok" | "truncated">, reason: string): Promise<Item>;
  /** A sentence for the manifest. */
  note(text: string): void;
  lost(loss: BundleLoss): void;
  /** What a recovery would write if the daemon ended now. */
  update(meta: BundleMeta): Promise<void>;
  /** Packs and renames; rejects (AodError `failed`) with nothing left behind. */
  finish(meta: BundleMeta): Promise<{ readonly path: string; readonly bytes: number }>;
  /** Removes everything of it. Never rejects. */
  abort(reason: string): Promise<void>;
}

/** Starts the bundle of an incident. Rejects (AodError `failed`) when the disk is below its floor or cannot be written. */
export type CreateBundle = (stateDir: string, meta: BundleMeta, options?: BundleOptions) => Promise<BundleWriter>;

/** What the start of the daemon found of an earlier one. */
export interface RecoveryReport {
  readonly id: string;
  /** `finished`: packed with state `recovered`. `removed`: nothing worth keeping. `kept`: could not be treated now, stays for the next start. */
  readonly action: "finished" | "removed" | "kept";
  readonly path?: string;
  readonly reason: string;
}
