import { mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type NfsMountStats, parseMountstats } from "../../src/nfs/mountstats.ts";
import { AodError } from "../../src/system/error.ts";
import { isMounted, type MountOptions, mountOptionText, unmount } from "./cifs.ts";
import type { Lab } from "./lab.ts";
import { listens } from "./proc.ts";
import { Background } from "./process.ts";

export const nfsVersions = ["3", "4.0", "4.1", "4.2"] as const;
export type NfsVersion = (typeof nfsVersions)[number];

export interface NfsdRequest {
  /** Further options of exports(5). */
  readonly export?: readonly string[];
  readonly threads?: number;
}

export interface NfsMountRequest {
  /** 4.2 when absent. */
  readonly version?: NfsVersion;
  /** Made when it is not there; `/mnt/nfs` when absent. */
  readonly mountPoint?: string;
  /** Below the export, e.g. `/a`; the whole export when absent. */
  readonly path?: string;
  readonly options?: MountOptions;
}

export interface NfsMounted {
  readonly path: string;
  /** `SERVER:/PATH` */
  readonly source: string;
}

const root = "/run/lab-work/nfs";
/** Where the kernel and its helpers meet. */
export const pipes = join(root, "rpc_pipefs");
const port = 2049;

/** What the server exports: a directory in memory. */
export const exportDirectory = join(root, "export");

const exportDefaults = ["rw", "sync", "no_root_squash", "insecure", "no_subtree_check", "fsid=0"] as const;

interface Running {
  readonly request: string;
  readonly threads: number;
  readonly daemons: readonly Background[];
}

let running: Running | undefined;

/**
 * Starts the kernel's NFS server, for versions 3 to 4.2, with one export, and returns once it listens on TCP port 2049. A server that an earlier
 * scenario of the same boot left as it is wanted is used again.
 */
export async function startNfsd(lab: Lab, request: NfsdRequest = {}): Promise<void> {
  const wanted = JSON.stringify(request);
  if (running?.request === wanted && listens(port)) return;
  await stopNfsd(lab);
  for (const directory of [exportDirectory, pipes, join(root, "cld"), "/run/rpcbind"])
    mkdirSync(directory, { recursive: true });
  await lab.run(["modprobe", "nfsd"]);
  await lab.run(["mount", "-t", "nfsd", "nfsd", "/proc/fs/nfsd"]);
  await lab.run(["mount", "-t", "rpc_pipefs", "sunrpc", pipes]);
  // The least that nfsd takes: a client that went away does not hold its state for long.
  writeFileSync("/proc/fs/nfsd/nfsv4leasetime", "10\n");
  writeFileSync("/proc/fs/nfsd/nfsv4gracetime", "10\n");
  writeFileSync("/proc/sys/fs/nfs/nlm_grace_period", "1\n");

  const options = [...exportDefaults, ...(request.export ?? [])].join(",");
  await lab.run(["exportfs", "-i", "-o", options, `127.0.0.1:${exportDirectory}`]);
  const rpcbind = daemon(["rpcbind", "-f"]);
  // With its record of clients nfsd knows that none is to come back, and begins without a grace period.
  const nfsdcld = daemon(["nfsdcld", "-F", "-p", pipes, "-s", join(root, "cld")]);
  await ready(lab, rpcbind, () => listens(111));
  const mountd = daemon(["rpc.mountd", "-F"]);
  // It opens its pipe, for which the kernel waits a second, when nfsd starts.
  await ready(lab, nfsdcld, (files) => files.includes("anon_inode:inotify"));
  await ready(lab, mountd, (files) => files.some((file) => file.endsWith("/nfsd.export/channel")));
  running = { request: wanted, threads: request.threads ?? 4, daemons: [rpcbind, nfsdcld, mountd] };
  await startThreads(lab, running.threads);
}

/** A daemon serves all scenarios of a boot, so it does not end with one of them. */
function daemon(argv: readonly string[]): Background {
  const log = join(root, `${argv[0]}.log`);
  return new Background(argv, { stdout: log, stderr: log });
}

async function ready(lab: Lab, process: Background, isReady: (files: readonly string[]) => boolean): Promise<void> {
  const [name = ""] = process.argv;
  await lab.until(`${name} is ready`, 60, () => {
    if (!process.running)
      throw new AodError("failed", `${name} ended: ${readFileSync(join(root, `${name}.log`), "utf8").slice(-2000)}`);
    return isReady(openFiles(process.pid));
  });
}

export function openFiles(pid: number): string[] {
  const directory = `/proc/${pid}/fd`;
  return readdirSync(directory).flatMap((name) => {
    try {
      return [readlinkSync(join(directory, name))];
    } catch (error) {
      // Closed since it was listed.
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
  });
}

async function startThreads(lab: Lab, threads: number): Promise<void> {
  await lab.run(["rpc.nfsd", "--host", "127.0.0.1", "--no-udp", String(threads)]);
  if (!listens(port)) throw new AodError("failed", `nfsd does not listen on port ${port}`);
}

/** Ends the server's threads at once: connections are reset, new ones refused. Exports and data stay. */
export function killNfsd(lab: Lab): void {
  lab.onEnd("restart nfsd", () => restartNfsd(lab));
  writeFileSync("/proc/fs/nfsd/threads", "0\n");
}

/** Starts a killed server again. Clients of version 4 have to reclaim their state within its grace period of 10 s. */
export async function restartNfsd(lab: Lab): Promise<void> {
  if (running === undefined) throw new AodError("usage", "nfsd was never started");
  if (!listens(port)) await startThreads(lab, running.threads);
}

/** Ends the server for good, with its data. */
async function stopNfsd(lab: Lab): Promise<void> {
  if (running === undefined) return;
  writeFileSync("/proc/fs/nfsd/threads", "0\n");
  for (const process of running.daemons) await process.stop();
  running = undefined;
  for (const path of [pipes, "/proc/fs/nfsd"]) await lab.run(["umount", path]);
  rmSync(root, { recursive: true, force: true });
}

/** Mounts the export; it is unmounted at the end of the scenario. Version 3 goes without locks of the server (`nolock: false` asks for them). */
export async function mountNfs(lab: Lab, request: NfsMountRequest = {}): Promise<NfsMounted> {
  const version = request.version ?? "4.2";
  const path = request.mountPoint ?? "/mnt/nfs";
  // fsid=0 makes the export the root of version 4's name space.
  const base = version === "3" ? exportDirectory : "";
  const source = `127.0.0.1:${base}${request.path ?? (version === "3" ? "" : "/")}`;
  mkdirSync(path, { recursive: true });
  const defaults = { vers: version, ...(version === "3" ? { nolock: true, mountproto: "tcp" } : {}) };
  const options = mountOptionText(defaults, request.options ?? {});
  await lab.run(["mount", "-t", "nfs", source, path, "-o", options], { timeoutMs: 60_000 });
  lab.onEnd(`unmount ${path}`, async () => {
    if (isMounted(path)) await unmount(lab, path);
  });
  return { path, source };
}

/** What the client counts for a mount (src/nfs/mountstats.ts); the whole text is kept as `mountstats-NAME.txt` when a name is given. */
export function readMountstats(lab: Lab, mountPoint: string, name?: string): NfsMountStats {
  const text = readFileSync("/proc/self/mountstats", "utf8");
  if (name !== undefined) lab.write(`mountstats-${name}.txt`, text);
  const found = parseMountstats(text).find((mount) => mount.mountPoint === mountPoint);
  if (found === undefined) throw new AodError("failed", `${mountPoint} is not a mount of NFS`);
  return found;
}
