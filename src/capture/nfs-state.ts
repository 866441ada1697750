import { access, constants, readdir } from "node:fs/promises";
import { join } from "node:path";
import { hasCode } from "../system/proc.ts";
import type { Capture, CaptureContext } from "./capture.ts";
import { captureLocalFile } from "./local-file.ts";
import { captureProgram } from "./program-file.ts";

const absent = "the NFS client is not loaded, or does not have it";
/** Some 15 KiB for each mount. */
const limitBytes = 4 * 1024 * 1024;

/** What the NFS client and the RPC layer count: by mount, by host, by server. Reading them asks no server. */
export const nfsState: Capture = {
  name: "nfs-state",
  summary: "mountstats, counters of the NFS client and of RPC, servers and volumes, state of each RPC client",
  phases: ["open", "close"],
  limitBytes,
  async *collect(context) {
    yield await captureLocalFile(context, {
      name: "mountstats",
      path: await mountstatsOf(context),
      limitBytes,
      absent,
    });
    for (const [name, path] of [
      ["nfs-counters", "net/rpc/nfs"],
      ["nfs-servers", "fs/nfsfs/servers"],
      ["nfs-volumes", "fs/nfsfs/volumes"],
    ] as const) {
      yield await captureLocalFile(context, { name, path: join(context.procRoot, path), absent });
    }
    yield await rpcClients(context);
    yield await captureProgram(context, { name: "nfsstat.txt", argv: ["nfsstat", "-c"], lenient: true });
  },
};

/** The daemon may live in a mount namespace of its own; hidepid can hide process 1. */
export async function mountstatsOf({ procRoot }: CaptureContext): Promise<string> {
  const first = join(procRoot, "1/mountstats");
  return await access(first, constants.R_OK).then(
    () => first,
    () => join(procRoot, "self/mountstats"),
  );
}

const MAX_CLIENTS = 64;

/** debugfs: the tasks of each RPC client that have not ended, with their state and the queue that they wait in. */
async function rpcClients(context: CaptureContext) {
  const name = "rpc-tasks.txt";
  const source = join(context.sysRoot, "kernel/debug/sunrpc/rpc_clnt");
  const clients = await readdir(source).catch((error: unknown) => {
    if (hasCode(error, "ENOENT", "EACCES", "EPERM")) return undefined;
    throw error;
  });
  if (clients === undefined) return { name, source, status: "absent", reason: "no debugfs, or no RPC client" } as const;
  const pieces: string[] = [];
  for (const client of clients.slice(0, MAX_CLIENTS)) {
    for (const part of ["info", "tasks"]) {
      const path = join(source, client, part);
      const { content, reason } = await captureLocalFile(context, { name, path, limitBytes: 64 * 1024, absent });
      pieces.push(`==> ${path} <==\n${content?.toString() ?? `(${reason})\n`}`);
    }
  }
  const cut = clients.length > MAX_CLIENTS;
  return {
    name,
    source,
    content: pieces.join("\n"),
    ...(cut ? ({ status: "truncated", reason: `${clients.length} clients, ${MAX_CLIENTS} shown` } as const) : {}),
  };
}
