import type { Command } from "commander";
import type { OpBase } from "../probe/op.ts";
import { toolCommand } from "../tools/run.ts";
import type { ToolSpec } from "../tools/spec.ts";
import { findCommand } from "./dispatch.ts";
import { commands } from "./table.ts";

/** The command of a tracing tool; --then may run any other command of aod. */
export function tool<Op extends OpBase>(spec: ToolSpec<Op>): Command {
  return toolCommand(spec, (name) => void findCommand(commands, name));
}
