const durations: Readonly<Record<string, number>> = { ms: 1e6, s: 1e9, m: 60e9, h: 3600e9, d: 86_400e9 };
const sizes: Readonly<Record<string, number>> = { KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** ns of `500ms`, `1.5s`, `10m`, `2h`, `7d`; undefined when it is none of these. */
export function parseDuration(text: unknown): number | undefined {
  return parse(text, /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/, durations);
}

/** Bytes of `512KiB`, `64MiB`, `1.5GiB`; undefined when it is none of these. */
export function parseSize(text: unknown): number | undefined {
  return parse(text, /^(\d+(?:\.\d+)?)(KiB|MiB|GiB)$/, sizes);
}

function parse(text: unknown, pattern: RegExp, units: Readonly<Record<string, number>>): number | undefined {
  const [, amount, unit] = (typeof text === "string" && pattern.exec(text)) || [];
  const factor = unit === undefined ? undefined : units[unit];
  return amount === undefined || factor === undefined ? undefined : Math.round(Number(amount) * factor);
}
