// All that `aod show` rests on, read at one moment: files of /proc and /sys that the kernel writes from memory. Nothing below a mount is touched.
import { readlinkSync } from "node:fs";
import { join } from "node:path";
import type { SeenRequests } from "../daemon/requests.ts";
import { type NfsMountStats, parseMountstats } from "../nfs/mountstats.ts";
import { type NfsServerRow, parseNfsServers } from "../nfs/nfsfs.ts";
import { parseRpcTasks, type RpcTask } from "../nfs/rpc-tasks.ts";
import { type DebugData, parseDebugData } from "../smb/debug-data.ts";
import { type DfsCache, parseDfsCache } from "../smb/dfs-cache.ts";
import { type OpenDirs, parseOpenDirs } from "../smb/open-dirs.ts";
import { listOpenFiles, type OpenFileDetails } from "../smb/open-files.ts";
import {
  type ParameterValue,
  parseFlag,
  parseParameter,
  parseSecurityFlags,
  type SecurityFlags,
} from "../smb/settings.ts";
import { type CifsStats, parseStats } from "../smb/stats.ts";
import { type MountInfo, parseMountinfo } from "../system/mountinfo.ts";
import { isNfs, isSmb } from "../system/mounts.ts";
import { hasCode } from "../system/proc.ts";
import { type TcpRow, tcpRowsTo } from "../system/sockets.ts";
import { contentOf, namesIn } from "./files.ts";
import { type Helpers, readHelpers } from "./helpers.ts";

/** The kernel holds a share's spin lock while it lists the handles. */
const MAX_LISTED = 10_000;

export interface ShowState {
  /** Absent: the module cifs is not loaded. */
  readonly data?: DebugData;
  readonly stats?: CifsStats;
  readonly files: readonly OpenFileDetails[];
  /** Why there is no list of them. */
  readonly filesMissing?: string;
  readonly dirs?: OpenDirs;
  readonly dfs?: DfsCache;
  readonly parameters: ReadonlyMap<string, ParameterValue>;
  readonly security?: SecurityFlags;
  readonly lookupCache?: number;
  readonly mounts: readonly MountInfo[];
  readonly tcp: readonly TcpRow[];
  /** Of this process. */
  readonly netNamespace?: number;
  readonly nfs: readonly NfsMountStats[];
  readonly nfsServers: readonly NfsServerRow[];
  /** Absent: debugfs is not mounted, or may not be read. */
  readonly rpcTasks?: readonly RpcTask[];
  readonly helpers: Helpers;
  readonly seen?: SeenRequests;
  /** pid -> name of the task. */
  readonly comm: (pid: number) => string | undefined;
  /** Lines that no reader knows, by file. */
  readonly unknown: Readonly<Record<string, readonly string[]>>;
}

export interface Roots {
  /** What stands before /proc, /sys and /etc: empty on the machine itself. */
  readonly root: string;
}

export function readState({ root }: Roots, seen: SeenRequests | undefined, all = false): ShowState {
  const proc = join(root, "/proc");
  const text = (path: string): string | undefined => contentOf(join(root, path));
  const cifs = (name: string): string | undefined => text(`/proc/fs/cifs/${name}`);
  const [debugData, stats, dirs, dfs, security] = ["DebugData", "Stats", "open_dirs", "dfscache", "SecurityFlags"].map(
    cifs,
  );
  const counted = stats === undefined ? undefined : parseStats(stats);
  const open = (counted?.shares ?? []).reduce((sum, { openFiles = 0 }) => sum + openFiles, 0);
  const list = open > MAX_LISTED && !all ? undefined : cifs("open_files");
  const files = listOpenFiles(list ?? "");
  const data = debugData === undefined ? undefined : parseDebugData(debugData);
  const openDirs = dirs === undefined ? undefined : parseOpenDirs(dirs);
  const dfsCache = dfs === undefined ? undefined : parseDfsCache(dfs);
  const mountstats = parseMountstats(text("/proc/self/mountstats") ?? text("/proc/1/mountstats") ?? "");
  const servers = parseNfsServers(text("/proc/fs/nfsfs/servers") ?? "");
  const mounts = parseMountinfo(text("/proc/self/mountinfo") ?? text("/proc/1/mountinfo") ?? "");
  const network = mounts.filter((mount) => isSmb(mount) || isNfs(mount));
  const tcp = ["tcp", "tcp6"].flatMap((name) => tcpRowsTo(text(`/proc/net/${name}`) ?? "", undefined));
  const tasks = rpcTasks(join(root, "/sys/kernel/debug/sunrpc/rpc_clnt"));
  const lookupCache = parseFlag(cifs("LookupCacheEnabled") ?? "");
  const flags = security === undefined ? undefined : parseSecurityFlags(security);
  const netNamespace = namespaceOf(proc);
  const missing =
    data === undefined
      ? undefined
      : open > MAX_LISTED && !all
        ? `${open} files are open: with --all they are listed (the kernel holds a lock meanwhile)`
        : list === undefined
          ? "open_files may only be read by root"
          : undefined;
  return {
    ...(data === undefined ? {} : { data }),
    ...(counted === undefined ? {} : { stats: counted }),
    files: files.files,
    ...(missing === undefined ? {} : { filesMissing: missing }),
    ...(openDirs === undefined ? {} : { dirs: openDirs }),
    ...(dfsCache === undefined ? {} : { dfs: dfsCache }),
    parameters: parametersIn(join(root, "/sys/module/cifs/parameters")),
    ...(flags === undefined ? {} : { security: flags }),
    ...(lookupCache === undefined ? {} : { lookupCache }),
    mounts: network,
    tcp,
    ...(netNamespace === undefined ? {} : { netNamespace }),
    nfs: mountstats,
    nfsServers: servers.rows,
    ...(tasks === undefined ? {} : { rpcTasks: tasks.tasks }),
    helpers: readHelpers(root, mounts, tcp),
    ...(seen === undefined ? {} : { seen }),
    comm: (pid) => text(`/proc/${pid}/comm`)?.trimEnd(),
    unknown: {
      DebugData: data?.unknown ?? [],
      Stats: counted?.unknown ?? [],
      open_files: files.unknown,
      open_dirs: openDirs?.unknown ?? [],
      dfscache: dfsCache?.unknown ?? [],
      mountstats: mountstats.flatMap(({ unknown }) => unknown),
      "nfsfs/servers": servers.unknown,
      "sunrpc/tasks": tasks?.unknown ?? [],
    },
  };
}

function parametersIn(directory: string): ReadonlyMap<string, ParameterValue> {
  const values = new Map<string, ParameterValue>();
  for (const name of namesIn(directory) ?? []) {
    const text = contentOf(join(directory, name));
    if (text !== undefined) values.set(name, parseParameter(text));
  }
  return values;
}

function rpcTasks(directory: string) {
  const clients = namesIn(directory);
  return clients === undefined
    ? undefined
    : parseRpcTasks(clients.map((client) => contentOf(join(directory, client, "tasks")) ?? "").join(""));
}

function namespaceOf(proc: string): number | undefined {
  try {
    const [, number] = /^net:\[(\d+)\]$/.exec(readlinkSync(join(proc, "self/ns/net"))) ?? [];
    return number === undefined ? undefined : Number(number);
  } catch (error) {
    if (hasCode(error, "ENOENT", "EACCES", "EPERM")) return undefined;
    throw error;
  }
}
