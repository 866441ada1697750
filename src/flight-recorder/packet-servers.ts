// Which packets are those of the network mounts of this host.
import type { LookupAddress } from "node:dns";
import { isIP } from "node:net";
import { AodError, messageOf } from "../system/error.ts";
import { isNfs, parseMounts, serversOf } from "../system/mounts.ts";
import { type Endpoint, tcpRowsTo } from "../system/sockets.ts";

export interface ServersFrom {
  /** A file below /proc; undefined when it cannot be read. */
  readonly readProc: (path: string) => string | undefined;
  /** All addresses of a name. */
  readonly lookup: (name: string) => Promise<readonly LookupAddress[]>;
}

const SMB = 445;
const NFS = 2049;
const NFS_RDMA = 20049;
const PORTMAPPER = 111;

/** Of all mounts, or of one server, also one that is not mounted: by name or address. Throws AodError. */
export async function serversToRecord(
  server: string | undefined,
  { readProc, lookup }: ServersFrom,
): Promise<Endpoint[]> {
  const mounted = mountedServers(readProc);
  if (server === undefined) {
    if (mounted.length > 0) return mounted;
    throw new AodError(
      "failed",
      "there is no SMB or NFS mount here: mount something, or name the server with --server",
    );
  }
  const bare = server.replace(/^[\\/]+|[\\/].*$|^\[|\]$/g, "");
  const addresses = isIP(bare) === 0 ? await addressesOf(bare, lookup) : [bare];
  // A mount by this name may have another address than DNS has now.
  const named = mountsNamed(readProc, bare);
  const hosts = [...new Set([...addresses, ...named])];
  return unique(
    hosts.flatMap((address) => [
      ...[SMB, NFS, PORTMAPPER].map((port) => ({ address, port })),
      ...mounted.filter((one) => one.address === address),
    ]),
  );
}

async function addressesOf(name: string, lookup: ServersFrom["lookup"]): Promise<string[]> {
  try {
    return (await lookup(name)).map(({ address }) => address);
  } catch (error) {
    throw new AodError("failed", `the name ${name} has no address: ${messageOf(error)}`, { cause: error });
  }
}

function mountsNamed(readProc: ServersFrom["readProc"], name: string): string[] {
  return parseMounts(readProc("self/mounts") ?? "").flatMap(({ source, options: { addr } }) => {
    const host = source.startsWith("//") ? source.slice(2).split("/", 1)[0] : source.slice(0, source.lastIndexOf(":/"));
    return host?.toLowerCase() === name.toLowerCase() && typeof addr === "string" ? [addr] : [];
  });
}

/** By mount options and by the kernel's own sockets, those of further channels among them. */
function mountedServers(readProc: ServersFrom["readProc"]): Endpoint[] {
  const mounts = parseMounts(readProc("self/mounts") ?? "");
  const ofMounts = serversOf(mounts).map(({ address, port }) => ({ address: bareAddress(address), port }));
  // NFSv3 asks mountd and the portmapper too.
  const version3 = mounts.filter((mount) => isNfs(mount) && mount.options["vers"] === "3");
  const beside = version3.flatMap(({ options: { addr, mountport } }) =>
    typeof addr === "string" ? [PORTMAPPER, Number(mountport)].map((port) => ({ address: addr, port })) : [],
  );
  const known = new Set(ofMounts.map(({ address }) => address));
  const rows = ["net/tcp", "net/tcp6"].flatMap((path) => tcpRowsTo(readProc(path) ?? "", undefined));
  // Sockets of the kernel have no inode: channels, and whatever no mount option tells.
  const ofKernel = rows
    .filter(({ inode, remote, state }) => inode === 0 && state === "ESTABLISHED" && isOurs(remote, known))
    .map(({ remote }) => remote);
  return unique([...ofMounts, ...beside, ...ofKernel]);
}

const isOurs = ({ address, port }: Endpoint, known: ReadonlySet<string>): boolean =>
  port === SMB || port === NFS || port === NFS_RDMA || known.has(address);

const bareAddress = (address: string): string => address.replace(/^\[|\]$/g, "").replace(/%.*$/, "");

function unique(servers: readonly Endpoint[]): Endpoint[] {
  const wanted = servers.filter(({ address, port }) => isIP(address) !== 0 && Number.isInteger(port) && port > 0);
  return [...new Map(wanted.map(({ address, port }) => [`${address} ${port}`, { address, port }])).values()];
}
