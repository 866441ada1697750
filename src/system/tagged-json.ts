// JSON that keeps what JSON has not: bigint, Map, Set, and numbers without an end.

const TAG = "$";

/** `{"$":"n","v":"123"}` stands for 123n, and the like. `text`: what becomes of strings. */
export function taggedJson(value: unknown, text: (text: string) => string = (same) => same): string {
  return JSON.stringify(value, (_, one: unknown) => {
    if (typeof one === "string") return text(one);
    if (typeof one === "bigint") return { [TAG]: "n", v: String(one) };
    if (one instanceof Map) return { [TAG]: "m", v: [...one] };
    if (one instanceof Set) return { [TAG]: "s", v: [...one] };
    if (typeof one === "number" && !Number.isFinite(one)) return { [TAG]: "f", v: String(one) };
    return one;
  });
}

/** Undefined when it is none. */
export function fromTaggedJson(text: string): unknown {
  try {
    return JSON.parse(text, (_, one: unknown) => (isTagged(one) ? untag(one) : one));
  } catch {
    return undefined;
  }
}

interface Tagged {
  readonly [TAG]: unknown;
  readonly v: unknown;
}

function isTagged(value: unknown): value is Tagged {
  return typeof value === "object" && value !== null && TAG in value && "v" in value;
}

function untag({ [TAG]: tag, v }: Tagged): unknown {
  if (tag === "n") return BigInt(String(v));
  if (tag === "f") return Number(v);
  if (tag === "m" && Array.isArray(v)) return new Map(v);
  if (tag === "s" && Array.isArray(v)) return new Set(v);
  return v;
}
