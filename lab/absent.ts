import { hasCode } from "../src/system/proc.ts";

/** Undefined where there is no such file; what cannot be read for another reason is an error. */
export async function unlessAbsent<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}
