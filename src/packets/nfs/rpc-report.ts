import type { StatusCount } from "../exchanges.ts";
import { type CommandReport, commandReports } from "../report.ts";
import { type Unanswered, unansweredOf } from "../smb/smb-report.ts";
import type { RpcConversation } from "./rpc-conversation.ts";

export interface RpcReport {
  readonly messages: number;
  /** `NFS 4.2` and how many calls. */
  readonly programs: Readonly<Record<string, number>>;
  /** `sys`, `Kerberos with privacy` and how many calls. */
  readonly security: Readonly<Record<string, number>>;
  readonly machines: readonly string[];
  readonly owners: readonly string[];
  readonly client_versions: readonly string[];
  readonly server_versions: readonly string[];
  readonly commands: readonly CommandReport[];
  readonly statuses: readonly Readonly<StatusCount>[];
  /** Calls that were sent again with the same xid. */
  readonly retransmissions: number;
  readonly sealed_calls: number;
  readonly tls: boolean;
  readonly malformed: number;
  readonly unmatched_replies: number;
  readonly most_in_flight: number;
  readonly unanswered: Unanswered;
}

export function rpcReport(rpc: RpcConversation, lastUs: number): RpcReport {
  const open = [...rpc.outstanding.values(), ...rpc.callbacks.values()];
  return {
    messages: rpc.messages,
    programs: Object.fromEntries([...rpc.programs.entries()].map(([name, { count }]) => [name, count])),
    security: Object.fromEntries([...rpc.flavors.entries()].map(([name, { count }]) => [name, count])),
    machines: [...rpc.machines],
    owners: [...rpc.owners],
    client_versions: [...rpc.clientImplementations],
    server_versions: [...rpc.serverImplementations],
    commands: commandReports(rpc.procedures),
    statuses: rpc.statuses.list(),
    retransmissions: rpc.retransmissions,
    sealed_calls: rpc.sealed,
    tls: rpc.isTls,
    malformed: rpc.malformed,
    unmatched_replies: rpc.unmatched,
    most_in_flight: rpc.outstanding.most,
    unanswered: unansweredOf(
      rpc.outstanding.forgotten,
      open.map(({ call, timeUs }) => ({ name: call.procedure, timeUs })),
      lastUs,
    ),
  };
}
