// The MOUNT protocol, version 3: RFC 1813, appendix I. How NFSv3 finds an export.
import { flavorName, programNumbers } from "../nfs/rpc-words.ts";
import { XdrWriter } from "../nfs/xdr.ts";
import type { CallLimits, Credentials, Reply, RpcTransport } from "./rpc.ts";

export interface Export {
  readonly path: string;
  /** Hosts, netgroups and networks that may; none: everybody. */
  readonly clients: readonly string[];
}

const MOUNT = { program: programNumbers.mount, version: 3 } as const;
const procedures = { mnt: 1, umnt: 3, export: 5 } as const;
const MAX_PATH = 1024;
const MAX_EXPORTS = 10_000;

type Failed = Exclude<Reply, { state: "done" }>;

/** What the server exports, as far as it tells. */
export async function listExports(rpc: RpcTransport, limits: CallLimits): Promise<readonly Export[] | Failed> {
  const reply = await rpc.call({ ...MOUNT, procedure: procedures.export }, limits);
  if (reply.state !== "done") return reply;
  const xdr = reply.results;
  const exports: Export[] = [];
  while (xdr.word() === 1 && exports.length < MAX_EXPORTS) {
    const path = xdr.text(MAX_PATH);
    if (path === undefined) break;
    const clients: string[] = [];
    while (xdr.word() === 1 && clients.length < MAX_EXPORTS) clients.push(xdr.text(256) ?? "");
    exports.push({ path, clients });
  }
  return exports;
}

export type Mounted =
  | { readonly state: "mounted"; readonly handle: Buffer; readonly flavors: readonly string[] }
  | { readonly state: "refused"; readonly status: string };

/** Asks for the export's handle, as a mount does. The server notes a mount (rmtab) until `forgetMount`. */
export async function askMount(
  rpc: RpcTransport,
  path: string,
  as: Credentials,
  limits: CallLimits,
): Promise<Mounted | Failed> {
  const args = new XdrWriter().opaque(path).bytes();
  const reply = await rpc.call({ ...MOUNT, procedure: procedures.mnt, args, as }, limits);
  if (reply.state !== "done") return reply;
  const xdr = reply.results;
  const status = xdr.word();
  if (status !== 0) return { state: "refused", status: mountStatusName(status) };
  const handle = xdr.opaque(64);
  const count = xdr.word() ?? 0;
  if (handle === undefined || count > 32) return { state: "closed", why: "MNT's answer is cut", tookMs: reply.tookMs };
  const flavors = Array.from({ length: count }, () => xdr.word()).flatMap((flavor) => flavor ?? []);
  return { state: "mounted", handle: Buffer.from(handle), flavors: flavors.map(flavorName) };
}

export async function forgetMount(
  rpc: RpcTransport,
  path: string,
  as: Credentials,
  limits: CallLimits,
): Promise<boolean> {
  const args = new XdrWriter().opaque(path).bytes();
  return (await rpc.call({ ...MOUNT, procedure: procedures.umnt, args, as }, limits)).state === "done";
}

const statuses: Readonly<Record<number, string>> = {
  1: "MNT3ERR_PERM",
  2: "MNT3ERR_NOENT",
  5: "MNT3ERR_IO",
  13: "MNT3ERR_ACCES",
  20: "MNT3ERR_NOTDIR",
  22: "MNT3ERR_INVAL",
  63: "MNT3ERR_NAMETOOLONG",
  10004: "MNT3ERR_NOTSUPP",
  10006: "MNT3ERR_SERVERFAULT",
};

const mountStatusName = (status: number | undefined): string => statuses[status ?? -1] ?? `status ${status ?? "?"}`;
