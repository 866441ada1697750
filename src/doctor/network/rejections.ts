import { join } from "node:path";
import { readLocal } from "../../system/proc.ts";
import type { Machine } from "../machine.ts";

/** How many ICMP messages "destination unreachable" this machine got while something was done; 0 where the kernel does not count. */
export async function rejections(machine: Machine, signal: AbortSignal, doing: () => Promise<void>): Promise<number> {
  const before = await unreachables(machine, signal);
  await doing();
  return Math.max(0, (await unreachables(machine, signal)) - before);
}

async function unreachables({ procRoot }: Machine, signal: AbortSignal): Promise<number> {
  const [four, six] = await Promise.all(
    ["net/snmp", "net/snmp6"].map((path) => readLocal(join(procRoot, path), { limitBytes: 256 * 1024, signal })),
  );
  const rows = (four?.content.toString("utf8") ?? "").split("\n").filter((line) => line.startsWith("Icmp: "));
  const [names = [], values = []] = rows.map((line) => line.split(" "));
  const at = names.indexOf("InDestUnreachs");
  const [, ofSix] = /^Icmp6InDestUnreachs\s+(\d+)/m.exec(six?.content.toString("utf8") ?? "") ?? [];
  return (at < 0 ? 0 : Number(values[at] ?? 0)) + Number(ofSix ?? 0);
}
