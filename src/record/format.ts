// A recording: what a program of ours saw of the machine, in the order in which it came. The file, byte by byte: docs/record.md.
import { z } from "zod";

export const MAGIC = Buffer.from("AOD-REC\n", "latin1");
export const VERSION = 1;

/** Magic, u32 version, u32 length of the header. */
export const PREFIX_SIZE = 16;
export const HEADER_MAX = 64 * 1024;
/** u32 bytes in the file, u32 bytes when unpacked. */
export const BLOCK_HEAD_SIZE = 8;
/** Unpacked: what a reader is ready to hold. */
export const BLOCK_MAX = 16 * 1024 * 1024;
/** u32 length, u8 kind, u8 probe, u16 zero, u64 CLOCK_MONOTONIC ns, f64 Unix ms. */
const CHUNK_HEAD_SIZE = 24;
export const PAYLOAD_MAX = BLOCK_MAX - CHUNK_HEAD_SIZE;

/**
 * `frames`: what a helper wrote, cut at the ends of frames. `file`: the text of a file below /proc as it was read. `waiters`: tasks that were found
 * waiting. `observation`: what a source of the daemon saw. `beat`: the daemon's second. `exit`: a helper has ended. `lost`: what the recording lacks from here to the next chunk. `end`: the last one.
 */
export const kinds = { frames: 1, file: 2, waiters: 3, beat: 4, exit: 5, lost: 6, end: 7, observation: 8 } as const;
export type ChunkKind = keyof typeof kinds;

const nameOf: ReadonlyMap<number, ChunkKind> = new Map(
  Object.entries(kinds).map(([name, number]) => [number, name as ChunkKind]),
);

/** A moment on both clocks. */
export interface Moment {
  readonly nowNs: number;
  readonly wallMs: number;
}

export interface Chunk {
  readonly kind: ChunkKind;
  /** Index in the header's probes; 0 where it says nothing. */
  readonly probe: number;
  readonly at: Moment;
  readonly payload: Buffer;
}

const moment = z.object({ nowNs: z.number().nonnegative(), wallMs: z.number() });

const headerSchema = z.object({
  /** RFC 3339. */
  created: z.string(),
  /** `aod 0.1.0` */
  program: z.string(),
  /** What it is a recording of: `record ops`, a tool, `run`. */
  of: z.string(),
  kernel: z.string(),
  arch: z.string(),
  start: moment,
  probes: z.array(z.object({ name: z.string(), module: z.string(), args: z.array(z.string()) })).max(255),
});

/** What a reader must know before the first chunk. */
export type Header = Readonly<z.infer<typeof headerSchema>>;

export function encodeHeader(header: Header): Buffer {
  const text = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(PREFIX_SIZE);
  MAGIC.copy(prefix);
  prefix.writeUInt32LE(VERSION, 8);
  prefix.writeUInt32LE(text.length, 12);
  return Buffer.concat([prefix, text]);
}

/** Undefined when it is none. Further members are kept for nobody: a newer program of the same version may add some. */
export function decodeHeader(text: Buffer): Header | undefined {
  try {
    const parsed = headerSchema.safeParse(JSON.parse(text.toString("utf8")));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

export function encodeChunk({ kind, probe, at, payload }: Chunk): Buffer {
  const head = Buffer.alloc(CHUNK_HEAD_SIZE);
  head.writeUInt32LE(payload.length, 0);
  head.writeUInt8(kinds[kind], 4);
  head.writeUInt8(probe, 5);
  head.writeBigUInt64LE(BigInt(Math.round(at.nowNs)), 8);
  head.writeDoubleLE(at.wallMs, 16);
  return Buffer.concat([head, payload]);
}

/** The chunks of an unpacked block; undefined when they do not fill it exactly. Chunks of unknown kinds are left out. */
export function decodeChunks(block: Buffer): readonly Chunk[] | undefined {
  const chunks: Chunk[] = [];
  let at = 0;
  while (at < block.length) {
    if (block.length - at < CHUNK_HEAD_SIZE) return undefined;
    const end = at + CHUNK_HEAD_SIZE + block.readUInt32LE(at);
    if (end > block.length) return undefined;
    const kind = nameOf.get(block.readUInt8(at + 4));
    const wallMs = block.readDoubleLE(at + 16);
    if (!Number.isFinite(wallMs) || Math.abs(wallMs) > MAX_WALL_MS) return undefined;
    if (kind !== undefined) {
      chunks.push({
        kind,
        probe: block.readUInt8(at + 5),
        at: { nowNs: Number(block.readBigUInt64LE(at + 8)), wallMs },
        payload: block.subarray(at + CHUNK_HEAD_SIZE, end),
      });
    }
    at = end;
  }
  return chunks;
}

/** The end of time as Date has it. */
const MAX_WALL_MS = 8.64e15;
