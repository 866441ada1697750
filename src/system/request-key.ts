// How request-key(8) of keyutils 1.6 chooses the program that makes a key: request-key.conf(5). Where the manual and the program differ, this is the
// program, as `request-key -d -l -n -vvv` shows it: a star inside a word matches nothing, a line that begins with white space never applies, a last
// line without its newline loses its last character.
import type { Argv } from "./process.ts";

/** A file of rules; those of request-key.d come before request-key.conf, in the order in which the directory gives them. */
export interface RequestKeyFile {
  readonly path: string;
  readonly text: string;
}

/** What a key is asked for with. */
export interface KeyRequest {
  /** `create` */
  readonly operation: string;
  /** `cifs.spnego` */
  readonly type: string;
  readonly description: string;
  readonly callout: string;
}

/** The line that applies. */
export interface RequestKeyRule {
  /** `/etc/request-key.d/cifs.spnego.conf:1` */
  readonly where: string;
  readonly line: string;
  readonly argv: Argv;
  /** `|program`: the payload is what it prints. */
  readonly piped: boolean;
}

/** `broken`: request-key stops at this line, whatever else there is. */
export type RuleChoice =
  | { readonly is: "rule"; readonly rule: RequestKeyRule }
  | { readonly is: "none" }
  | { readonly is: "broken"; readonly where: string; readonly why: string };

/** request-key reads no longer line. */
const LINE_MAX = 4094;

/** The best match: fewest characters left to stars, the columns ranked from left to right, of equals the first. Never throws. */
export function ruleFor(files: readonly RequestKeyFile[], request: KeyRequest): RuleChoice {
  const wanted = [request.operation, request.type, request.description, request.callout];
  let best: { readonly skips: readonly number[]; readonly rule: RequestKeyRule } | undefined;
  for (const { path, text } of files) {
    for (const [index, line] of linesOf(text).entries()) {
      const where = `${path}:${index + 1}`;
      if (line.length > LINE_MAX) return { is: "broken", where, why: "the line is too long" };
      if (line.trim() === "" || line.startsWith("#")) continue;
      const match = matchLine(line, wanted);
      if (match === "broken") return { is: "broken", where, why: "columns are missing" };
      if (match === undefined || (best !== undefined && !isLess(match.skips, best.skips))) continue;
      const [program = "", ...args] = match.command.split(/\s+/);
      const piped = program.startsWith("|");
      const argv: Argv = [piped ? program.slice(1) : program, ...args];
      best = { skips: match.skips, rule: { where, line: line.trim(), argv, piped } };
    }
  }
  return best === undefined ? { is: "none" } : { is: "rule", rule: best.rule };
}

function linesOf(text: string): string[] {
  const lines = text.split("\n");
  const last = lines.pop() ?? "";
  return last === "" ? lines : [...lines, last.slice(0, -1)];
}

type Match = { readonly skips: readonly number[]; readonly command: string };

function matchLine(line: string, wanted: readonly string[]): Match | "broken" | undefined {
  const skips: number[] = [];
  let rest = line;
  for (const text of wanted) {
    const [, pattern, after] = /^(\S*)\s+(.*)$/.exec(rest) ?? [];
    if (pattern === undefined || after === undefined) return "broken";
    const skip = skipped(pattern, text);
    if (skip === undefined) return undefined;
    skips.push(skip);
    rest = after;
  }
  const command = rest.trim();
  return command === "" ? "broken" : { skips, command };
}

/** How many characters the star stands for; undefined: no match. */
function skipped(pattern: string, text: string): number | undefined {
  if (pattern === text) return 0;
  const star = pattern.indexOf("*");
  if (star < 0) return undefined;
  const fixed = star === 0 ? pattern.slice(1) : pattern.slice(0, -1);
  if (star !== 0 && star !== pattern.length - 1) return undefined;
  if (fixed.includes("*")) return undefined;
  const fits = star === 0 ? text.endsWith(fixed) : text.startsWith(fixed);
  return fits ? text.length - fixed.length : undefined;
}

function isLess(a: readonly number[], b: readonly number[]): boolean {
  for (const [index, value] of a.entries()) {
    const other = b[index] ?? 0;
    if (value !== other) return value < other;
  }
  return false;
}
