/** What `aod show` can show. */
export const subjects = ["servers", "sessions", "shares", "requests", "files", "caches"] as const;
export type Subject = (typeof subjects)[number];

/** One thing that is shown. */
export interface Row {
  /** As JSON, without `subject` and `problems`. */
  readonly json: Readonly<Record<string, unknown>>;
  readonly title: string;
  /** What stands below it. */
  readonly lines: readonly string[];
  /** What is not as it should be, in sentences. */
  readonly problems: readonly string[];
}

/** Without what is not known. */
export function known<T extends object>(facts: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) as never;
}

export const hex = (value: number | bigint): string => `0x${value.toString(16)}`;

/** `a, b`; `-` of none. */
export const listed = (words: readonly string[]): string => (words.length === 0 ? "-" : words.join(", "));

/** `name value` pairs, those that are known. */
export function facts(...pairs: readonly (readonly [name: string, value: string | number | undefined])[]): string {
  return pairs
    .flatMap(([name, value]) => (value === undefined ? [] : [name === "" ? `${value}` : `${name} ${value}`]))
    .join(", ");
}
