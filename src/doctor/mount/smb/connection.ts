import { type Negotiated, type NegotiateOffer, negotiate, speaksSmb1 } from "../../../smb-client/negotiate.ts";
import { Transport } from "../../../smb-client/transport.ts";
import type { SmbCase } from "./case.ts";

/** How long a server may take for one answer. Healthy ones take ms; one that swaps or starts takes seconds. */
export const ANSWER_MS = 10_000;
const CONNECT_MS = 5000;

/** A new connection to the server; undefined: it does not come about any more. */
export async function connected({ reachable, machine }: SmbCase, signal: AbortSignal): Promise<Transport | undefined> {
  if (reachable === undefined) return undefined;
  const { address, port } = reachable;
  const outcome = await machine.network.connect(address, port, { timeoutMs: CONNECT_MS, signal });
  return outcome.state === "open" ? new Transport(outcome.socket) : undefined;
}

export type Offer = Omit<NegotiateOffer, "host">;

/** What a server says to an offer, on a connection of its own. */
export async function offered(of: SmbCase, offer: Offer, signal: AbortSignal): Promise<Negotiated> {
  const transport = await connected(of, signal);
  if (transport === undefined) return { state: "closed", code: "no connection" };
  try {
    return await negotiate(transport, { ...offer, host: of.target.host }, ANSWER_MS, signal);
  } finally {
    transport.close();
  }
}

export async function hasSmb1(of: SmbCase, signal: AbortSignal): Promise<boolean> {
  const transport = await connected(of, signal);
  if (transport === undefined) return false;
  try {
    return await speaksSmb1(transport, ANSWER_MS / 2, signal);
  } finally {
    transport.close();
  }
}
