import pc from "picocolors";
import { type Logger, pino } from "pino";

export type { Logger };

/** What the logger writes to; process.stderr, or a test's array. */
export interface LogOutput {
  write(line: string): void;
  readonly isTTY?: boolean;
}

const levels: Readonly<Record<number, string>> = {
  20: pc.dim("debug"),
  30: pc.green("info "),
  40: pc.yellow("warn "),
  50: pc.red("error"),
  60: pc.red("fatal"),
};

/** One JSON object a line; lines for people on a terminal. */
export function createLog(output: LogOutput, level = "info"): Logger {
  const destination = output.isTTY === true ? { write: (line: string) => output.write(pretty(line)) } : output;
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime, messageKey: "message" }, destination);
}

function pretty(line: string): string {
  const { level, time, message, ...rest } = JSON.parse(line);
  const details = Object.entries(rest).map(
    ([key, value]) => `${pc.dim(`${key}=`)}${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  const clock = String(time).slice(11, 23);
  return `${[pc.dim(clock), levels[level] ?? String(level), message, ...details].join(" ")}\n`;
}
