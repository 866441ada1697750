import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { mountCifs } from "../../lab/guest/cifs.ts";
import type { Lab } from "../../lab/guest/lab.ts";
import { shareDirectory, startSamba } from "../../lab/guest/samba.ts";
import { parseStats } from "../../src/smb/stats.ts";
import type { Load } from "../request.ts";
import { build } from "./paths.ts";

const mountPoint = "/mnt/share";

/**
 * Samba and two mounts over one connection: the second holds it. Names are case-sensitive on the server, else it searches the
 * whole directory for every new name, and the cost of the client disappears in the server's.
 */
export async function prepareShare(lab: Lab): Promise<void> {
  await startSamba(lab, { shares: { share: { "case sensitive": "yes" } } });
  const options = { echo_interval: 600 };
  // With counted instructions the guest's clock leaps while it waits for a program to be read over 9p: the first answer of a
  // server that starts a process for it may come "late".
  await mountCifs(lab, { mountPoint: "/mnt/hold", options })
    .catch(() => mountCifs(lab, { mountPoint: "/mnt/hold", options }))
    .catch(() => mountCifs(lab, { mountPoint: "/mnt/hold", options }));
  await mountCifs(lab, { mountPoint, options: { ...options, closetimeo: 0 } });
}

/** Requests released so far, of all connections and commands. */
export function releasedRequests(): number {
  return parseStats(readFileSync("/proc/fs/cifs/Stats", "utf8"))
    .connections.flatMap((connection) => connection.commands)
    .reduce((sum, { number }) => sum + number, 0);
}

export interface Work {
  readonly requests: number;
  readonly elapsedNs: number;
  readonly idleNs: number;
}

let directories = 0;

/** The program of the workload, in memory. */
export function ensureWorkProgram(lab: Lab): string {
  const program = join(lab.work, "work");
  if (!existsSync(program)) copyFileSync(join(build, "bench", "work"), program);
  return program;
}

/** A new directory, made on the server, and the program. */
export function place(lab: Lab): { readonly program: string; readonly directory: string; readonly onServer: string } {
  const program = ensureWorkProgram(lab);
  directories += 1;
  const name = `d${directories}`;
  const onServer = join(shareDirectory("share"), name);
  mkdirSync(onServer);
  return { program, directory: join(mountPoint, name), onServer };
}

/** Runs the workload in a directory of its own, made and removed on the server. */
export async function work(lab: Lab, files: number, load: Load = "files"): Promise<Work> {
  const { program, directory, onServer } = place(lab);
  const before = releasedRequests();
  const kind = load === "files" ? [] : [load];
  const { stdout } = await lab.run([program, directory, String(files), ...kind], { timeoutMs: 3_600_000 });
  const requests = releasedRequests() - before;
  rmSync(onServer, { recursive: true });
  const [elapsedNs = Number.NaN, idleNs = Number.NaN] = stdout.trim().split(" ").map(Number);
  return { requests, elapsedNs, idleNs };
}
