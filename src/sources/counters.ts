// What counters did between two looks.

/** undefined when one has gone back: it was reset, or it is another's counter. */
export function difference(now: number, before: number): number | undefined {
  return now >= before ? now - before : undefined;
}

/** All of them; undefined when one has gone back. */
export function differences<Name extends string>(
  now: Readonly<Record<Name, number>>,
  before: Readonly<Record<Name, number>>,
): Record<Name, number> | undefined {
  const result: Partial<Record<Name, number>> = {};
  for (const name in now) {
    const delta = difference(now[name], before[name]);
    if (delta === undefined) return undefined;
    result[name] = delta;
  }
  return result as Record<Name, number>;
}
