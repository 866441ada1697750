// `smbiostat --record FILE`: the readings of a run, one JSON object a line, as `--replay` reads them.
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { AodError, messageOf } from "../system/error.ts";
import type { ReadingTexts } from "./reading.ts";

const FORMAT = "smbiostat-1";

export interface ReadingRecorder {
  take(texts: ReadingTexts): void;
  close(): void;
}

export function recordReadings(file: string): ReadingRecorder {
  let fd: number;
  try {
    // What it holds tells names of servers and shares.
    fd = openSync(file, "w", 0o600);
  } catch (error) {
    throw new AodError("failed", `${file} cannot be written: ${messageOf(error)}`, { cause: error });
  }
  return {
    take: (texts) => void writeSync(fd, `${JSON.stringify({ format: FORMAT, ...texts })}\n`),
    close: () => closeSync(fd),
  };
}

export function replayReadings(file: string): readonly ReadingTexts[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new AodError("failed", `${file} cannot be read: ${messageOf(error)}`, { cause: error });
  }
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line, index) => readingIn(line) ?? wrong(file, index + 1));
}

function wrong(file: string, line: number): never {
  throw new AodError(
    "usage",
    `${file}:${line} is no reading of smbiostat: it takes what smbiostat --record has written`,
  );
}

function readingIn(line: string): ReadingTexts | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || !("format" in value) || value.format !== FORMAT) return undefined;
  const { wall_ms, ns, ...files } = value as Partial<ReadingTexts>;
  if (typeof wall_ms !== "number" || typeof ns !== "number") return undefined;
  for (const name of ["Stats", "DebugData", "mountstats", "metrics"] as const) {
    if (files[name] !== undefined && typeof files[name] !== "string") return undefined;
  }
  return { ...files, wall_ms, ns };
}
