// Mapped files: /proc/PID/maps takes the lock of the process's memory, for which one that hangs in a page fault lets everybody wait. So it is another program
// that reads it, and may be killed.
import { join } from "node:path";
import type { Run } from "../system/process.ts";

export interface Mapping {
  readonly pid: number;
  readonly path: string;
}

export interface Mappings {
  readonly mappings: readonly Mapping[];
  /** Processes whose mappings did not come within their time. */
  readonly hang: readonly number[];
  /** Why nothing could be looked at. */
  readonly missing?: string;
}

const AT_ONCE = 256;
const BATCH_MS = 10_000;
const SINGLE_MS = 1000;
/** Of a batch in which one hangs, so many at a time. */
const PARALLEL = 8;
const MAX_BYTES = 8 * 1024 ** 2;

/** Files of the file systems with these devices (`0:45`) that processes have mapped, each once. */
export async function mappedFiles(
  procRoot: string,
  pids: readonly number[],
  devices: readonly string[],
  run: Run,
  signal?: AbortSignal,
): Promise<Mappings> {
  const wanted = devices.map(inMaps);
  const found = new Map<string, Mapping>();
  const hang: number[] = [];
  const ended = (): boolean => signal?.aborted === true;
  const look = async (some: readonly number[], timeoutMs: number): Promise<"done" | "late" | "missing"> => {
    const result = await run(
      [
        "grep",
        "-s",
        "-H",
        "-F",
        ...wanted.flatMap((device) => ["-e", ` ${device} `]),
        "--",
        ...some.map((pid) => join(procRoot, String(pid), "maps")),
      ],
      { timeoutMs, maxBytes: MAX_BYTES, ...(signal && { signal }) },
    );
    if (result.status === "missing") return "missing";
    for (const mapping of mappingsIn(result.stdout.toString("utf8"), new Set(wanted)))
      found.set(`${mapping.pid} ${mapping.path}`, mapping);
    return result.status === "timeout" ? "late" : "done";
  };
  for (let at = 0; at < pids.length && !ended(); at += AT_ONCE) {
    const batch = pids.slice(at, at + AT_ONCE);
    const how = await look(batch, BATCH_MS);
    if (how === "missing") return { mappings: [], hang: [], missing: "grep is not installed" };
    if (how === "done") continue;
    for (let next = 0; next < batch.length && !ended(); next += PARALLEL) {
      const some = batch.slice(next, next + PARALLEL);
      const each = await Promise.all(some.map((pid) => look([pid], SINGLE_MS)));
      hang.push(...some.filter((_, index) => each[index] === "late"));
    }
  }
  return { mappings: [...found.values()], hang };
}

/** `0:45` as maps has it, `00:2d`. */
function inMaps(device: string): string {
  return device
    .split(":")
    .map((part) => Number(part).toString(16).padStart(2, "0"))
    .join(":");
}

/** Lines of grep -H: `/proc/7/maps:7f00-7f01 r--s 00000000 00:2d 42        /mnt/share/a b`. */
export function mappingsIn(text: string, devices: ReadonlySet<string>): Mapping[] {
  return text.split("\n").flatMap((line) => {
    const [, pid, device, path] =
      /\/(\d+)\/maps:[0-9a-f]+-[0-9a-f]+ \S+ [0-9a-f]+ ([0-9a-f]+:[0-9a-f]+) \d+ +(\/.*)$/.exec(line) ?? [];
    if (pid === undefined || device === undefined || path === undefined || !devices.has(device)) return [];
    return [{ pid: Number(pid), path: path.replaceAll("\\012", "\n") }];
  });
}
