import { formatWall } from "../system/clock.ts";
import { messageOf } from "../system/error.ts";
import { type KernelRecord, openKernelLog, type RecordReader, readKernelLog } from "../system/kernel-log.ts";
import { hasCode } from "../system/proc.ts";
import type { Capture, CaptureContext } from "./capture.ts";

const beforeMs = 10 * 60 * 1000;
const maxRecords = 5000;

/** At `open` what the kernel said in the 10 minutes before, at `close` what it said since; at most the last 5,000 records of each. */
export function kernelLogCapture(open: (path: string) => RecordReader = openKernelLog): Capture {
  return {
    name: "kernel-log",
    summary: "the kernel's log around the incident",
    phases: ["open", "close"],
    limitBytes: 2 * 1024 * 1024,
    async *collect(context) {
      const name = "kernel-log.ndjson";
      const source = context.kmsgPath;
      let reader: RecordReader;
      try {
        reader = open(source);
      } catch (error) {
        const status = hasCode(error, "ENOENT") ? "absent" : "failed";
        yield { name, source, status, reason: messageOf(error) };
        return;
      }
      const openedUs = context.openedNs / 1000;
      const fromUs = context.phase === "open" ? openedUs - beforeMs * 1000 : openedUs;
      const slice = await readKernelLog(reader, { fromUs, maxRecords, signal: context.signal });
      context.lost("kernel-log.overwritten", slice.lost);
      context.lost("kernel-log.not-understood", slice.unparsed);
      context.lost("kernel-log.over-limit", slice.dropped);
      const content = slice.records.map((record) => format(record, context)).join("");
      yield { name, source, content };
    },
  };
}

function format(record: KernelRecord, { clock }: CaptureContext): string {
  const { timeUs, ...facts } = record;
  const time = formatWall(clock.wallMs() - clock.nowNs() / 1e6 + timeUs / 1000);
  return `${JSON.stringify({ time, boot_us: timeUs, ...facts })}\n`;
}
