import type { Phases, SmbOp } from "../probe/op.ts";
import { millis } from "./columns.ts";
import { commandText, statusText } from "./smb-text.ts";
import { left, right } from "./table-text.ts";
import type { Caused } from "./wire-tree.ts";

const phases = ["queue", "send", "wire", "wake"] as const satisfies readonly (keyof Phases)[];

/** Lines under a call: its requests with their phases, and what is not shown. */
export function treeLines(caused: Caused | undefined): readonly string[] {
  if (caused === undefined) return ["  (its requests are not known: too many calls, or the end came first)"];
  const { requests, workers, cut } = caused;
  const lines = requests.map(requestLine);
  if (requests.length === 0 && workers === 0 && !cut) lines.push("  (no request of this task)");
  if (workers > 0) {
    lines.push(`  (not shown: ${workers} READ or WRITE by kernel workers meanwhile; whose they are is not known)`);
  }
  if (cut) lines.push("  (earlier requests are not in the history any more)");
  return lines;
}

function requestLine(op: SmbOp): string {
  const parts = phases.flatMap((name) => {
    const us = op.phasesUs[name];
    return us === undefined ? [] : [`${name} ${millis(us)}`];
  });
  const status = statusText(op);
  const line = `  ${left(commandText(op), 28)} ${right(millis(op.latencyUs), 10)} ms  ${parts.join(", ")}`;
  return (status === undefined ? line : `${line}  ${status}`).trimEnd();
}
