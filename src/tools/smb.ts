// What the tools on SMB requests share: how they end, what they went to, their commands.
import type { Command } from "commander";
import type { SmbOp, SmbTarget, Waiter } from "../probe/op.ts";
import { opToJson, waiterToJson } from "../probe/op-json.ts";
import { ReconnectWaiters } from "../probe/reconnect-waiters.ts";
import { errnoOf, hasFailed } from "../probe/smb-outcome.ts";
import { debugDataIn, TargetNames } from "../probe/target-names.ts";
import { commandNames, findCommand, OTHER_COMMAND } from "../smb/commands.ts";
import { findStatus, isFailure } from "../smb/status.ts";
import { codes } from "./arguments.ts";
import type { Row, World } from "./op.ts";
import { exclusive } from "./options.ts";
import type { Names, ParsedLine, WaiterSampler } from "./spec.ts";
import type { Outcomes } from "./stop.ts";

export const smbOutcomes: Outcomes<SmbOp> = {
  failed: hasFailed,
  errno: errnoOf,
  status: { find: findStatus, of: (op) => op.status, failure: isFailure },
};

/** How often a share that is not known is looked for: until it is, a filter by share hides what goes to it. */
const LOOK_NS = 50e6;

export function smbNames(world: World): Names<SmbOp> {
  const names = new TargetNames(debugDataIn(world.readProc), world.clock, LOOK_NS);
  return {
    of: (op) => {
      const target = names.of(op);
      const address = names.addressOf(op.connectionId);
      return address === undefined ? target : { ...target, address };
    },
    ofWaiter: ({ connectionId }: Waiter): SmbTarget =>
      connectionId === undefined ? {} : names.of({ connectionId, sessionId: 0n, treeId: 0 }),
  };
}

export function reconnectWaiters(world: World): WaiterSampler<SmbOp> {
  return new ReconnectWaiters({ debugData: debugDataIn(world.readProc), clock: world.clock });
}

export function smbJson({ clock, ...row }: Row<SmbOp>): object {
  if (row.kind === "op") return opToJson(row.op, row.target, clock);
  return waiterToJson(row.waiter, row.untilNs, row.target, clock);
}

const known = `commands are ${commandNames.map((name) => name.slice(5)).join(", ")}, or 0 to ${OTHER_COMMAND}.`;
const commandSet = codes("command", findCommand, known);

/** -c and -x. */
export function addCommandOptions(command: Command): void {
  command
    .option("-c, --cmds <CMDS>", "only these commands: names or numbers, separated by commas", commandSet)
    .option("-x, --exclude <CMDS>", "all commands but these", commandSet);
}

export interface CommandFilter {
  readonly codes: ReadonlySet<number>;
  /** -c was given: what has no command is not shown. */
  readonly only: boolean;
}

export function commandFilterOf({ options }: ParsedLine): CommandFilter {
  const { cmds, exclude } = options as { cmds?: ReadonlySet<number>; exclude?: ReadonlySet<number> };
  exclusive(cmds && "-c", exclude && "-x");
  const all = Array.from({ length: OTHER_COMMAND + 1 }, (_, code) => code);
  return { codes: cmds ?? new Set(all.filter((code) => !exclude?.has(code))), only: cmds !== undefined };
}

/** Whether the op's command is one of them; what MS-SMB2 does not name counts as 19. */
export function isOneOf(codes: ReadonlySet<number>, op: SmbOp): boolean {
  return codes.has(Math.min(op.commandCode, OTHER_COMMAND));
}
