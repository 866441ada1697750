import { constants } from "node:fs";
import { access, lstat, readdir, readlink } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { notLocal } from "../../sources/targets.ts";
import type { MountInfo } from "../../system/mountinfo.ts";
import { hasCode, readLocal } from "../../system/proc.ts";

const MAX_LINKS = 8;
const LIMIT_BYTES = 1024 ** 2;

/** Files of the system: nothing below a network mount is opened, also not through a link. */
export class LocalFiles {
  readonly #root: string;
  readonly #mounts: readonly MountInfo[];
  readonly #signal: AbortSignal;
  /** What was not looked at, and why. */
  readonly lacks = new Set<string>();

  constructor(root: string, mounts: readonly MountInfo[], signal: AbortSignal) {
    this.#root = root;
    this.#mounts = mounts;
    this.#signal = signal;
  }

  async text(path: string): Promise<string | undefined> {
    return (await this.bytes(path))?.toString("utf8");
  }

  /** Undefined where there is none, or where it may not be read. */
  async bytes(path: string): Promise<Buffer | undefined> {
    const place = await this.#place(path);
    if (place === undefined) return undefined;
    try {
      return (await readLocal(join(this.#root, place), { limitBytes: LIMIT_BYTES, signal: this.#signal }))?.content;
    } catch (error) {
      if (hasCode(error, "EACCES", "EPERM")) this.lacks.add(`${path} may not be read`);
      else if (!hasCode(error, "EISDIR", "ELOOP")) throw error;
      return undefined;
    }
  }

  /** In the order in which the directory gives them; `plain`: no links, no directories. */
  async names(path: string, plain = false): Promise<readonly string[] | undefined> {
    const place = await this.#place(path);
    if (place === undefined) return undefined;
    try {
      const entries = await readdir(join(this.#root, place), { withFileTypes: true });
      return entries.filter((entry) => !plain || entry.isFile()).map(({ name }) => name);
    } catch (error) {
      if (hasCode(error, "EACCES", "EPERM")) this.lacks.add(`${path} may not be read`);
      else if (!hasCode(error, "ENOENT", "ENOTDIR")) throw error;
      return undefined;
    }
  }

  async uidOf(path: string): Promise<number | undefined> {
    const place = await this.#place(path);
    return place === undefined ? undefined : (await lstat(join(this.#root, place))).uid;
  }

  async program(path: string): Promise<"runnable" | "missing" | "not executable" | "not looked at"> {
    const lacks = this.lacks.size;
    const place = await this.#place(path);
    if (place === undefined) return this.lacks.size > lacks ? "not looked at" : "missing";
    try {
      if (!(await lstat(join(this.#root, place))).isFile()) return "not executable";
      await access(join(this.#root, place), constants.X_OK);
      return "runnable";
    } catch {
      return "not executable";
    }
  }

  /** Where a path leads to; undefined: nowhere, or to where a server stands behind it. */
  async #place(path: string): Promise<string | undefined> {
    let place = path;
    for (let links = 0; links < MAX_LINKS; links++) {
      const remote = notLocal(place, this.#mounts);
      if (remote !== undefined && this.#mounts.length > 0) {
        this.lacks.add(place === path ? remote : `${path} leads to where ${remote}`);
        return undefined;
      }
      try {
        if (!(await lstat(join(this.#root, place))).isSymbolicLink()) return place;
        place = resolve(dirname(place), await readlink(join(this.#root, place)));
      } catch (error) {
        if (!hasCode(error, "ENOENT", "ENOTDIR")) this.lacks.add(`${path} cannot be looked at`);
        return undefined;
      }
    }
    this.lacks.add(`${path}: too many links`);
    return undefined;
  }
}
