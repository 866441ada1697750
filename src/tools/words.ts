import { AodError } from "../system/error.ts";

/** The words of a command line: white space separates, quotes hold together, a backslash takes the next character as it is. No shell. */
export function wordsOf(line: string): readonly string[] {
  const words: string[] = [];
  const part = /\s+|'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)|([^\s'"\\]+)/gsuy;
  let word: string | undefined;
  while (part.lastIndex < line.length) {
    const match = part.exec(line);
    if (match === null) throw new AodError("usage", `a quote or a backslash is not ended in: ${line}`);
    const [, single, double, escaped, bare] = match;
    const text = single ?? double?.replaceAll(/\\(["\\])/g, "$1") ?? escaped ?? bare;
    if (text !== undefined) word = (word ?? "") + text;
    else if (word !== undefined) {
      words.push(word);
      word = undefined;
    }
  }
  return word === undefined ? words : [...words, word];
}
