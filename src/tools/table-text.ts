// Text that goes into a table or a CSV file, whatever a task or a file is called.

/** What nearly every cell is; the properties of Unicode cost a hundred times as much. */
const plain = /^[ -~]*$/;

/** Controls, line breaks and what turns the direction of writing become `\xNN` or `\u{NNNN}`: a name can not break a line. */
export function printable(text: string): string {
  if (plain.test(text)) return text;
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
  });
}

const zeroWidth = /^[\p{Mn}\p{Me}]$/u;
const doubleWidth =
  /^[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Emoji_Presentation}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]$/u;

/** How many columns of a terminal a printable text takes. */
export function displayWidth(text: string): number {
  if (plain.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += zeroWidth.test(character) ? 0 : doubleWidth.test(character) ? 2 : 1;
  return width;
}

/** A cell that is at least `width` columns wide. */
export function left(value: string | number, width: number): string {
  const text = printable(String(value));
  return text + " ".repeat(Math.max(0, width - displayWidth(text)));
}

/** As left(), with the text at the right edge. */
export function right(value: string | number, width: number): string {
  const text = printable(String(value));
  return " ".repeat(Math.max(0, width - displayWidth(text))) + text;
}

/** A field of a CSV file (RFC 4180), printable. */
export function csvField(value: string | number): string {
  const text = printable(String(value));
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
