// Which rules of this machine's own firewall throw packets away: their counters before and after. As root; nobody else may read the rules.
import type { Argv } from "../../system/process.ts";
import type { Machine } from "../machine.ts";

/** A rule, or the policy of a chain, whose counter went up. */
export interface Drop {
  /** `iptables OUTPUT`, `nft inet filter output` */
  readonly where: string;
  /** As its program writes it, without the counter. */
  readonly rule: string;
  readonly packets: number;
}

export interface LocalDrops {
  readonly drops: readonly Drop[];
  /** Rules of nft that drop or reject and have no counter. */
  readonly uncounted: number;
}

interface Counters {
  /** By where and rule: packets so far. */
  readonly counted: ReadonlyMap<string, Drop>;
  readonly uncounted: number;
}

const MAX_BYTES = 4 * 1024 ** 2;
const verdictWords = /(?:^|\s)(?:drop|reject)\b/;

/** What was thrown away here while something was done; undefined where no program shows rules. */
export async function localDrops(
  machine: Machine,
  signal: AbortSignal,
  doing: () => Promise<void>,
): Promise<LocalDrops | undefined> {
  const before = await counters(machine, signal);
  if (before === undefined) return undefined;
  await doing();
  const after = await counters(machine, signal);
  if (after === undefined) return undefined;
  const drops = [...after.counted].flatMap(([key, drop]) => {
    const packets = drop.packets - (before.counted.get(key)?.packets ?? 0);
    return packets > 0 ? [{ ...drop, packets }] : [];
  });
  return { drops, uncounted: after.uncounted };
}

async function counters(machine: Machine, signal: AbortSignal): Promise<Counters | undefined> {
  const [four, six, nft] = await Promise.all([
    textOf(machine, ["iptables-save", "-c"], signal),
    textOf(machine, ["ip6tables-save", "-c"], signal),
    textOf(machine, ["nft", "list", "ruleset"], signal),
  ]);
  if (four === undefined && six === undefined && nft === undefined) return undefined;
  const { drops, uncounted } = nftDrops(nft ?? "");
  // What iptables-nft wrote both programs show.
  const isOfBoth = ({ where }: Drop): boolean =>
    (four?.includes("(nf_tables)") === true && /^nft ip (?:filter|mangle|raw|security|nat) /.test(where)) ||
    (six?.includes("(nf_tables)") === true && /^nft ip6 (?:filter|mangle|raw|security|nat) /.test(where));
  const all = [
    ...iptablesDrops(four ?? "", "iptables"),
    ...iptablesDrops(six ?? "", "ip6tables"),
    ...drops.filter((drop) => !isOfBoth(drop)),
  ];
  // Two rules may be of one text: what both count is what is told.
  const counted = new Map<string, Drop>();
  for (const drop of all) {
    const key = `${drop.where}\n${drop.rule}`;
    counted.set(key, { ...drop, packets: drop.packets + (counted.get(key)?.packets ?? 0) });
  }
  return { counted, uncounted };
}

async function textOf(machine: Machine, argv: Argv, signal: AbortSignal): Promise<string | undefined> {
  const ran = await machine.run(argv, { timeoutMs: 5000, maxBytes: MAX_BYTES, signal });
  return ran.status === "ok" ? ran.stdout.toString("utf8") : undefined;
}

/** `iptables-save -c`: `[2:120] -A OUTPUT -p tcp -m tcp --dport 445 -j DROP`, `:OUTPUT DROP [5:300]`. */
export function iptablesDrops(text: string, program: string): readonly Drop[] {
  return text.split("\n").flatMap((line): Drop[] => {
    const [, chainOf, count] = /^:(\S+) DROP \[(\d+):\d+\]/.exec(line) ?? [];
    if (chainOf !== undefined) return [{ where: `${program} ${chainOf}`, rule: "policy DROP", packets: Number(count) }];
    const [, packets, chain = "", rule = ""] = /^\[(\d+):\d+\] -A (\S+) (.*)$/.exec(line) ?? [];
    return /-j (?:DROP|REJECT)\b/.test(rule) ? [{ where: `${program} ${chain}`, rule, packets: Number(packets) }] : [];
  });
}

/** `nft list ruleset`: tables, chains in them, a rule a line. */
export function nftDrops(text: string): LocalDrops {
  const drops: Drop[] = [];
  let uncounted = 0;
  let table = "";
  let chain = "";
  for (const line of text.split("\n")) {
    const words = line.trim();
    table = /^table (\S+ \S+) \{/.exec(words)?.[1] ?? table;
    chain = /^chain (\S+) \{/.exec(words)?.[1] ?? chain;
    if (!verdictWords.test(words) || /^(?:type|policy)\b/.test(words)) continue;
    const [counter, packets] = /counter packets (\d+) bytes \d+/.exec(words) ?? [];
    if (counter === undefined) uncounted += 1;
    else
      drops.push({
        where: `nft ${table} ${chain}`,
        rule: words.replace(counter, "").replace(/\s+/g, " ").trim(),
        packets: Number(packets),
      });
  }
  return { drops, uncounted };
}
