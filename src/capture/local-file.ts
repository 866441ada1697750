import { messageOf } from "../system/error.ts";
import { readLocal } from "../system/proc.ts";
import type { CaptureContext, CaptureFile } from "./capture.ts";

export interface LocalFileRequest {
  /** Name in the bundle. */
  readonly name: string;
  readonly path: string;
  readonly limitBytes?: number;
  /** What it means when it is not there. */
  readonly absent: string;
}

/** A file of /proc or /sys as it is now, read whole before it is written: its content is of one moment. */
export async function captureLocalFile(context: CaptureContext, request: LocalFileRequest): Promise<CaptureFile> {
  const { name, path, limitBytes = 1024 * 1024 } = request;
  try {
    const file = await readLocal(path, { limitBytes, signal: context.signal });
    if (file === undefined) return { name, source: path, status: "absent", reason: request.absent };
    const cut = file.truncated ? ({ status: "truncated", reason: `cut at ${limitBytes} bytes` } as const) : {};
    return { name, source: path, content: file.content, ...cut };
  } catch (error) {
    context.signal.throwIfAborted();
    return { name, source: path, status: "failed", reason: messageOf(error) };
  }
}
