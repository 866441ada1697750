// Programs that stand between an NFS client and its server: stunnel on loopback, tlshd for xprtsec=tls. What a process holds is seen by readlink of its
// descriptors alone; nothing of a process that may hang is opened.
import { join } from "node:path";
import { notLocal } from "../sources/targets.ts";
import type { MountInfo } from "../system/mountinfo.ts";
import { isNfs } from "../system/mounts.ts";
import type { Endpoint, TcpRow } from "../system/sockets.ts";
import { contentOf, linkOf, namesIn } from "./files.ts";

export interface Tunnel {
  /** Where the mount goes to: `127.0.0.1:20049`. */
  readonly local: Endpoint;
  readonly listening: boolean;
  /** Who listens there; absent: nobody, or only root may know. */
  readonly process?: { readonly pid: number; readonly comm: string };
  /** What that process is connected to: the true server. */
  readonly upstream: readonly Endpoint[];
  /** `connect =` of stunnel's configuration, where nothing is connected. */
  readonly configured?: string;
}

export interface Helpers {
  readonly tunnels: readonly Tunnel[];
  /** Only looked for where a mount has xprtsec=tls or mtls. Absent: not looked for. */
  readonly tlshd?: { readonly running: boolean; readonly pid?: number };
}

const isLoopback = (address: string): boolean => /^127\./.test(address) || address === "::1";

export function readHelpers(root: string, mounts: readonly MountInfo[], tcp: readonly TcpRow[]): Helpers {
  const nfs = mounts.filter(isNfs);
  const locals = new Map<string, Endpoint>();
  for (const { options } of nfs) {
    const { addr, port } = options;
    const local = {
      address: typeof addr === "string" ? addr : "",
      port: typeof port === "string" ? Number(port) : 2049,
    };
    if (isLoopback(local.address)) locals.set(`${local.address} ${local.port}`, local);
  }
  const tls = nfs.some(({ options }) => options.xprtsec === "tls" || options.xprtsec === "mtls");
  if (locals.size === 0 && !tls) return { tunnels: [] };
  const processes = processesOf(root);
  const tlshd = processes.find(({ comm }) => comm === "tlshd");
  return {
    tunnels: [...locals.values()].flatMap((local) => tunnelAt(local, tcp, processes, { root, mounts }) ?? []),
    ...(tls ? { tlshd: tlshd === undefined ? { running: false } : { running: true, pid: tlshd.pid } } : {}),
  };
}

interface Process {
  readonly pid: number;
  readonly comm: string;
}

function processesOf(root: string): readonly Process[] {
  return (namesIn(join(root, "/proc")) ?? [])
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const comm = contentOf(join(root, "/proc", pid, "comm"))?.trimEnd();
      return comm === undefined ? [] : [{ pid: Number(pid), comm }];
    });
}

interface Place {
  readonly root: string;
  readonly mounts: readonly MountInfo[];
}

/** Undefined where the server itself is on this machine, as the kernel's nfsd is, which listens without a process. */
function tunnelAt(
  local: Endpoint,
  tcp: readonly TcpRow[],
  processes: readonly Process[],
  place: Place,
): Tunnel | undefined {
  const { root } = place;
  const listens = tcp.find(
    (row) =>
      row.state === "LISTEN" &&
      row.local.port === local.port &&
      [local.address, "0.0.0.0", "::"].includes(row.local.address),
  );
  const configured = configuredFor(place, local);
  if (listens === undefined)
    return { local, listening: false, upstream: [], ...(configured === undefined ? {} : { configured }) };
  const holders = processes.filter(({ pid }) => socketsOf(root, pid).has(listens.inode));
  if (holders.length === 0) {
    return configured === undefined ? undefined : { local, listening: true, upstream: [], configured };
  }
  const [process] = [...holders].sort((a, b) => Number(/stunnel/.test(b.comm)) - Number(/stunnel/.test(a.comm)));
  const own = new Set(holders.flatMap(({ pid }) => [...socketsOf(root, pid)]));
  const upstream = tcp.filter(
    ({ inode, state, remote }) => own.has(inode) && state === "ESTABLISHED" && !isClientSide(tcp, remote, local),
  );
  const there = upstream.filter(({ local: from }) => from.port !== local.port).map(({ remote }) => remote);
  return {
    local,
    listening: true,
    ...(process === undefined ? {} : { process }),
    upstream: [...new Map(there.map((one) => [`${one.address} ${one.port}`, one])).values()],
    ...(there.length > 0 || configured === undefined ? {} : { configured }),
  };
}

/** The mount's own end of the connection to the tunnel. */
const isClientSide = (tcp: readonly TcpRow[], remote: Endpoint, local: Endpoint): boolean =>
  tcp.some(
    (row) =>
      row.local.address === remote.address &&
      row.local.port === remote.port &&
      row.remote.address === local.address &&
      row.remote.port === local.port,
  );

function socketsOf(root: string, pid: number): ReadonlySet<number> {
  const directory = join(root, "/proc", String(pid), "fd");
  return new Set(
    (namesIn(directory) ?? []).flatMap((name) => {
      const [, inode] = /^socket:\[(\d+)\]$/.exec(linkOf(join(directory, name)) ?? "") ?? [];
      return inode === undefined ? [] : [Number(inode)];
    }),
  );
}

const DEPTH = 3;

/** `connect =` of the service whose `accept =` is this address, in the files below /etc/stunnel. */
function configuredFor({ root, mounts }: Place, local: Endpoint): string | undefined {
  // Where /etc itself comes from a server nothing is opened there.
  if (mounts.length > 0 && notLocal("/etc/stunnel", mounts) !== undefined) return undefined;
  for (const path of configFiles(join(root, "/etc/stunnel"), DEPTH)) {
    for (const service of (contentOf(path) ?? "").split(/^\s*\[/m)) {
      const [, accept] = /^\s*accept\s*=\s*(\S+)/m.exec(service) ?? [];
      const [, connect] = /^\s*connect\s*=\s*(\S+)/m.exec(service) ?? [];
      const [, host = "", port] = /^(?:(.*):)?(\d+)$/.exec(accept ?? "") ?? [];
      const same = host === "" || host === local.address || (host === "localhost" && isLoopback(local.address));
      if (connect !== undefined && Number(port) === local.port && same) return connect;
    }
  }
  return undefined;
}

function configFiles(directory: string, depth: number): readonly string[] {
  return [...(namesIn(directory) ?? [])].sort().flatMap((name) => {
    const path = join(directory, name);
    return name.endsWith(".conf") ? [path] : depth > 0 ? configFiles(path, depth - 1) : [];
  });
}
