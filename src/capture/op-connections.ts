import type { DebugData } from "../smb/debug-data.ts";
import { endpointsOf } from "../smb/debug-data.ts";
import { isNfs, isSmb, type Mount, serversOf } from "../system/mounts.ts";
import { comparable, type TcpRow } from "../system/sockets.ts";
import type { WorstOp } from "./capture.ts";

/** More local ports than this are counted: nconnect, channels. */
const MAX_PORTS = 4;

export interface OpConnection {
  /** `192.0.2.9:788`; of several connections to the server, any of which it may have been: `192.0.2.9:788,790`. */
  readonly local?: string;
  /** `192.0.2.1:2049` */
  readonly remote?: string;
}

/** The TCP connections that an operation may have gone over: those to its server that are there now. */
export function connectionOf(
  op: WorstOp,
  rows: readonly TcpRow[],
  mounts: readonly Mount[],
  debugData: DebugData | undefined,
): OpConnection {
  const { protocol, address, connection_id } = op;
  const to = typeof address === "string" ? address : addressOf(connection_id, debugData);
  if (to === undefined) return {};
  const servers = serversOf(mounts.filter(protocol === "nfs" ? isNfs : isSmb));
  const ports = new Set(servers.filter((one) => comparable(one.address) === comparable(to)).map(({ port }) => port));
  const mine = rows.filter(({ remote }) => comparable(remote.address) === comparable(to) && ports.has(remote.port));
  const [first] = mine;
  if (first === undefined) return ports.size === 1 ? { remote: `${shown(to)}:${[...ports].join()}` } : {};
  const local = [
    ...new Set(
      mine.filter(({ local: { address: from } }) => from === first.local.address).map((row) => row.local.port),
    ),
  ];
  const more = local.length > MAX_PORTS ? `,+${local.length - MAX_PORTS}` : "";
  return {
    local: `${shown(first.local.address)}:${local.slice(0, MAX_PORTS).join(",")}${more}`,
    remote: `${shown(first.remote.address)}:${first.remote.port}`,
  };
}

function shown(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}

/** Of the connection that an SMB operation names. */
function addressOf(connectionId: unknown, debugData: DebugData | undefined): string | undefined {
  for (const server of debugData?.servers ?? []) {
    const ids = endpointsOf({ servers: [server], mids: [], unknown: [], cut: false }).map((one) => one.connectionId);
    if (ids.some((id) => id !== undefined && `0x${id.toString(16)}` === connectionId))
      return server.sessions[0]?.address;
  }
  return undefined;
}
