import type { Conversation } from "./analysis.ts";
import { CommandCount, Counts, StatusCounts } from "./exchanges.ts";

/** All conversations together, those too that are not remembered any more. */
export class Totals {
  readonly commands = new Counts(() => new CommandCount());
  readonly statuses = new StatusCounts(4096);

  add(conversation: Conversation): void {
    const of = conversation.protocol === "smb" ? conversation.smb : conversation.rpc;
    const named = conversation.protocol === "smb" ? conversation.smb.commands : conversation.rpc.procedures;
    for (const [name, count] of named.entries()) this.commands.of(name).merge(count);
    for (const { name, status, count } of of.statuses.list()) this.statuses.add(name, status, count);
  }
}
