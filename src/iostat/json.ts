import { formatWall } from "../system/clock.ts";
import type { Report, TargetReport } from "./report.ts";

const round = (value: number): number => Math.round(value * 1000) / 1000;

/** A line for each target, with counts of the interval and, where its length is known, rates. */
export function jsonLines(report: Report): string {
  const { wallMs, seconds, kind, notes } = report;
  const head = { time: formatWall(wallMs), kind, ...(seconds === undefined ? {} : { seconds: round(seconds) }) };
  const targets = report.targets.map(
    (target) => `${JSON.stringify({ ...head, ...roundedOf(target), ...ratesOf(target, seconds) })}\n`,
  );
  const told = notes.map((note) => `${JSON.stringify({ ...head, note })}\n`);
  return [...targets, ...told].join("");
}

function roundedOf(target: TargetReport): object {
  if (target.restarted === true) {
    const { requests, reads, writes, bytes_read, bytes_written, commands, ...rest } = target;
    return rest;
  }
  return {
    ...target,
    ...(target.read_ms === undefined ? {} : { read_ms: round(target.read_ms) }),
    ...(target.write_ms === undefined ? {} : { write_ms: round(target.write_ms) }),
    commands: target.commands.map((one) =>
      Object.fromEntries(
        Object.entries(one).map(([name, value]) => [name, typeof value === "number" ? round(value) : value]),
      ),
    ),
  };
}

function ratesOf(
  { restarted, requests, reads, writes, bytes_read, bytes_written, errors }: TargetReport,
  seconds: number | undefined,
): object {
  if (seconds === undefined || seconds <= 0 || restarted === true) return {};
  return {
    requests_per_s: round(requests / seconds),
    reads_per_s: round(reads / seconds),
    writes_per_s: round(writes / seconds),
    bytes_read_per_s: round(bytes_read / seconds),
    bytes_written_per_s: round(bytes_written / seconds),
    ...(errors === undefined ? {} : { errors_per_s: round(errors / seconds) }),
  };
}
