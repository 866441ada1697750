// Ways to break a text, from one number on: the same number gives the same texts.

/** mulberry32: 32 bits of state are enough, and it is the same everywhere. */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

type Random = ReturnType<typeof randomFrom>;
type Break = (text: string, random: Random, other: string) => string;

const oddWords = [
  "",
  "-1",
  "0x",
  "18446744073709551616",
  "99999999999999999999999",
  "NaN",
  "__proto__",
  "\0",
  "ﬀ\u202e",
  "%s%n",
  "\\040",
  "1e9",
];

const lines = (text: string): string[] => text.split("\n");

const breaks: readonly Break[] = [
  // cut off
  (text, random) => text.slice(0, random(text.length + 1)),
  // a stretch is gone
  (text, random) => {
    const from = random(text.length + 1);
    return text.slice(0, from) + text.slice(from + random(80));
  },
  // a character is another one
  (text, random) => {
    const at = random(text.length + 1);
    return text.slice(0, at) + String.fromCharCode(random(random(4) === 0 ? 0x10000 : 128)) + text.slice(at + 1);
  },
  // a line is gone, is there twice, has moved
  (text, random) => {
    const all = lines(text);
    const [line = ""] = all.splice(random(all.length), 1);
    for (let copies = random(3); copies > 0; copies--) all.splice(random(all.length + 1), 0, line);
    return all.join("\n");
  },
  // the end is another text's
  (text, random, other) => text.slice(0, random(text.length + 1)) + other.slice(random(other.length + 1)),
  // lines of another text among these
  (text, random, other) => {
    const all = lines(text);
    const from = lines(other);
    for (let count = 1 + random(4); count > 0; count--)
      all.splice(random(all.length + 1), 0, from[random(from.length)] ?? "");
    return all.join("\n");
  },
  // a number or a word is an odd one
  (text, random) => {
    const words = [...text.matchAll(/[\w.]+/g)];
    const word = words[random(Math.max(1, words.length))];
    if (word === undefined) return text;
    const odd = oddWords[random(oddWords.length)] ?? "";
    return text.slice(0, word.index) + odd + text.slice(word.index + word[0].length);
  },
  // one piece many times: what takes time by the square of its length shows itself
  (text, random) => {
    const from = random(text.length + 1);
    return text.slice(0, from) + text.slice(from, from + 1 + random(12)).repeat(random(4000)) + text.slice(from);
  },
  // no line breaks, or others
  (text, random) => text.replaceAll("\n", [" ", "\r\n", "\n\n", ""][random(4)] ?? ""),
];

/** A text, broken in one to five ways. */
export function broken(text: string, other: string, random: Random): string {
  let result = text;
  for (let count = 1 + random(5); count > 0; count--)
    result = (breaks[random(breaks.length)] ?? String)(result, random, other);
  return result.slice(0, 256 * 1024);
}
