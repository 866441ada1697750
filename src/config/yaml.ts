import type { ConfigKey } from "./keys.ts";

/** One key as it is to be written: its value as YAML in one line, and what is said about it. */
export interface ConfigLine {
  readonly key: ConfigKey;
  readonly value: string;
  /** Lines above it, without `#`. */
  readonly above?: readonly string[];
  /** Behind it, without `#`. */
  readonly behind?: string;
}

/** A configuration file out of its keys, in their order. */
export function configYaml(lines: readonly ConfigLine[]): string {
  const out: string[] = [];
  let open: readonly string[] = [];
  for (const { key, value, above = [], behind } of lines) {
    const parts = key.path.split(".");
    const sections = parts.slice(0, -1);
    const shared = sharedLength(open, sections);
    for (const [depth, name] of sections.entries()) if (depth >= shared) out.push(`${indent(depth)}${name}:`);
    open = sections;
    const space = indent(sections.length);
    for (const line of above) out.push(`${space}# ${line}`);
    out.push(`${space}${parts.at(-1) ?? ""}: ${value}${behind === undefined ? "" : ` # ${behind}`}`);
  }
  return `${out.join("\n")}\n`;
}

/** `aod config default`: every key with its default, and what it does. */
export function defaultYaml(keys: readonly ConfigKey[]): string {
  return configYaml(
    keys.map((key) => ({
      key,
      value: key.initial,
      above: [...wrap(key.doc.replaceAll("`", "")), `(${key.kind.replaceAll("`", "")})`],
    })),
  );
}

function indent(depth: number): string {
  return "  ".repeat(depth);
}

function sharedLength(a: readonly string[], b: readonly string[]): number {
  const differs = b.findIndex((part, index) => part !== a[index]);
  return differs < 0 ? b.length : differs;
}

function wrap(text: string, width = 100): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}
