// /proc/PID/mountstats (statvers=1.1, RPC iostats 1.1): fs/nfs/super.c nfs_show_stats(), net/sunrpc/stats.c
// rpc_clnt_show_stats(). The text of a row per operation is the same from 5.10 to 7.2; other lines come and go.

import { unescapeOctal } from "../system/mounts.ts";

/** A row of the statistics per operation. Times are sums in ms. */
export interface NfsOpStats {
  readonly operation: string;
  readonly operations: number;
  readonly transmissions: number;
  readonly majorTimeouts: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly queueMs: number;
  readonly roundTripMs: number;
  readonly executeMs: number;
  /** Operations that ended with a negative status; absent before 5.3. */
  readonly errors?: number;
}

export interface NfsMountStats {
  /** `SERVER:/PATH` */
  readonly device: string;
  readonly mountPoint: string;
  readonly fstype: string;
  options?: string;
  ageSeconds?: number;
  /** s since the lease of NFSv4 ended; 0 while it holds. */
  leaseExpiredSeconds?: number;
  /** What the server says of itself; NFSv4.1 and later, empty where it says nothing. */
  implementation?: { readonly name: string; readonly domain: string };
  /** `not configured`, or the layout driver's name; NFSv4.1 and later. */
  pnfs?: string;
  /** s: the lease that the server gives; NFSv4. */
  leaseSeconds?: number;
  /** RPC's number: 1 sys, 6 gss, 7 tls; with gss which: 390003 krb5, 390004 krb5i, 390005 krb5p. */
  securityFlavor?: number;
  pseudoFlavor?: number;
  /** Pages that were read from and written to a local cache; 6.1 and before, with `fsc`. */
  readonly fscache: number[];
  /** 3 or 4; the minor version is in the options. */
  rpcVersion?: number;
  readonly events: number[];
  readonly bytes: number[];
  /** One for each transport, as the kernel writes it: its kind, then numbers. */
  readonly transports: { readonly kind: string; readonly numbers: readonly number[] }[];
  /** By name as the kernel writes it: `READ`, `READDIRPLUS`; an operation without a name is its number. */
  readonly operations: Map<string, NfsOpStats>;
  /** Lines that no rule knows, in order. */
  readonly unknown: string[];
}

/** The NFS mounts of a mountstats text, in its order; other file systems are left out. */
export function parseMountstats(text: string): NfsMountStats[] {
  const mounts: NfsMountStats[] = [];
  let mount: NfsMountStats | undefined;
  for (const line of text.split("\n")) {
    const head = /^(?:device (.*)|no device) mounted on (.*) with fstype (\S+)( statvers=\S+)?\s*$/.exec(line);
    if (head !== null) {
      const [, device = "", mountPoint = "", fstype = "", version] = head;
      // nfsd, a file system of the server, has no statistics.
      const isNfs = version !== undefined && /^nfs4?$/.test(fstype);
      mount = isNfs ? newMount(unescapeOctal(device), unescapeOctal(mountPoint), fstype) : undefined;
      if (mount !== undefined) mounts.push(mount);
    } else if (mount !== undefined && line.trim() !== "") addLine(mount, line);
  }
  return mounts;
}

const empty = () => ({ events: [], bytes: [], fscache: [], transports: [], operations: new Map(), unknown: [] });

function newMount(device: string, mountPoint: string, fstype: string): NfsMountStats {
  return { device, mountPoint, fstype, ...empty() };
}

const known = new Set(["caps"]);

function addLine(mount: NfsMountStats, line: string): void {
  const [, name = "", rest = ""] = /^\s*(\S+?):\s+(.*)$/.exec(line) ?? [];
  const iostats = /^\s*RPC iostats version: \S+\s+p\/v: \d+\/(\d+)/.exec(line);
  if (iostats !== null) mount.rpcVersion = Number(iostats[1]);
  else if (name === "nfsv4") addVersion4(mount, rest);
  else if (name === "impl_id") {
    const [, owner = "", domain = ""] = /name='(.*?)',domain='(.*?)'/.exec(rest) ?? [];
    mount.implementation = { name: owner, domain };
  } else if (name === "sec") addSecurity(mount, rest);
  else if (name === "fsc" && isNumbers(rest)) mount.fscache.push(...numbersIn(rest));
  else if (/^\s*per-op statistics\s*$/.test(line) || known.has(name)) return;
  else if (name === "opts") mount.options = rest;
  else if (name === "age" && /^\d+$/.test(rest)) mount.ageSeconds = Number(rest);
  else if (name === "events" && isNumbers(rest)) mount.events.push(...numbersIn(rest));
  else if (name === "bytes" && isNumbers(rest)) mount.bytes.push(...numbersIn(rest));
  else if (name === "xprt" && /^[a-z]/.test(rest)) {
    const [kind = "", ...numbers] = rest.trim().split(/\s+/);
    mount.transports.push({ kind, numbers: numbers.map(Number) });
  } else if (!addOperation(mount, name, rest)) mount.unknown.push(line.trim());
}

function addVersion4(mount: NfsMountStats, rest: string): void {
  const [, expired] = /\blease_expired=(\d+)/.exec(rest) ?? [];
  const [, lease] = /\blease_time=(\d+)/.exec(rest) ?? [];
  const [, pnfs] = /\bpnfs=([^,]+)/.exec(rest) ?? [];
  if (expired !== undefined) mount.leaseExpiredSeconds = Number(expired);
  if (lease !== undefined) mount.leaseSeconds = Number(lease);
  if (pnfs !== undefined) mount.pnfs = pnfs;
}

function addSecurity(mount: NfsMountStats, rest: string): void {
  const [, flavor, pseudo] = /^flavor=(\d+)(?:,pseudoflavor=(\d+))?/.exec(rest) ?? [];
  if (flavor !== undefined) mount.securityFlavor = Number(flavor);
  if (pseudo !== undefined) mount.pseudoFlavor = Number(pseudo);
}

const isNumbers = (text: string): boolean => /^[\d\s]+$/.test(text);
const numbersIn = (text: string): number[] => text.trim().split(/\s+/).map(Number);

function addOperation(mount: NfsMountStats, operation: string, rest: string): boolean {
  // An operation is written in capitals, or as its number when it has no name.
  if (!/^([A-Z_0-9]+)$/.test(operation) || !isNumbers(rest)) return false;
  const [operations, transmissions, majorTimeouts, bytesSent, bytesReceived, queueMs, roundTripMs, executeMs, errors] =
    numbersIn(rest);
  if (
    operations === undefined ||
    transmissions === undefined ||
    majorTimeouts === undefined ||
    bytesSent === undefined ||
    bytesReceived === undefined ||
    queueMs === undefined ||
    roundTripMs === undefined ||
    executeMs === undefined
  )
    return false;
  mount.operations.set(operation, {
    operation,
    operations,
    transmissions,
    majorTimeouts,
    bytesSent,
    bytesReceived,
    queueMs,
    roundTripMs,
    executeMs,
    ...(errors === undefined ? {} : { errors }),
  });
  return true;
}
