import { colours as pc } from "../system/colours.ts";
import { printable } from "../tools/table-text.ts";
import type { Row, Subject } from "./row.ts";

/** A block for each row: its title, what is known of it, and what is wrong with it. */
export function subjectText(subject: Subject, rows: readonly Row[], notes: readonly string[]): string {
  const head = `${pc.bold(subject)}${rows.length === 0 ? ": none" : ""}\n`;
  const blocks = rows.map(({ title, lines, problems }) =>
    [
      `  ${problems.length > 0 ? pc.red(printable(title)) : printable(title)}`,
      ...lines.filter((line) => line !== "").map((line) => `    ${printable(line)}`),
      ...problems.map((problem) => pc.red(`    ! ${printable(problem)}`)),
    ].join("\n"),
  );
  return `${head}${blocks.map((block) => `${block}\n`).join("")}${notes.map((note) => `  (${printable(note)})\n`).join("")}`;
}

export function subjectJson(subject: Subject, rows: readonly Row[], notes: readonly string[]): string {
  const told = notes.map((note) => ({ subject, note }));
  return [...rows.map(({ json, problems }) => ({ subject, ...json, problems })), ...told]
    .map((line) => `${JSON.stringify(line)}\n`)
    .join("");
}
