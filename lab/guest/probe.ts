import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import type { Lab } from "./lab.ts";

/** Waits until `count` helpers have attached and given up their privileges, which is the last thing they do before they serve. */
export async function waitForProbe(lab: Lab, count = 1, seconds = 60): Promise<void> {
  await lab.until(
    "aod-probe has attached",
    seconds,
    () => probes().filter((status) => /^Uid:\s+65534\s/m.test(status)).length >= count,
  );
  // The tool still has to read that it is attached.
  await lab.sleep(1);
}

/** What the helpers still hold: /proc/PID/status and what their open files are. */
export function heldByProbes(): { readonly status: string; readonly files: readonly string[] }[] {
  return probes().map((status) => {
    const directory = join("/proc", /^Pid:\s+(\d+)$/m.exec(status)?.[1] ?? "", "fd");
    return { status, files: readdirSync(directory).map((fd) => readlinkSync(join(directory, fd))) };
  });
}

/** /proc/PID/status of every aod-probe. */
export function probes(): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(statusOf)
    .filter((status) => /^Name:\s+aod-probe$/m.test(status));
}

function statusOf(pid: string): string {
  try {
    return readFileSync(join("/proc", pid, "status"), "utf8");
  } catch (error) {
    // It ended meanwhile.
    if (["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) return "";
    throw error;
  }
}
