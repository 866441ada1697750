import { arch, release } from "node:os";
import { formatWall } from "../system/clock.ts";
import { version } from "../system/version.ts";
import type { Header, Moment } from "./format.ts";

/** A recording of every operation, whoever will read it. */
export const RECORD_OPS = "record ops";

/** The header of a recording that begins now on this machine. */
export function headerOf(of: string, probes: Header["probes"], start: Moment): Header {
  const created = formatWall(start.wallMs);
  return { created, program: `aod ${version}`, of, kernel: release(), arch: arch(), start, probes };
}
