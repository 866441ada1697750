import { colours as pc } from "../system/colours.ts";
import { printable } from "../tools/table-text.ts";
import type { Explained } from "./explain.ts";
import type { Folded } from "./fold.ts";

/** `wallOfUs`: µs since boot -> Unix ms; absent for a text from elsewhere, whose boot nobody knows. */
export function foldedText({ message, fromUs, toUs, count }: Folded, wallOfUs?: (us: number) => number): string {
  const times =
    fromUs === undefined || toUs === undefined
      ? ""
      : `${timeText(fromUs, wallOfUs)}${count > 1 && toUs !== fromUs ? ` to ${timeText(toUs, wallOfUs)}` : ""}  `;
  const often = count > 1 ? `${count} times  ` : "";
  const colour = { trouble: pc.red, recovered: pc.green, notice: (text: string) => text }[message.kind];
  const lines = [
    `${times}${often}${colour(message.kind)}  ${message.id}`,
    `  ${printable(message.text)}`,
    ...explanation(message).map((line) => pc.dim(`    ${printable(line)}`)),
  ];
  return `${lines.join("\n")}\n`;
}

function explanation({ meaning, errno_text, status_text }: Explained): string[] {
  return [meaning, errno_text, status_text].filter((line) => line !== undefined && line !== "").map(String);
}

function timeText(us: number, wallOfUs: ((us: number) => number) | undefined): string {
  if (wallOfUs === undefined) return `[${(us / 1e6).toFixed(6).padStart(12)}]`;
  const date = new Date(wallOfUs(us));
  const two = (number: number): string => String(number).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

export function foldedJson({ message, fromUs, toUs, count }: Folded, wallOfUs?: (us: number) => number): string {
  const wall = (us: number | undefined): string | undefined =>
    us === undefined || wallOfUs === undefined ? undefined : new Date(wallOfUs(us)).toISOString();
  const {
    id,
    protocol,
    kind,
    server,
    share,
    errno,
    status,
    count: number,
    text,
    meaning,
    errno_text,
    status_text,
  } = message;
  return `${JSON.stringify({
    time: wall(fromUs),
    last: count > 1 ? wall(toUs) : undefined,
    monotonic_us: fromUs,
    times: count,
    id,
    protocol,
    kind,
    server,
    share,
    errno,
    errno_text,
    status: status === undefined ? undefined : `0x${status.toString(16).padStart(8, "0")}`,
    status_text,
    number,
    meaning,
    text,
  })}\n`;
}
