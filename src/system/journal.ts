// What `journalctl --follow --output=json` writes: systemd's Journal JSON Format, one object a line.
import type { Argv } from "./process.ts";

export interface JournalEntry {
  /** CLOCK_MONOTONIC ns of this boot, when it is told. */
  readonly timeNs?: number;
  readonly program: string;
  readonly pid?: number;
  readonly text: string;
}

const fields = "MESSAGE,SYSLOG_IDENTIFIER,_COMM,_PID,SYSLOG_PID,_TRANSPORT";

/** New lines of these programs, and of refusals by SELinux and AppArmor (AUDIT_AVC), from now on. */
export function journalArgv(programs: readonly string[]): Argv {
  return [
    "journalctl",
    "--follow",
    "--lines=0",
    "--quiet",
    "--no-pager",
    "--all",
    "--output=json",
    `--output-fields=${fields}`,
    ...programs.map((program) => `SYSLOG_IDENTIFIER=${program}`),
    "+",
    "_TRANSPORT=audit",
    "_AUDIT_TYPE=1400",
  ];
}

/** Undefined for what is no entry. Never throws. */
export function parseJournalEntry(line: string): JournalEntry | undefined {
  let entry: unknown;
  try {
    entry = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof entry !== "object" || entry === null) return undefined;
  const facts = new Map<string, unknown>(Object.entries(entry));
  const text = textOf(facts.get("MESSAGE"));
  if (text === undefined) return undefined;
  const micros = Number(facts.get("__MONOTONIC_TIMESTAMP"));
  const pid = Number(facts.get("_PID") ?? facts.get("SYSLOG_PID"));
  const isAudit = facts.get("_TRANSPORT") === "audit";
  const program = isAudit ? "audit" : textOf(facts.get("SYSLOG_IDENTIFIER") ?? facts.get("_COMM"));
  return {
    ...(Number.isSafeInteger(micros) && micros > 0 ? { timeNs: micros * 1000 } : {}),
    program: program ?? "",
    ...(Number.isSafeInteger(pid) && pid > 0 ? { pid } : {}),
    text,
  };
}

/** A field that is not UTF-8, or has control characters, is an array of its bytes; one that stands twice is an array of texts. */
function textOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (!Array.isArray(value)) return undefined;
  if (value.every((byte) => typeof byte === "number" && byte >= 0 && byte <= 255))
    return Buffer.from(value).toString("utf8");
  return textOf(value[0]);
}
