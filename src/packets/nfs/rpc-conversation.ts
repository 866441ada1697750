import { AUTH_TLS } from "../../nfs/rpc-words.ts";
import { nfsStatusName } from "../../nfs/status.ts";
import { CommandCount, Counts, type OpenRequests, Outstanding, StatusCounts } from "../exchanges.ts";
import { NFS, type RpcCall, readCall, readReply } from "./rpc-message.ts";
import type { RpcListener } from "./rpc-reader.ts";

interface Open {
  readonly timeUs: number;
  readonly call: RpcCall;
}

const MAX_NAMES = 16;
const flavors: Readonly<Record<number, string>> = { 0: "none", 1: "sys", 6: "Kerberos", [AUTH_TLS]: "TLS" };

/** What a connection of RPC says, both directions together. */
export class RpcConversation implements RpcListener {
  readonly procedures = new Counts(() => new CommandCount());
  /** Answers other than success: `NFS READ NFS4ERR_STALE at PUTFH`. */
  readonly statuses = new StatusCounts();
  /** `NFS 4.2` */
  readonly programs = new Counts(() => ({ count: 0 }), MAX_NAMES);
  readonly flavors = new Counts(() => ({ count: 0 }), MAX_NAMES);
  /** What clients call themselves in their credentials, and in EXCHANGE_ID; what client and server say of their software. */
  readonly machines = new Set<string>();
  readonly owners = new Set<string>();
  readonly clientImplementations = new Set<string>();
  readonly serverImplementations = new Set<string>();
  readonly outstanding: Outstanding<Open>;
  readonly callbacks: Outstanding<Open>;
  messages = 0;
  /** Calls with the xid of one that is not answered yet. */
  retransmissions = 0;
  /** Calls whose arguments only their key opens. */
  sealed = 0;
  unmatched = 0;
  malformed = 0;
  isTls = false;

  constructor(open: OpenRequests) {
    this.outstanding = new Outstanding(open);
    this.callbacks = new Outstanding(open);
  }

  tls(): void {
    this.isTls = true;
  }

  record(head: Buffer, timeUs: number, fromClient: boolean): void {
    this.messages += 1;
    const isCall = head.length >= 8 && head.readUInt32BE(4) === 0;
    if (isCall) this.#call(head, timeUs, fromClient ? this.outstanding : this.callbacks);
    else this.#reply(head, timeUs, fromClient ? this.callbacks : this.outstanding);
  }

  #call(head: Buffer, timeUs: number, open: Outstanding<Open>): void {
    const call = readCall(head);
    if (call === undefined) {
      this.malformed += 1;
      return;
    }
    if (open.get(call.xid) !== undefined) {
      this.retransmissions += 1;
      return;
    }
    open.add(call.xid, { timeUs, call });
    this.procedures.of(nameOf(call)).requests += 1;
    this.programs.of(call.programText).count += 1;
    const protection = call.protection === "none" ? "" : ` with ${call.protection}`;
    this.flavors.of(`${flavors[call.flavor] ?? `flavor ${call.flavor}`}${protection}`).count += 1;
    if (call.protection === "privacy") this.sealed += 1;
    note(this.machines, call.machine);
    note(this.owners, call.compound?.owner);
    note(this.clientImplementations, call.compound?.implementation);
  }

  #reply(head: Buffer, timeUs: number, open: Outstanding<Open>): void {
    const reply = readReply(head, (xid) => open.get(xid)?.call);
    const asked = reply === undefined ? undefined : open.take(reply.xid);
    if (reply === undefined) this.malformed += 1;
    if (reply === undefined || asked === undefined) {
      this.unmatched += reply === undefined ? 0 : 1;
      return;
    }
    const { call } = asked;
    const name = nameOf(call);
    const counts = this.procedures.of(name);
    counts.responses += 1;
    counts.latency.add(timeUs - asked.timeUs);
    note(this.serverImplementations, reply.implementation);
    const { rpcError, status, results } = reply;
    if (rpcError === undefined && (status ?? 0) === 0) return;
    counts.errors += 1;
    const at = results === undefined ? undefined : call.compound?.operations[results - 1];
    const where = at === undefined || at === call.procedure ? "" : ` at ${at}`;
    const what = rpcError ?? nfsStatusName(call.program === NFS ? call.version : 3, status ?? 0);
    this.statuses.add(name, `${what}${where}`);
  }
}

/** `READ`; of other programs `MOUNT MNT`. */
function nameOf({ program, programText, procedure }: RpcCall): string {
  return program === NFS ? procedure : `${programText.split(" ")[0] ?? ""} ${procedure}`;
}

function note(names: Set<string>, name: string | undefined): void {
  if (name !== undefined && name !== "" && names.size < MAX_NAMES) names.add(name);
}
