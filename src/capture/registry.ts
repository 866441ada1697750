import type { Capture } from "./capture.ts";

/** All captures, one line each. */
export const captures: readonly Capture[] = [];
