import { join } from "node:path";
import { messageOf } from "../system/error.ts";
import { readLocal } from "../system/proc.ts";
import { ssArgv, tcpRowsTo } from "../system/sockets.ts";
import type { Capture, CaptureContext, CaptureFile, ServerAddress } from "./capture.ts";
import { captureProgram } from "./program-file.ts";

/** The TCP sockets to the servers: round trip times, retransmissions, windows, queues. Without ss(8) what /proc/net/tcp tells. */
export const sockets: Capture = {
  name: "socket-list",
  summary: "TCP sockets to the servers, in this network namespace",
  phases: ["open", "close"],
  async *collect(context) {
    const servers = await context.servers();
    const file = await captureProgram(context, { name: "sockets.txt", argv: ssArgv(servers), limitBytes: 512 * 1024 });
    yield file;
    if (file.status === undefined || file.status === "truncated") return;
    yield await fromProc(context, servers);
  },
};

async function fromProc(context: CaptureContext, servers: readonly ServerAddress[]): Promise<CaptureFile> {
  const name = "sockets.ndjson";
  const paths = ["tcp", "tcp6"].map((table) => join(context.procRoot, "net", table));
  const source = paths.join(" ");
  try {
    const tables = await Promise.all(
      paths.map((path) => readLocal(path, { limitBytes: 4 * 1024 * 1024, signal: context.signal })),
    );
    const rows = tables.flatMap((table) => (table ? tcpRowsTo(table.content.toString("latin1"), servers) : []));
    const content = rows.map((row) => `${JSON.stringify(row)}\n`).join("");
    const cut = tables.some((table) => table?.truncated);
    return { name, source, content, ...(cut ? { status: "truncated", reason: "the table is too long" } : {}) };
  } catch (error) {
    context.signal.throwIfAborted();
    return { name, source, status: "failed", reason: messageOf(error) };
  }
}
