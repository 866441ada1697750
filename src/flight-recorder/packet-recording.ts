// tcpdump into a ring of files, which becomes one file at the end.
import { closeSync, createReadStream, mkdtempSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AodError } from "../system/error.ts";
import type { Endpoint } from "../system/sockets.ts";
import { ringFiles } from "./ring-files.ts";
import { type LongProgram, parseCounts, type StartLong, startLong, tcpdumpArgv } from "./tcpdump.ts";

export interface PacketRecordingOptions {
  /** A new file. */
  readonly file: string;
  readonly servers: readonly Endpoint[];
  readonly snapLength: number;
  readonly maxBytes: number;
  readonly start?: StartLong;
  readonly wait?: (ms: number) => Promise<unknown>;
}

export interface PacketRecordingEnd {
  readonly packets: number;
  /** By the kernel, because tcpdump was too slow. */
  readonly dropped: number;
  readonly bytes: number;
  /** The ring went round: its first packets are gone. */
  readonly wrapped: boolean;
}

const FILES = 4;
/** The kernel hands packets over in blocks, after a second at the latest; at its end tcpdump does not wait for them. */
const BLOCK_MS = 1200;
/** struct pcap_file_header */
const HEADER_BYTES = 24;

export class PacketRecording {
  readonly #options: PacketRecordingOptions;
  readonly #out: number;
  readonly #directory: string;
  readonly #ended = Promise.withResolvers<{ readonly reason: string; readonly missing: boolean }>();
  readonly #listening = Promise.withResolvers<void>();
  #program: LongProgram | undefined;
  #said = "";

  /** Throws what the file system says. */
  constructor(options: PacketRecordingOptions) {
    this.#options = options;
    this.#out = openSync(options.file, "wx", 0o600);
    try {
      // No dot at its beginning: tcpdump's AppArmor profile forbids that below /home.
      this.#directory = mkdtempSync(join(dirname(options.file), `${basename(options.file)}-ring-`));
    } catch (error) {
      closeSync(this.#out);
      rmSync(options.file, { force: true });
      throw error;
    }
  }

  /** Resolves when packets are recorded; throws AodError. */
  async begin(): Promise<void> {
    const { servers, snapLength, maxBytes, start = startLong } = this.#options;
    const fileMb = Math.max(1, Math.floor(maxBytes / FILES / 1e6));
    const ring = mkdtempSync(join(this.#directory, "1-"));
    const argv = tcpdumpArgv({ directory: ring, servers, snapLength, fileMb, files: FILES, unbuffered: false });
    this.#program = await start(
      argv,
      (text) => {
        this.#said = (this.#said + text).slice(-4096);
        if (this.#said.includes("listening on")) this.#listening.resolve();
      },
      (reason, missing) => this.#ended.resolve({ reason, missing }),
    );
    const early = await Promise.race([this.#listening.promise, this.#ended.promise]);
    if (early !== undefined) throw this.#failure(early);
  }

  /** tcpdump has ended by itself. */
  get over(): Promise<AodError> {
    return this.#ended.promise.then((end) => this.#failure(end));
  }

  async end(): Promise<PacketRecordingEnd> {
    const { wait = sleep, file } = this.#options;
    await wait(BLOCK_MS);
    this.#program?.signal("SIGTERM");
    await this.#ended.promise;
    const files = ringFiles(this.#directory);
    let first = true;
    for (const { path } of files) {
      // One header for all: they are of the same interface.
      const from = first ? 0 : HEADER_BYTES;
      first = false;
      for await (const piece of createReadStream(path, { start: from })) writeWhole(this.#out, piece as Buffer);
      rmSync(path);
    }
    const { captured = 0, dropped = 0 } = parseCounts(this.#said) ?? {};
    return { packets: captured, dropped, bytes: statSync(file).size, wrapped: files.length >= FILES };
  }

  /** However it ended. */
  remove(): void {
    this.#program?.signal("SIGKILL");
    closeSync(this.#out);
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #failure({ reason, missing }: { readonly reason: string; readonly missing: boolean }): AodError {
    if (missing) return new AodError("unsupported", `${reason}: install the package tcpdump`);
    const last = this.#said.trim().split("\n").at(-1) ?? "";
    return new AodError("failed", `tcpdump has ended (${reason})${last === "" ? "" : `: ${last}`}`);
  }
}

function writeWhole(fd: number, piece: Buffer): void {
  for (let at = 0; at < piece.length; ) at += writeSync(fd, piece, at);
}
