import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { zstdDecompressSync } from "node:zlib";
import { AodError, messageOf } from "../system/error.ts";
import { hasCode } from "../system/proc.ts";
import {
  BLOCK_HEAD_SIZE,
  BLOCK_MAX,
  type Chunk,
  decodeChunks,
  decodeHeader,
  HEADER_MAX,
  type Header,
  MAGIC,
  PREFIX_SIZE,
  VERSION,
} from "./format.ts";

const { O_RDONLY, O_NONBLOCK } = constants;

interface Block {
  readonly at: number;
  readonly packed: number;
  readonly plain: number;
}

/** An open recording. */
export interface Recording {
  readonly path: string;
  readonly header: Header;
  /** Why it is not whole; undefined when it is. */
  readonly cutOff: string | undefined;
  /** In the order of the file; the last one is its end. Throws a usage error where the file is damaged. */
  chunks(): Generator<Chunk, void>;
  close(): void;
}

/** Opens what `aod record` has written. Throws a usage error, one line, on everything else: also on one that is cut off. */
export function openRecording(path: string): Recording {
  const recording = openCutOff(path);
  if (recording.cutOff === undefined) return recording;
  recording.close();
  const advice = `\`aod record salvage ${path} NEW\` keeps what there is`;
  throw new AodError("usage", `${path} is cut off: ${recording.cutOff}; ${advice}`);
}

/** The same, but one that is cut off may be read up to there. */
export function openCutOff(path: string): Recording {
  const fd = openFile(path);
  try {
    return read(path, fd);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function openFile(path: string): number {
  let fd: number;
  try {
    // Not waiting for the other end of a FIFO.
    fd = openSync(path, O_RDONLY | O_NONBLOCK);
  } catch (error) {
    const why = hasCode(error, "ENOENT") ? "there is no such file" : messageOf(error);
    throw new AodError("usage", `cannot read ${path}: ${why}`, { cause: error });
  }
  if (fstatSync(fd).isFile()) return fd;
  closeSync(fd);
  throw new AodError("usage", `${path} is no recording: it is no file`);
}

function read(path: string, fd: number): Recording {
  const { size } = fstatSync(fd);
  const header = readHeader(path, fd);
  const { blocks, cutOff } = findBlocks(fd, header.end, size);
  const last = blocks.at(-1);
  return {
    path,
    header: header.header,
    cutOff: cutOff ?? (last === undefined ? "it holds nothing but its header" : wrongEnd(path, fd, last)),
    *chunks() {
      for (const block of blocks) {
        for (const chunk of chunksOf(path, fd, block)) {
          yield chunk;
          if (chunk.kind === "end") return;
        }
      }
    },
    close: () => closeSync(fd),
  };
}

function readHeader(path: string, fd: number): { readonly header: Header; readonly end: number } {
  const foreign = (why: string): AodError => new AodError("usage", `${path} is no recording of aod: ${why}`);
  const prefix = bytesAt(fd, 0, PREFIX_SIZE);
  if (prefix.length === 0) throw foreign("it is empty");
  const magic = prefix.subarray(0, MAGIC.length);
  if (!MAGIC.subarray(0, magic.length).equals(magic)) throw foreign("it begins otherwise");
  const cut = new AodError("usage", `${path} is cut off: it ends within its header`);
  if (prefix.length < PREFIX_SIZE) throw cut;
  const version = prefix.readUInt32LE(8);
  if (version !== VERSION) {
    throw new AodError("usage", `${path} is a recording of version ${version}: this program reads version ${VERSION}`);
  }
  const length = prefix.readUInt32LE(12);
  if (length > HEADER_MAX) throw foreign("its header makes no sense");
  const text = bytesAt(fd, PREFIX_SIZE, length);
  if (text.length < length) throw cut;
  const header = decodeHeader(text);
  if (header === undefined) throw foreign("its header makes no sense");
  return { header, end: PREFIX_SIZE + length };
}

/** Where the blocks are, as far as they hold together. */
function findBlocks(fd: number, from: number, size: number): { blocks: readonly Block[]; cutOff?: string } {
  const blocks: Block[] = [];
  let at = from;
  while (at < size) {
    const head = bytesAt(fd, at, BLOCK_HEAD_SIZE);
    const cutOff = `it ends within a block at byte ${at}`;
    if (head.length < BLOCK_HEAD_SIZE) return { blocks, cutOff };
    const packed = head.readUInt32LE(0);
    const plain = head.readUInt32LE(4);
    if (plain > BLOCK_MAX || packed > BLOCK_MAX) return { blocks, cutOff: `what is at byte ${at} makes no sense` };
    if (size - at - BLOCK_HEAD_SIZE < packed) return { blocks, cutOff };
    blocks.push({ at, packed, plain });
    at += BLOCK_HEAD_SIZE + packed;
  }
  return { blocks };
}

/** What is wrong with what should be the last block. */
function wrongEnd(path: string, fd: number, last: Block): string | undefined {
  try {
    return chunksOf(path, fd, last).at(-1)?.kind === "end" ? undefined : "its end is missing";
  } catch (error) {
    if (!(error instanceof AodError)) throw error;
    return `it is damaged at byte ${last.at}`;
  }
}

function chunksOf(path: string, fd: number, { at, packed, plain }: Block): readonly Chunk[] {
  const damaged = (cause?: unknown): AodError => new AodError("usage", `${path} is damaged at byte ${at}`, { cause });
  const bytes = bytesAt(fd, at + BLOCK_HEAD_SIZE, packed);
  let block: Buffer;
  try {
    block = zstdDecompressSync(bytes, { maxOutputLength: plain + 1 });
  } catch (error) {
    throw damaged(error);
  }
  const chunks = block.length === plain ? decodeChunks(block) : undefined;
  if (chunks === undefined) throw damaged();
  return chunks;
}

/** As many as there are, at most `length`. */
function bytesAt(fd: number, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let have = 0;
  while (have < length) {
    const got = readSync(fd, bytes, have, length - have, position + have);
    if (got === 0) break;
    have += got;
  }
  return bytes.subarray(0, have);
}
