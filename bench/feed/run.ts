// `bin/aod run` as it is, on this machine, in a mount namespace in which the SMB client's module is loaded and has a mount, with the feeder in
// the place of aod-probe. Needs root.
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { repoRoot } from "../../lab/paths.ts";
import type { Status } from "../../src/daemon/status.ts";
import { AodError } from "../../src/system/error.ts";
import { startNative, treeOf } from "../native.ts";
import type { FeedPhase, FeedReport } from "./plan.ts";

/** kB, of /proc/PID/status. */
export interface ProcessMemory {
  readonly name: string;
  readonly rss: number;
  readonly rssAnon: number;
}

export interface FeedSample {
  readonly atS: number;
  readonly phase: string;
  readonly anomalies: number;
  readonly told: number;
  /** Bytes of the daemon's JavaScript heap, as it said. */
  readonly heap: number;
  readonly processes: readonly ProcessMemory[];
}

export interface FeedResult {
  readonly samples: readonly FeedSample[];
  readonly report: FeedReport;
  /** As the daemon told them when all was read. */
  readonly status: Pick<Status, "probes" | "incidents" | "bundles" | "recorder" | "memory">;
  /** Requests one by one that the daemon's detector of errors has judged. */
  readonly judged: number;
}

/** A mount that nobody can reach: the address is for documentation (RFC 5737). */
const mount =
  "999 1 0:99 / /mnt/feeder rw,relatime - cifs //192.0.2.1/share rw,vers=3.1.1,sec=ntlmssp,username=u,addr=192.0.2.1\n";
const namespace = (directory: string): string => `
set -e
mount -t tmpfs none /sys/module && mkdir /sys/module/cifs
mount -t tmpfs none /proc/fs && mkdir /proc/fs/cifs
cp ${directory}/cifs/* /proc/fs/cifs/
mount --bind ${directory}/mountinfo /proc/1/mountinfo
exec "$@"
`;

/** Fixtures of a real kernel, so that the sources have something to read. */
const fixtures = join(repoRoot, "test", "fixtures", "proc", "6.12");

function prepare(directory: string, phases: readonly FeedPhase[]): void {
  const report = join(directory, "report.json");
  mkdirSync(join(directory, "cifs"));
  for (const name of ["DebugData", "Stats"])
    writeFileSync(join(directory, "cifs", name), readFileSync(join(fixtures, name)));
  writeFileSync(join(directory, "mountinfo"), readFileSync("/proc/1/mountinfo", "utf8") + mount);
  writeFileSync(join(directory, "plan.json"), JSON.stringify({ phases, report }));
  const feeder = join(repoRoot, "bench", "feed", "feeder.ts");
  const text = `#!/bin/sh\nexec ${process.execPath} --no-warnings ${feeder} ${directory}/plan.json "$@"\n`;
  writeFileSync(join(directory, "aod-probe"), text);
  chmodSync(join(directory, "aod-probe"), 0o755);
}

/** Feeds a daemon, and looks at its memory each `everyS` seconds. */
export async function feedDaemon(
  phases: readonly FeedPhase[],
  everyS: number,
  config: string,
  say: (line: string) => void,
): Promise<FeedResult> {
  if (process.geteuid?.() !== 0) throw new AodError("usage", "a mount namespace needs root: run this as root");
  const directory = mkdtempSync(join(tmpdir(), "aod-feed-"));
  prepare(directory, phases);
  const before = ["unshare", "-m", "--propagation", "private", "sh", "-c", namespace(directory), "sh"];
  const daemon = await startNative({ config, before, env: { AOD_LIBEXEC_DIR: directory } });
  const samples: FeedSample[] = [];
  const began = performance.now();
  try {
    for (let report = readReport(directory); report?.done !== true; report = readReport(directory)) {
      await sleep(everyS * 1000);
      const { incidents, memory } = await daemon.status();
      const atS = Math.round((performance.now() - began) / 1000);
      const processes = treeOf(daemon.pid).flatMap(memoryOf);
      const { phase = "", phases: fed = {} } = report ?? {};
      const told = fed[phase]?.told ?? 0;
      samples.push({ atS, phase, anomalies: incidents.anomalies, told, heap: memory.heap, processes });
      const node = processes.find(({ name }) => name.startsWith("node"));
      say(
        `${atS} s, ${phase}: ${incidents.anomalies} anomalies, ${told} told, RssAnon ${node?.rssAnon} kB, RSS ${node?.rss} kB, heap ${Math.round(memory.heap / 1024)} kB`,
      );
    }
    await sleep(2000);
    const { probes, incidents, bundles, recorder, memory, detectors } = await daemon.status();
    const judged = Number(detectors.find(({ name }) => name === "errors")?.["errors"] ?? Number.NaN);
    const report = readReport(directory);
    if (report === undefined) throw new AodError("failed", "the feeder has said nothing");
    const status = { probes, incidents, bundles, memory, ...(recorder === undefined ? {} : { recorder }) };
    return { samples, report, status, judged };
  } finally {
    await daemon.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

function readReport(directory: string): FeedReport | undefined {
  if (!readdirSync(directory).includes("report.json")) return undefined;
  try {
    return JSON.parse(readFileSync(join(directory, "report.json"), "utf8")) as FeedReport;
  } catch {
    // It is just being written.
    return undefined;
  }
}

/** The feeder and what it runs in are not the daemon's. */
function memoryOf(pid: number): ProcessMemory[] {
  try {
    if (readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("feeder.ts")) return [];
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const kB = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1] ?? 0);
    const name = /^Name:\s+(.*)$/m.exec(status)?.[1] ?? "";
    return [{ name, rss: kB("VmRSS"), rssAnon: kB("RssAnon") }];
  } catch {
    // It has ended.
    return [];
  }
}
