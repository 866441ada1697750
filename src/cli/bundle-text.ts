import type { BundleAnomaly, Item, Manifest } from "../bundle/manifest.ts";
import { left, printable, right } from "../tools/table-text.ts";

// Everything of a manifest may come from another machine: each text goes through printable().

export interface ListedBundle {
  readonly id: string;
  readonly bytes: number;
  readonly pinned: boolean;
  readonly opened: string;
  readonly target: Readonly<Record<string, string>>;
  readonly anomaly: BundleAnomaly;
}

const idWidth = 36;

export const listTitle = `${left("ID", idWidth)} ${right("SIZE", 10)}  ${left("OPENED", 20)} WHAT`;

/** One bundle of `aod bundle list`. */
export function listLine({ id, bytes, pinned, opened, target, anomaly }: ListedBundle): string {
  const where = target.share ?? target.server;
  const what = `${anomaly.detector}: ${anomaly.summary}${where === undefined ? "" : ` (${where})`}`;
  return `${left(id, idWidth)} ${right(size(bytes), 10)}  ${left(second(opened), 20)} ${pinned ? "(pinned) " : ""}${printable(what)}`;
}

/** `aod bundle show`. */
export function manifestLines(manifest: Manifest): string[] {
  const { anomalies, items, losses, notes } = manifest;
  return [
    ...facts(manifest).map(([name, text]) => `${left(name, 10)} ${printable(text)}`),
    "",
    `Anomalies (${anomalies.length}):`,
    ...anomalies.map(
      ({ time, detector, summary }) => `  ${left(time, 27)}  ${left(detector, 10)} ${printable(summary)}`,
    ),
    "",
    `Evidence (${items.length}):`,
    ...items.map(itemLine),
    "",
    losses.length === 0 ? "Nothing was counted as lost." : "Lost:",
    ...losses.map(
      ({ kind, detail, count }) =>
        `  ${right(count, 8)}  ${printable(detail === undefined ? kind : `${kind} ${detail}`)}`,
    ),
    ...notes.map((note) => `Note: ${printable(note)}`),
  ];
}

function facts({
  id,
  state,
  target,
  opened,
  closed,
  ops_from,
  ops_to,
  ops_coverage,
  host,
  versions,
}: Manifest): [string, string][] {
  const where = Object.entries(target).map(([name, value]) => `${name} ${value}`);
  const end = closed ?? (state === "recovered" ? "not closed: the daemon ended before" : "open");
  const rows: [string, string][] = [
    ["Bundle", `${id} (${state})`],
    ["Target", where.length === 0 ? "not known" : where.join(", ")],
    ["Time", `${opened} to ${end}`],
    [
      "Host",
      `${host.name}, kernel ${host.kernel}, ${host.arch}${host.distribution === undefined ? "" : `, ${host.distribution}`}`,
    ],
    ["Versions", `aod ${versions.aod}, node ${versions.node}`],
  ];
  if (ops_from !== undefined && ops_to !== undefined) {
    rows.splice(3, 0, [
      "Operations",
      `${ops_from} to ${ops_to}${ops_coverage === undefined ? "" : ` (${ops_coverage})`}`,
    ]);
  }
  return rows;
}

function itemLine({ name, status, size: bytes, reason, source, redacted }: Item): string {
  const secrets = redacted === undefined ? [] : [`${redacted} secrets removed`];
  const about = [source === name ? "" : source, reason ?? "", ...secrets].filter((text) => text !== "");
  const length = bytes === undefined ? "-" : size(bytes);
  return `  ${left(status, 9)} ${right(length, 10)}  ${left(name, 24)} ${printable(about.join("; "))}`.trimEnd();
}

function second(time: string): string {
  return time.replace(/\.\d+Z$/, "Z");
}

/** `812 B`, `4.2 KiB`, `1.0 MiB` */
export function size(bytes: number): string {
  const units = ["KiB", "MiB", "GiB", "TiB"] as const;
  if (bytes < 1024) return `${bytes} B`;
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value.toFixed(1)} ${units[unit] ?? "TiB"}`;
}
