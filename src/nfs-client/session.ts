// A session of NFSv4.1 or later for a few lookups, and its end: RFC 8881, 18.35 to 18.37, 18.46, 18.50.
import { randomBytes } from "node:crypto";
import { type Xdr, XdrWriter } from "../nfs/xdr.ts";
import { type CompoundReply, compound, type Failed, type Operation } from "./nfs.ts";
import type { CallLimits, Credentials, RpcTransport } from "./rpc.ts";

/** Performs COMPOUNDs in one minor version. */
export interface Compounds {
  readonly minor: number;
  run(operations: readonly Operation[], limits: CallLimits): Promise<CompoundReply | Failed>;
  /** Leaves nothing behind at the server. */
  end(limits: CallLimits): Promise<void>;
}

/** 4.0 needs no session for lookups. */
export const withoutSession = (rpc: RpcTransport, as: Credentials): Compounds => ({
  minor: 0,
  run: (operations, limits) => compound(rpc, 0, operations, as, limits),
  end: async () => {},
});

const EXCHANGE_ID = 42;
const CREATE_SESSION = 43;
const DESTROY_SESSION = 44;
const SEQUENCE = 53;
const DESTROY_CLIENTID = 57;

/** A session under a name of its own, so that no mount of this machine is disturbed. A text: why there is none. */
export async function openSession(
  rpc: RpcTransport,
  minor: number,
  as: Credentials,
  limits: CallLimits,
): Promise<Compounds | Failed | string> {
  const identified = await compound(rpc, minor, [exchangeId(as.machine)], as, limits);
  if (identified.state !== "done") return identified;
  const client = identified.status === "NFS4_OK" ? readClient(identified.results) : undefined;
  if (client === undefined) return `EXCHANGE_ID: ${identified.status}`;
  const created = await compound(rpc, minor, [createSession(client)], as, limits);
  if (created.state !== "done") return created;
  created.results.skip(2);
  const session = created.results.fixed(16);
  if (created.status !== "NFS4_OK" || session === undefined) return `CREATE_SESSION: ${created.status}`;
  const id = Buffer.from(session);
  let sequence = 0;
  return {
    minor,
    async run(operations, within) {
      sequence++;
      const first = { number: SEQUENCE, args: new XdrWriter().fixed(id).words(sequence, 0, 0, 0).bytes() };
      const reply = await compound(rpc, minor, [first, ...operations], as, within);
      // Operation, status; session, sequence, slot, highest slots, flags.
      if (reply.state === "done" && reply.done > 0)
        reply.results.skip(reply.done > 1 || reply.status === "NFS4_OK" ? 11 : 2);
      return reply.state === "done" ? { ...reply, done: reply.done - 1 } : reply;
    },
    async end(within) {
      await compound(rpc, minor, [{ number: DESTROY_SESSION, args: id }], as, within);
      await compound(rpc, minor, [{ number: DESTROY_CLIENTID, args: client.id }], as, within);
    },
  };
}

const exchangeId = (machine: string): Operation => ({
  number: EXCHANGE_ID,
  args: new XdrWriter()
    .fixed(randomBytes(8))
    .opaque(`aod doctor ${machine} ${randomBytes(8).toString("hex")}`)
    // No flags, no protection of state, nothing about this implementation.
    .words(0, 0, 0)
    .bytes(),
});

interface ClientId {
  readonly id: Buffer;
  readonly sequence: number;
}

function readClient(xdr: Xdr): ClientId | undefined {
  xdr.skip(2);
  const id = xdr.fixed(8);
  const sequence = xdr.word();
  return id === undefined || sequence === undefined ? undefined : { id: Buffer.from(id), sequence };
}

/** Header padding, largest request, response and cached response, operations, slots, no RDMA. */
const channel = [0, 65_536, 65_536, 4096, 16, 1, 0] as const;
const CALLBACK = 0x4000_0000;

const createSession = ({ id, sequence }: ClientId): Operation => ({
  number: CREATE_SESSION,
  args: new XdrWriter()
    .fixed(id)
    .words(sequence, 0, ...channel, ...channel, CALLBACK, 1, 0)
    .bytes(),
});
