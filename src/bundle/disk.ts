import { constants } from "node:fs";
import { type FileHandle, open, readdir, rename, rm, stat, statfs } from "node:fs/promises";
import { makeDirectoryTree } from "../system/directory-tree.ts";

/** An open file that is being written. */
export interface DiskFile {
  write(data: Uint8Array): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface DiskEntry {
  readonly name: string;
  readonly kind: "file" | "directory" | "other";
}

/** What bundles do to the disk. Tests replace it by one that is full or stops in the middle. */
export interface Disk {
  /** 0700, with its parents. */
  makeDirectory(path: string): Promise<void>;
  /** New file, 0600; fails when it exists. */
  create(path: string): Promise<DiskFile>;
  rename(from: string, to: string): Promise<void>;
  /** File or tree; no error when it is not there. */
  remove(path: string): Promise<void>;
  list(path: string): Promise<DiskEntry[]>;
  stat(path: string): Promise<{ readonly size: number; readonly mtimeMs: number }>;
  /** Content in pieces of at most 64 KiB. */
  read(path: string): AsyncIterable<Buffer>;
  /** fsync of a directory: makes renames in it durable. */
  syncDirectory(path: string): Promise<void>;
  /** Bytes that an unprivileged user may still use. */
  freeBytes(path: string): Promise<number>;
}

export const realDisk: Disk = {
  makeDirectory: (path) => makeDirectoryTree(path, 0o700),
  create: async (path) => {
    const handle = await open(
      path,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
      0o600,
    );
    return { write: (data) => writeAll(handle, data), sync: () => handle.sync(), close: () => handle.close() };
  },
  rename,
  remove: (path) => rm(path, { recursive: true, force: true }),
  list: async (path) =>
    (await readdir(path, { withFileTypes: true })).map((entry) => ({
      name: entry.name,
      kind: entry.isFile() ? "file" : entry.isDirectory() ? "directory" : "other",
    })),
  stat,
  read: readPieces,
  syncDirectory: async (path) => {
    const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
  freeBytes: async (path) => {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  },
};

async function writeAll(handle: FileHandle, data: Uint8Array): Promise<void> {
  for (let done = 0; done < data.length; ) {
    done += (await handle.write(data, done, data.length - done)).bytesWritten;
  }
}

async function* readPieces(path: string): AsyncGenerator<Buffer> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    for (;;) {
      const piece = Buffer.allocUnsafe(64 * 1024);
      const { bytesRead } = await handle.read(piece, 0, piece.length, null);
      if (bytesRead === 0) return;
      yield piece.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}
