import type { Capture } from "./capture.ts";
import { cifsSettings } from "./cifs-settings.ts";
import { cifsState } from "./cifs-state.ts";
import { kernelLogCapture } from "./kernel-log.ts";
import { mountTable } from "./mount-table.ts";
import { sockets } from "./sockets.ts";
import { systemSamples } from "./system-samples.ts";

/** All captures, one line each. Those first whose subject changes fastest. */
export const captures: readonly Capture[] = [
  cifsState,
  sockets,
  systemSamples,
  kernelLogCapture(),
  mountTable,
  cifsSettings,
];
