import { readdirSync, readlinkSync } from "node:fs";
import { readText } from "../sources/read.ts";
import { hasCode } from "../system/proc.ts";

const LIMIT_BYTES = 16 * 1024 ** 2;

/** Undefined where there is none, or it may not be read. */
export function contentOf(path: string): string | undefined {
  try {
    return readText(path, LIMIT_BYTES)?.text;
  } catch (error) {
    // ESRCH: a process that has ended meanwhile.
    if (hasCode(error, "EACCES", "EPERM", "ESRCH")) return undefined;
    throw error;
  }
}

/** Names in a directory of /proc or /sys; none where it is not there or may not be read. */
export function namesIn(directory: string): readonly string[] | undefined {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (hasCode(error, "ENOENT", "EACCES", "EPERM", "ESRCH", "ENOTDIR")) return undefined;
    throw error;
  }
}

/** Where a symbolic link of /proc leads, by its text alone. Undefined where there is none, or it may not be read. */
export function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    if (hasCode(error, "ENOENT", "EACCES", "EPERM", "ESRCH", "EINVAL")) return undefined;
    throw error;
  }
}
