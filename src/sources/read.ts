import { messageOf } from "../system/error.ts";
import { hasCode, readLocal } from "../system/proc.ts";

export interface ReadText {
  readonly text: string;
  /** There was more than the limit. */
  readonly cut: boolean;
}

/** A file below /proc; undefined when there is none. */
export async function readText(path: string, limitBytes: number, signal: AbortSignal): Promise<ReadText | undefined> {
  const file = await readLocal(path, { limitBytes, signal });
  return file === undefined ? undefined : { text: file.content.toString("utf8"), cut: file.truncated };
}

/** Why a file may not be read here; undefined for any other error. */
export function refusal(error: unknown): string | undefined {
  return hasCode(error, "EACCES", "EPERM") ? `not permitted: ${messageOf(error)}` : undefined;
}
