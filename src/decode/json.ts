import type { Item } from "./item.ts";
import type { Totals } from "./timeline.ts";

/** One object a line: names with underscores, as everywhere. */
export const itemJson = (item: Item): string => `${JSON.stringify(snake(item))}\n`;

export function totalsJson({ commands, unknown, ...counts }: Totals): string {
  const byName = Object.fromEntries(
    [...commands].map(([name, { count, errors, withoutEnd, totalUs, worstUs, timed }]) => [
      name,
      {
        ...{ count, errors, without_end: withoutEnd },
        ...(timed === 0 ? {} : { mean_us: Math.round(totalUs / timed), worst_us: worstUs }),
      },
    ]),
  );
  const facts = snake(counts) as Record<string, unknown>;
  return `${JSON.stringify({ type: "summary", ...facts, commands: byName, unknown: Object.fromEntries(unknown) })}\n`;
}

function snake(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snake);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [
      key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      snake(one),
    ]),
  );
}
