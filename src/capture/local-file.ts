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

/** Several of them, read beside each other, so that their contents are of one moment; given in their order. */
export async function* captureLocalFiles(
  context: CaptureContext,
  requests: readonly LocalFileRequest[],
): AsyncGenerator<CaptureFile> {
  const reading = requests.map((request) => captureLocalFile(context, request));
  // One that fails is told when its turn comes; by then nobody may listen any more.
  for (const one of reading) one.catch(() => undefined);
  for (const one of reading) yield await one;
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
