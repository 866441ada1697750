import { RpcConnection, type RpcTransport } from "../../../nfs-client/rpc.ts";
import type { Network } from "../../network/network.ts";

const CONNECT_MS = 5000;
/** sunrpc.min_resvport and max_resvport: servers take mounts from ports below 1024 alone, unless the export says `insecure`. */
const lowest = 665;
const highest = 1023;
const ATTEMPTS = 12;

/** From a reserved port, as the kernel connects, where this process may have one. */
export async function openRpc(
  network: Network,
  address: string,
  port: number,
  reserved: boolean,
  signal: AbortSignal,
): Promise<RpcTransport | undefined> {
  for (let attempt = 0; attempt < (reserved ? ATTEMPTS : 0); attempt++) {
    const localPort = lowest + Math.floor(Math.random() * (highest - lowest + 1));
    const outcome = await network.connect(address, port, { timeoutMs: CONNECT_MS, signal, localPort });
    if (outcome.state === "open") return new RpcConnection(outcome.socket);
    if (outcome.state === "timeout") return undefined;
    if (outcome.code === "EACCES" || outcome.code === "EPERM") break;
    // EADDRINUSE, EADDRNOTAVAIL: somebody has this one.
    if (!outcome.code.startsWith("EADDR")) return undefined;
  }
  const outcome = await network.connect(address, port, { timeoutMs: CONNECT_MS, signal });
  return outcome.state === "open" ? new RpcConnection(outcome.socket) : undefined;
}
