import type { Capture } from "./capture.ts";
import { cifsSettings } from "./cifs-settings.ts";
import { cifsState } from "./cifs-state.ts";
import { health } from "./health.ts";
import { journal } from "./journal.ts";
import { kernelLogCapture } from "./kernel-log.ts";
import { mountTable } from "./mount-table.ts";
import { network } from "./network.ts";
import { nfsRatesCapture } from "./nfs-rates.ts";
import { nfsState } from "./nfs-state.ts";
import { observations } from "./observations.ts";
import { processes } from "./processes.ts";
import { kernelEvents, packets } from "./recordings.ts";
import { serverSide } from "./server-side.ts";
import { sockets } from "./sockets.ts";
import { stacks } from "./stacks.ts";
import { systemSamples } from "./system-samples.ts";
import { systemState } from "./system-state.ts";
import { versions } from "./versions.ts";

/** All captures, one line each. Those first whose subject changes fastest. */
export const captures: readonly Capture[] = [
  cifsState,
  sockets,
  kernelEvents,
  systemSamples,
  observations,
  stacks,
  packets,
  nfsState,
  processes,
  kernelLogCapture(),
  systemState,
  nfsRatesCapture(),
  serverSide,
  mountTable,
  journal,
  network,
  health,
  cifsSettings,
  versions,
];
