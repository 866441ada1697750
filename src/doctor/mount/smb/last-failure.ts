import { join } from "node:path";
import { type Explained, explain } from "../../../dmesg/explain.ts";
import { messageOf } from "../../../system/error.ts";
import { openKernelLog, readKernelLog } from "../../../system/kernel-log.ts";
import type { Finding } from "../../answer.ts";
import type { Check } from "../../examine.ts";
import type { Machine } from "../../machine.ts";
import type { SmbCase } from "./case.ts";

const MAX_RECORDS = 200_000;
/** Lines of one attempt come within this time before its last. */
const ATTEMPT_US = 120e6;
const MAX_LINES = 8;

export interface KernelLine {
  readonly timeUs: number;
  readonly message: Explained;
}

/** What the kernel said of SMB from a moment on, in µs since boot. Throws where its log cannot be read. */
export async function smbLines(machine: Machine, fromUs: number, signal: AbortSignal): Promise<readonly KernelLine[]> {
  // Beside /proc and /sys, as machines have it.
  const reader = openKernelLog(join(machine.fsRoot, "dev/kmsg"));
  const { records } = await readKernelLog(reader, { fromUs, maxRecords: MAX_RECORDS, signal });
  return records.flatMap(({ message, timeUs }) => {
    const told = explain(message);
    return told === undefined || told.protocol !== "smb" ? [] : [{ timeUs, message: told }];
  });
}

/** The attempt that failed last, as the kernel's log has it. */
export const lastFailure: Check<SmbCase> = {
  name: "kernel log",
  limitMs: 10_000,
  async run(of, signal) {
    let lines: readonly KernelLine[];
    try {
      lines = await smbLines(of.machine, 0, signal);
    } catch (error) {
      return { result: "skip", evidence: `the kernel's log cannot be read (${messageOf(error)}): run this as root` };
    }
    const ours = lines.filter(({ message }) => message.server === undefined || isOf(of, message.server));
    const last = ours.findLast(({ message }) => message.kind === "trouble");
    if (last === undefined) return { result: "ok", evidence: "no trouble with this server in the kernel's log" };
    return attemptFinding(of, ours, last);
  },
};

const isOf = ({ target, addresses }: SmbCase, server: string): boolean =>
  server.toLowerCase() === target.host.toLowerCase() || addresses.includes(server);

function attemptFinding({ machine }: SmbCase, lines: readonly KernelLine[], last: KernelLine): Finding {
  const begins = lines.findLast(({ message, timeUs }) => message.id === "smb.mounting" && timeUs <= last.timeUs);
  const from = Math.max(last.timeUs - ATTEMPT_US, begins?.timeUs ?? 0);
  const attempt = lines.filter(
    ({ timeUs, message }) => timeUs >= from && timeUs <= last.timeUs && message.kind !== "recovered",
  );
  const ago = Math.round((machine.clock.nowNs() / 1e9 - last.timeUs / 1e6) / 60);
  return {
    result: "warn",
    evidence: [`${ago < 1 ? "within the last minute" : `${ago} min ago`}:`, ...linesText(attempt)].join("\n"),
    meaning: [...new Set(attempt.flatMap(({ message }) => [message.meaning, message.errno_text, message.status_text]))]
      .filter((text) => text !== undefined && text !== "")
      .slice(-3)
      .join(" "),
  };
}

export const linesText = (lines: readonly KernelLine[]): string[] =>
  lines.slice(-MAX_LINES).map(({ message }) => message.text.trim());
