import { join } from "node:path";
import { type DebugData, parseDebugData } from "../smb/debug-data.ts";
import { formatWall } from "../system/clock.ts";
import { readLocal } from "../system/proc.ts";
import { type TcpRow, tcpRowsTo } from "../system/sockets.ts";
import type { Capture, CaptureContext, WorstOp } from "./capture.ts";
import { connectionOf } from "./op-connections.ts";
import { captureProgram } from "./program-file.ts";

/** What the support of a storage provider asks for, to find the client's operations in the server's own logs. */
export const serverSide: Capture = {
  name: "server-side",
  summary: "for the server's support: times in UTC, clock, connections, sessions, ids of the worst operations",
  phases: ["open", "close"],
  async *collect(context) {
    const rows = await rowsOf(context);
    const debugData = await debugDataOf(context);
    const mounts = await context.networkMounts();
    const ops = (context.worstOps?.() ?? []).map((op) => ({ ...op, ...connectionOf(op, rows, mounts, debugData) }));
    const sections = [
      ["When (UTC)", whenText(context)],
      ["Clock of this client", await clockText(context)],
      ["Connections (TCP, local and remote)", connectionsText(rows)],
      ["SMB sessions and shares", sessionsText(debugData)],
      ["Worst operations", opsText(ops)],
    ] as const;
    const content = sections.map(([title, text]) => `${title}\n${"-".repeat(title.length)}\n${text}\n`).join("\n");
    yield { name: "server-side.txt", source: "clock, /proc/net/tcp, DebugData, ops.ndjson", content };
  },
};

function whenText({ clock, openedNs, phase }: CaptureContext): string {
  const nowMs = clock.wallMs();
  const openedMs = nowMs - (clock.nowNs() - openedNs) / 1e6;
  return `from  ${formatWall(openedMs)}  the incident opened; evidence from before is in the bundle\nuntil ${formatWall(nowMs)}  ${phase === "open" ? "it lasts" : "it closed"}\n`;
}

/** The first of those that are installed and know. */
async function clockText(context: CaptureContext): Promise<string> {
  const questions = [
    ["chronyc", "-n", "tracking"],
    ["timedatectl", "timesync-status", "--no-pager"],
    ["ntpq", "-c", "rv 0 offset,stratum,refid"],
    ["timedatectl", "show", "--property=NTPSynchronized", "--property=NTP"],
  ] as const;
  const refusals: string[] = [];
  for (const argv of questions) {
    const { content, status, reason } = await captureProgram(context, {
      name: "clock",
      argv,
      limitBytes: 8 * 1024,
      lenient: true,
    });
    if (status === undefined && content !== undefined && content.length > 0) return `${argv.join(" ")}\n${content}`;
    refusals.push(`${argv[0]}: ${reason ?? "it said nothing"}`);
  }
  return `Its offset is not known. ${refusals.join("; ")}\n`;
}

async function rowsOf(context: CaptureContext): Promise<TcpRow[]> {
  const servers = await context.servers();
  const rows: TcpRow[] = [];
  for (const table of ["tcp", "tcp6"]) {
    const path = join(context.procRoot, "net", table);
    const file = await readLocal(path, { limitBytes: 4 * 1024 * 1024, signal: context.signal });
    rows.push(...tcpRowsTo(file?.content.toString("latin1") ?? "", servers));
  }
  return rows;
}

function connectionsText(rows: readonly TcpRow[]): string {
  const lines = rows.map(
    ({ local, remote, state }) =>
      `${local.address} port ${local.port} -> ${remote.address} port ${remote.port}  ${state}`,
  );
  return lines.length > 0 ? `${lines.join("\n")}\n` : "none in this network namespace\n";
}

/** Undefined where the module is not loaded. */
async function debugDataOf(context: CaptureContext): Promise<DebugData | undefined> {
  const path = join(context.procRoot, "fs/cifs/DebugData");
  const file = await readLocal(path, { limitBytes: 1024 * 1024, signal: context.signal });
  return file === undefined ? undefined : parseDebugData(file.content.toString());
}

function sessionsText(debugData: DebugData | undefined): string {
  if (debugData === undefined) return "none: the module cifs is not loaded\n";
  const lines = debugData.servers.flatMap((server) => {
    const name = server.hostname ?? "server";
    const connection = `${name}  connection ${hex(server.connectionId)}  dialect ${hex(server.dialect)}`;
    return [
      connection,
      ...server.sessions.flatMap((session) => [
        `  session ${hex(session.sessionId)}  address ${session.address ?? "?"}`,
        ...session.shares.map((share) => `    tree ${hex(share.treeId)}  ${share.name}`),
      ]),
    ];
  });
  return lines.length > 0 ? `${lines.join("\n")}\n` : "none\n";
}

const hex = (value: number | bigint | undefined): string => (value === undefined ? "?" : `0x${value.toString(16)}`);

const columns = [
  ...["time", "command", "status", "latency_us", "server", "share", "session_id", "tree_id", "mid", "xid"],
  ...["local", "remote"],
];

function opsText(ops: readonly WorstOp[]): string {
  if (ops.length === 0) return "none was seen\n";
  const rows = [columns, ...ops.map((op) => columns.map((column) => String(op[column] ?? "-")))];
  const widths = columns.map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((text, index) => text.padEnd(widths[index] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  return `time: when it ended (UTC); latency as the client saw it, in microseconds; local: of several connections to the server it was one of these\n${lines.join("\n")}\n`;
}
