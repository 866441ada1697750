// rpcbind: RFC 1833. Which programs a host has, and on which ports.
import { programNumbers } from "../nfs/rpc-words.ts";
import { XdrWriter } from "../nfs/xdr.ts";
import type { CallLimits, Reply, RpcTransport } from "./rpc.ts";

export interface Registration {
  readonly program: number;
  readonly version: number;
  /** `tcp`, `tcp6`, `udp`, ... */
  readonly netid: string;
  readonly port: number;
}

export type Registrations =
  | { readonly state: "listed"; readonly list: readonly Registration[]; readonly tookMs: number }
  | { readonly state: "failed"; readonly reply: Exclude<Reply, { state: "done" }> };

const MAX_ENTRIES = 4096;
const DUMP = 4;
const GETPORT = 3;
const IPPROTO_TCP = 6;

/** Everything that is registered: by version 4, which knows IPv6, and by the portmapper's version 2 where there is no other. */
export async function dumpRpcbind(rpc: RpcTransport, limits: CallLimits): Promise<Registrations> {
  const four = await rpc.call({ program: programNumbers.rpcbind, version: 4, procedure: DUMP }, limits);
  if (four.state === "done") return { state: "listed", list: readRpcbindList(four.results), tookMs: four.tookMs };
  if (four.state !== "denied") return { state: "failed", reply: four };
  const two = await rpc.call({ program: programNumbers.rpcbind, version: 2, procedure: DUMP }, limits);
  if (two.state !== "done") return { state: "failed", reply: two };
  return { state: "listed", list: readPortmapperList(two.results), tookMs: two.tookMs };
}

/** The TCP port of one program, 0 where it is not registered: for hosts that keep their list to themselves. */
export async function portOf(
  rpc: RpcTransport,
  program: number,
  version: number,
  limits: CallLimits,
): Promise<number | undefined> {
  const args = new XdrWriter().words(program, version, IPPROTO_TCP, 0).bytes();
  const reply = await rpc.call({ program: programNumbers.rpcbind, version: 2, procedure: GETPORT, args }, limits);
  return reply.state === "done" ? reply.results.word() : undefined;
}

type Results = Extract<Reply, { state: "done" }>["results"];

function readRpcbindList(xdr: Results): readonly Registration[] {
  const list: Registration[] = [];
  while (xdr.word() === 1 && list.length < MAX_ENTRIES) {
    const [program, version] = [xdr.word(), xdr.word()];
    const [netid, address] = [xdr.text(256), xdr.text(256)];
    xdr.opaque(256);
    // h1.h2.h3.h4.p1.p2; what is local has a path.
    const [high, low] = (address ?? "").split(".").slice(-2).map(Number);
    if (program === undefined || version === undefined || netid === undefined || high === undefined) continue;
    if (low === undefined || !Number.isInteger(high * 256 + low)) continue;
    list.push({ program, version, netid, port: high * 256 + low });
  }
  return list;
}

function readPortmapperList(xdr: Results): readonly Registration[] {
  const list: Registration[] = [];
  while (xdr.word() === 1 && list.length < MAX_ENTRIES) {
    const [program, version, protocol, port] = [xdr.word(), xdr.word(), xdr.word(), xdr.word()];
    if (program === undefined || version === undefined || port === undefined) break;
    list.push({ program, version, netid: protocol === IPPROTO_TCP ? "tcp" : "udp", port });
  }
  return list;
}
