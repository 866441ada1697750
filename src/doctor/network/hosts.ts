// What the files of the resolver say: hosts(5) and resolv.conf(5).
import { join } from "node:path";
import { readLocal } from "../../system/proc.ts";
import type { Machine } from "../machine.ts";

const LIMIT = 1024 * 1024;

/** The addresses that /etc/hosts has for a name. */
export async function hostsFile(name: string, { fsRoot }: Machine, signal: AbortSignal): Promise<readonly string[]> {
  const wanted = name.toLowerCase();
  const lines = await linesOf(join(fsRoot, "etc/hosts"), signal);
  return lines.flatMap((words) => {
    const [address, ...names] = words;
    return address !== undefined && names.some((one) => one.toLowerCase() === wanted) ? [address] : [];
  });
}

export interface ResolverConfig {
  readonly servers: readonly string[];
  readonly search: readonly string[];
}

export async function resolverConfig({ fsRoot }: Machine, signal: AbortSignal): Promise<ResolverConfig> {
  const lines = await linesOf(join(fsRoot, "etc/resolv.conf"), signal);
  const of = (key: string): string[][] => lines.filter(([first]) => first === key).map(([, ...rest]) => rest);
  return { servers: of("nameserver").flat(), search: of("search").at(-1) ?? of("domain").at(-1) ?? [] };
}

async function linesOf(path: string, signal: AbortSignal): Promise<readonly string[][]> {
  const file = await readLocal(path, { limitBytes: LIMIT, signal });
  const text = file?.content.toString("utf8") ?? "";
  return text.split("\n").map((line) =>
    line
      .replace(/[#;].*/, "")
      .trim()
      .split(/\s+/),
  );
}
