// Lines that say the same again are one, with how often and until when.
import type { Explained } from "./explain.ts";

export interface Folded {
  readonly message: Explained;
  /** µs since boot of the first and the last; absent where a text does not tell. */
  readonly fromUs?: number;
  toUs?: number;
  count: number;
}

/** How many kinds of messages may be under way between others that say something else. */
const OPEN_MAX = 8;

/**
 * Takes messages in order. Those that differ in their numbers alone are the same, also when they come in turns, as a mount that is tried again and again
 * makes them. What is folded comes out in the order of the first of each.
 */
export function fold(
  messages: readonly { readonly message: Explained; readonly timeUs?: number }[],
): readonly Folded[] {
  const folded: Folded[] = [];
  for (const { message, timeUs } of messages) {
    const key = keyOf(message);
    const same = folded.slice(-OPEN_MAX).findLast((one) => keyOf(one.message) === key);
    if (same === undefined) {
      folded.push({ message, ...(timeUs === undefined ? {} : { fromUs: timeUs, toUs: timeUs }), count: 1 });
      continue;
    }
    same.count++;
    if (timeUs !== undefined) same.toUs = timeUs;
  }
  return folded;
}

/** Of the catalogue: who, what and why, without its other numbers. Of what it does not know: the text without numbers. */
export function keyOf({ id, server, share, errno, status, text }: Explained): string {
  const rest = id.endsWith(".other") ? text.replace(/0x[0-9a-f]+|\d+/g, "#") : "";
  return [id, server, share, errno, status, rest].join("\n");
}
