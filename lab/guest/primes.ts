import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmdirSync,
  statfsSync,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";

/** How often `primeWorkload` does what: all different primes, so that no two kinds of operation can be taken for each other. */
export const primes = {
  files: 53, // create, write, fsync, close
  reads: 37,
  stats: 31,
  directories: 29,
  renames: 23,
  removedDirectories: 19,
  unlinks: 17,
  listings: 13,
  statfs: 11,
  modes: 7,
  missing: 5, // opens of files that are not there
} as const;

/** Known numbers of every kind of file operation below `root`, one after the other. */
export function primeWorkload(root: string): void {
  const buffer = Buffer.alloc(4096, "p");
  const file = (n: number): string => join(root, `file-${n}`);
  const directory = (n: number): string => join(root, `directory-${n}`);
  for (let n = 0; n < primes.files; n++) {
    const fd = openSync(file(n), "wx");
    writeSync(fd, buffer);
    fsyncSync(fd);
    closeSync(fd);
  }
  for (let n = 0; n < primes.reads; n++) {
    const fd = openSync(file(n), "r");
    readSync(fd, buffer);
    closeSync(fd);
  }
  for (let n = 0; n < primes.stats; n++) statSync(file(n));
  for (let n = 0; n < primes.directories; n++) mkdirSync(directory(n));
  for (let n = 0; n < primes.renames; n++) renameSync(file(n), join(root, `renamed-${n}`));
  for (let n = 0; n < primes.removedDirectories; n++) rmdirSync(directory(n));
  for (let n = 0; n < primes.unlinks; n++) unlinkSync(join(root, `renamed-${n}`));
  for (let n = 0; n < primes.listings; n++) readdirSync(root);
  for (let n = 0; n < primes.statfs; n++) statfsSync(root);
  for (let n = 0; n < primes.modes; n++) chmodSync(file(primes.renames + n), 0o444);
  for (let n = 0; n < primes.missing; n++) openMissing(join(root, `missing-${n}`));
}

function openMissing(path: string): void {
  try {
    closeSync(openSync(path, "r"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  throw new Error(`${path} should not be there`);
}
