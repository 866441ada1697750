import { colours as pc } from "../system/colours.ts";
// The tables of smbiostat.
import { left, printable, right } from "../tools/table-text.ts";
import type { CommandReport, Report, TargetReport } from "./report.ts";

export interface TextOptions {
  readonly unit: "k" | "M";
  readonly extended: boolean;
}

type Cell = string | number | undefined;

export function reportText(report: Report, options: TextOptions): string {
  const smb = report.targets.filter(({ protocol }) => protocol === "smb");
  const nfs = report.targets.filter(({ protocol }) => protocol === "nfs");
  const parts = [
    ...(smb.length === 0 ? [] : [targetTable("SMB share", smb, report, options, smbColumns(report, options))]),
    ...(nfs.length === 0 ? [] : [targetTable("NFS mount", nfs, report, options, nfsColumns(report, options))]),
  ];
  const notes = report.notes.map((note) => `# ${printable(note)}\n`).join("");
  return `${pc.bold(headOf(report))}\n${parts.join("\n")}${notes}\n`;
}

function headOf({ wallMs, seconds, kind }: Report): string {
  const time = localTime(wallMs);
  if (kind === "interval") return `${time}  within ${(seconds ?? 0).toFixed(1)} s`;
  return seconds === undefined
    ? `${time}  in all: this kernel does not say since when`
    : `${time}  since the counters began ${seconds} s ago`;
}

function localTime(wallMs: number): string {
  const date = new Date(wallMs);
  const two = (number: number): string => String(number).padStart(2, "0");
  return (
    `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ` +
    `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
  );
}

interface Column {
  readonly name: string;
  readonly of: (target: TargetReport) => Cell;
}

/** Per second, or in all where nobody knows how long that was. */
function sharedColumns({ seconds }: Report, unit: TextOptions["unit"], requests: string): readonly Column[] {
  const per = seconds ?? 1;
  const s = seconds === undefined ? "" : "/s";
  const bytes = unit === "k" ? 1024 : 1024 ** 2;
  const size = (all: number, count: number): Cell => (count === 0 ? undefined : (all / count / bytes).toFixed(2));
  const rate = (value: number): string => (value / per).toFixed(seconds === undefined ? 0 : 2);
  return [
    { name: `${requests}${s}`, of: ({ requests }) => rate(requests) },
    { name: `r${s}`, of: ({ reads }) => rate(reads) },
    { name: `w${s}`, of: ({ writes }) => rate(writes) },
    { name: `r${unit}B${s}`, of: ({ bytes_read }) => (bytes_read / bytes / per).toFixed(2) },
    { name: `w${unit}B${s}`, of: ({ bytes_written }) => (bytes_written / bytes / per).toFixed(2) },
    { name: `rareq-${unit}B`, of: ({ bytes_read, reads }) => size(bytes_read, reads) },
    { name: `wareq-${unit}B`, of: ({ bytes_written, writes }) => size(bytes_written, writes) },
    { name: "r_await", of: ({ read_ms }) => ms(read_ms) },
    { name: "w_await", of: ({ write_ms }) => ms(write_ms) },
    { name: `err${s}`, of: ({ errors }) => (errors === undefined ? undefined : rate(errors)) },
    { name: "recon", of: ({ reconnects }) => reconnects },
  ];
}

function smbColumns(report: Report, { unit }: TextOptions): readonly Column[] {
  return [
    ...sharedColumns(report, unit, "req"),
    { name: "credits", of: ({ credits }) => credits },
    { name: "inflight", of: ({ in_flight }) => in_flight },
  ];
}

function nfsColumns(report: Report, { unit }: TextOptions): readonly Column[] {
  return [
    ...sharedColumns(report, unit, "op"),
    { name: "retrans", of: ({ retransmissions }) => retransmissions },
    { name: "inflight", of: ({ in_flight }) => in_flight },
  ];
}

const ms = (value: number | undefined): Cell => value?.toFixed(2);

const nameOf = ({ target, mount }: TargetReport): string => (mount === undefined ? target : `${target} ${mount}`);

function targetTable(
  title: string,
  targets: readonly TargetReport[],
  report: Report,
  options: TextOptions,
  columns: readonly Column[],
): string {
  const width = Math.max(24, title.length, ...targets.map((target) => printable(nameOf(target)).length));
  const widths = columns.map(({ name }) => Math.max(8, name.length) + 1);
  const line = (name: string, cells: readonly Cell[]): string =>
    `${left(name, width)}${cells.map((cell, index) => right(cell ?? "-", widths[index] ?? 8)).join("")}`.trimEnd();
  const head = line(
    title,
    columns.map(({ name }) => name),
  );
  const rows = targets.map((target) => {
    const cells = target.restarted === true ? columns.map(() => "-") : columns.map(({ of }) => of(target));
    return line(nameOf(target), cells) + (target.disconnected === true ? "  DISCONNECTED" : "");
  });
  const table = `${[head, ...rows].join("\n")}\n`;
  return options.extended ? table + targets.map((target) => commandTable(target, report)).join("") : table;
}

type CommandColumn = readonly [name: string, of: (one: CommandReport) => Cell];

const sharedCommandColumns = (rate: (value: number | undefined) => Cell, s: string): readonly CommandColumn[] => [
  [`n${s}`, ({ count }) => rate(count)],
  [`err${s}`, ({ errors }) => rate(errors)],
  ["mean(ms)", ({ mean_ms }) => ms(mean_ms)],
];

const nfsCommandColumns: readonly CommandColumn[] = [
  ["queue(ms)", ({ queue_ms }) => ms(queue_ms)],
  ["rtt(ms)", ({ rtt_ms }) => ms(rtt_ms)],
  ["retrans", ({ retransmissions }) => retransmissions],
];

const smbCommandColumns: readonly CommandColumn[] = [
  ["p50(ms)", ({ p50_ms }) => ms(p50_ms)],
  ["p99(ms)", ({ p99_ms }) => ms(p99_ms)],
  ["worst(ms)", ({ worst_ms }) => ms(worst_ms)],
  ["times of", ({ times_of }) => times_of],
];

function commandTable(target: TargetReport, { seconds }: Report): string {
  if (target.commands.length === 0) return "";
  const nfs = target.protocol === "nfs";
  const s = seconds === undefined ? "" : "/s";
  const rate = (value: number | undefined): Cell =>
    value === undefined ? undefined : (value / (seconds ?? 1)).toFixed(seconds === undefined ? 0 : 2);
  const columns = [...sharedCommandColumns(rate, s), ...(nfs ? nfsCommandColumns : smbCommandColumns)];
  const line = (name: string, cells: readonly Cell[]): string =>
    `  ${left(name, 22)}${cells.map((cell) => right(cell ?? "-", 11)).join("")}`;
  const head = line(
    nameOf(target).length > 22 ? "COMMAND" : nameOf(target),
    columns.map(([name]) => name),
  );
  const rows = [...target.commands]
    .sort((a, b) => b.count - a.count)
    .map((one) =>
      line(
        one.command,
        columns.map(([, of]) => of(one)),
      ),
    );
  return `\n${nameOf(target).length > 22 ? `  ${printable(nameOf(target))}\n` : ""}${[head, ...rows].join("\n")}\n`;
}
