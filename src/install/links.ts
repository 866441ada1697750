import { readlinkSync } from "node:fs";
import { isLink } from "./tree.ts";

/** Whether a path is a link of ours. */
export function ownedLink(path: string, target: string): boolean {
  return isLink(path) && readlinkSync(path) === target;
}
