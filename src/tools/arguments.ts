// What options take: parsers for commander, each with one clear line when it is not that.
import { InvalidArgumentError } from "commander";

export interface Lookup {
  readonly ok: boolean;
  readonly code?: number;
  readonly suggestion?: string;
}

/** A number of `unit`, fractions allowed. */
export function number(unit: string, least: number): (text: string) => number {
  return (text) => {
    const value = text.trim() === "" ? Number.NaN : Number(text);
    if (!(value >= least && value <= 1e9)) {
      throw new InvalidArgumentError(`expected a number of ${unit}, at least ${least}.`);
    }
    return value;
  };
}

export function integer(what: string, least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > 0xffff_ffff) {
      throw new InvalidArgumentError(`expected ${what}.`);
    }
    return value;
  };
}

/** Names or numbers, separated by commas; `find` knows them, `known` says what there is when none is near. */
export function codes(
  what: string,
  find: (text: string) => Lookup,
  known: string,
): (text: string, before?: ReadonlySet<number>) => ReadonlySet<number> {
  return (text, before) => {
    const found = new Set(before);
    for (const part of text.split(",")) found.add(code(what, find, known)(part));
    return found;
  };
}

/** One name or number. */
export function code(what: string, find: (text: string) => Lookup, known: string): (text: string) => number {
  return (text) => {
    const found = find(text);
    if (found.ok && found.code !== undefined) return found.code;
    throw new InvalidArgumentError(unknownName(what, text, found, known));
  };
}

/** `there is no command "wirte": did you mean "WRITE"?` */
export function unknownName(what: string, text: string, { suggestion }: Lookup, known: string): string {
  const typed = `there is no ${what} "${text.trim()}"`;
  return suggestion === undefined ? `${typed}: ${known}` : `${typed}: did you mean "${suggestion}"?`;
}
