import { readdirSync, readFileSync } from "node:fs";
import { footprintOf } from "./footprint.ts";
import { pidsByComm } from "./proc.ts";

const instancesRoot = "/sys/kernel/tracing/instances";

/** What the daemon changes while it runs, and what a killed one may leave behind. */
export interface Leftovers {
  /** tracefs instances of ours. */
  readonly instances: readonly string[];
  /** Programs that belong to nobody any more: `comm pid`. */
  readonly orphans: readonly string[];
  /** Entries of the bundles' directory that are no finished bundle. */
  readonly halves: readonly string[];
  readonly switches: Readonly<Record<string, string>>;
}

const switchFiles = [
  "/proc/fs/cifs/cifsFYI",
  "/proc/sys/sunrpc/rpc_debug",
  "/proc/sys/sunrpc/nfs_debug",
  "/proc/sys/sunrpc/nlm_debug",
  "/proc/sys/kernel/bpf_stats_enabled",
  "/proc/sys/kernel/dmesg_restrict",
  "/proc/sys/kernel/kptr_restrict",
  "/proc/sys/kernel/perf_event_paranoid",
  "/proc/sys/kernel/ftrace_enabled",
  "/proc/sys/kernel/printk",
  "/proc/sys/net/core/bpf_jit_enable",
  "/sys/kernel/tracing/tracing_on",
  "/sys/kernel/tracing/current_tracer",
  "/sys/kernel/tracing/events/enable",
];
const dynamicDebug = "/sys/kernel/debug/dynamic_debug/control";

/** Switches of the kernel that diagnosing may turn; `-` where there is none. */
export function switches(): Record<string, string> {
  const all = Object.fromEntries(switchFiles.map((path) => [path, textOf(path)?.trim() ?? "-"]));
  const printing = (textOf(dynamicDebug) ?? "").split("\n").filter((line) => / =[^_ ]/.test(line));
  return { ...all, [dynamicDebug]: `${printing.length} call sites print` };
}

/** Processes whose parent is gone, but those of before: of the kernel's own threads none counts. */
export function orphans(before: ReadonlySet<number>): string[] {
  return footprintOf(1).flatMap(({ pid, parent, name }) =>
    parent === 1 && !before.has(pid) ? [`${name} ${pid}`] : [],
  );
}

export function leftovers(stateDir: string, before: ReadonlySet<number>): Leftovers {
  return {
    instances: readdirSync(instancesRoot).filter((name) => name.startsWith("aod-")),
    orphans: orphans(before),
    halves: readdirSync(`${stateDir}/bundles`).filter((name) => !name.endsWith(".tar.zst")),
    switches: switches(),
  };
}

/** All processes that there are now. */
export function processesNow(): ReadonlySet<number> {
  return new Set(pidsByComm(() => true));
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
