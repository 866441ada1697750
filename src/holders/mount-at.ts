import { isAbsolute, normalize, resolve } from "node:path";
import { AodError } from "../system/error.ts";
import { type MountInfo, mountOf } from "../system/mountinfo.ts";

/** The topmost mount of a place. The path is not looked at: a link is not followed. `command`: what to ask instead, for the error. */
export function mountAt(path: string, mounts: readonly MountInfo[], cwd: string, command: string): MountInfo {
  const whole = (isAbsolute(path) ? normalize(path) : resolve(cwd, path)).replace(/(?<=.)\/+$/, "");
  const there = mounts.filter(({ target }) => target === whole);
  const top = there.findLast(({ id }) => !there.some(({ parent }) => parent === id)) ?? there.at(-1);
  if (top !== undefined) return top;
  const nearest = mountOf(whole, mounts, "/");
  if (nearest === undefined) throw new AodError("failed", "the mounts of this host cannot be read");
  throw new AodError(
    "usage",
    `${whole} is not a mount point; it lies on ${nearest.source}, which is mounted on ${nearest.target}: aod ${command} ${nearest.target}`,
  );
}
