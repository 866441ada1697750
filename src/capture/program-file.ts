import type { Argv, RunResult } from "../system/process.ts";
import type { CaptureContext, CaptureFile } from "./capture.ts";

export interface ProgramRequest {
  /** Name in the bundle. */
  readonly name: string;
  readonly argv: Argv;
  /** Bytes of its output; default 256 KiB */
  readonly limitBytes?: number;
  /** An exit status is no failure: with output it is what there is, without it there is no such thing (`modinfo` of a module that is not there). */
  readonly lenient?: boolean;
}

export type ProgramFile = CaptureFile & { readonly content?: Buffer };

/** What a program prints. What it gave before it failed or was killed is kept. */
export async function captureProgram(context: CaptureContext, request: ProgramRequest): Promise<ProgramFile> {
  const { name, argv, limitBytes = 256 * 1024, lenient = false } = request;
  const result = await context.run(argv, {
    timeoutMs: context.programMs,
    maxBytes: limitBytes,
    signal: context.signal,
  });
  return { name, source: argv.join(" "), ...outcomeOf(result, limitBytes, lenient) };
}

/** The content, status and reason of a file that a program made. */
function outcomeOf(result: RunResult, limitBytes: number, lenient: boolean) {
  const { status, stdout, truncated } = result;
  const content = stdout.length > 0 ? { content: stdout } : {};
  if (status === "ok" && truncated) {
    return { ...content, status: "truncated", reason: `cut at ${limitBytes} bytes` } as const;
  }
  if (status === "ok" || (lenient && status === "failed" && stdout.length > 0)) return { content: stdout } as const;
  const reason = [result.reason, result.stderr.trim()].filter(Boolean).join(": ") || "no reason was given";
  if (status === "missing" || (lenient && status === "failed")) return { status: "absent", reason } as const;
  return { ...content, status: status === "timeout" ? "timed_out" : "failed", reason } as const;
}
