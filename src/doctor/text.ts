import { colours as pc } from "../system/colours.ts";
import type { Answer, Step, StepResult } from "./answer.ts";

const marks: Readonly<Record<StepResult, string>> = {
  ok: pc.green("ok  "),
  warn: pc.yellow("warn"),
  fail: pc.red("FAIL"),
  skip: pc.dim("skip"),
};

/** An answer for people: every step with its evidence, then the verdict and what to do. Ends with a newline. */
export function answerText({ subject, from, verdict, steps }: Answer): string {
  const width = Math.max(0, ...steps.map(({ name }) => name.length));
  const asked = from === undefined ? "" : pc.dim(` (${from})`);
  const lines = [
    `${pc.bold(subject)}${asked}`,
    ...steps.flatMap((step, at) => stepLines(step, steps[at - 1]?.name, width)),
    "",
  ];
  if (verdict.cause === "ok") return [...lines, `${pc.green("ok")}: ${verdict.summary}`, ""].join("\n");
  const sure = verdict.confidence === "certain" ? "" : ` (${verdict.confidence})`;
  lines.push(`${pc.red(verdict.cause)}${sure}: ${verdict.summary}`);
  for (const advice of verdict.advice) lines.push(`  - ${advice}`);
  return [...lines, ""].join("\n");
}

/** Several answers at a glance, a line each. Ends with a newline. */
export function summaryText(answers: readonly Answer[]): string {
  const well = answers.filter(({ verdict }) => verdict.cause === "ok").length;
  const all = `${answers.length} looked at: ${well} ok${well < answers.length ? `, ${answers.length - well} not` : ""}`;
  const causes = Math.max(0, ...answers.map(({ verdict }) => verdict.cause.length));
  const lines = answers.map(({ subject, from, verdict: { cause } }) => {
    const colour = cause === "ok" ? pc.green : pc.red;
    return `  ${colour(cause.padEnd(causes))}  ${subject}${from === undefined ? "" : pc.dim(` (${from})`)}`;
  });
  return `${[pc.bold(all), ...lines].join("\n")}\n`;
}

/** A step that found several things has its name once. */
function stepLines(
  { name, result, evidence, meaning, fix }: Step,
  before: string | undefined,
  width: number,
): string[] {
  const inset = " ".repeat(width + 8);
  const [first = "", ...more] = evidence.split("\n");
  const lines = [
    `  ${marks[result]}  ${(name === before ? "" : name).padEnd(width)}  ${first}`.trimEnd(),
    ...more.map((line) => `${inset}  ${line}`),
  ];
  if (result !== "ok" && meaning !== undefined) lines.push(`${inset}  ${pc.dim("means")} ${meaning}`);
  if (result !== "ok" && fix !== undefined) lines.push(`${inset}  ${pc.dim("do")} ${fix}`);
  return lines;
}

/** One object a line. */
export const answerJson = (answer: Answer): string => `${JSON.stringify(answer)}\n`;
