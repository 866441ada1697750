import { join } from "node:path";
import type { Capture } from "./capture.ts";
import { captureLocalFiles } from "./local-file.ts";

const names = ["DebugData", "Stats", "open_files", "open_dirs", "dfscache"] as const;

/** What the SMB client itself knows: connections, sessions, shares and requests in flight; counters; open handles. */
export const cifsState: Capture = {
  name: "cifs-state",
  summary: "/proc/fs/cifs: DebugData, Stats, open_files, open_dirs, dfscache",
  phases: ["open", "close"],
  async *collect(context) {
    const absent = "the module cifs is not loaded, or does not have it";
    const requests = names.map((name) => ({ name, path: join(context.procRoot, "fs/cifs", name), absent }));
    yield* captureLocalFiles(context, requests);
  },
};
