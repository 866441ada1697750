import { join } from "node:path";
import type { Capture, CaptureContext, CaptureFile } from "./capture.ts";
import { captureLocalFile } from "./local-file.ts";

/** Hosts of containers have thousands of mounts. */
const limitBytes = 4 * 1024 * 1024;

/** All mounts with their options; passwords never stand there, credentials= is taken out on the way. */
export const mountTable: Capture = {
  name: "mount-table",
  summary: "mounts and mountinfo of process 1, or else of the daemon",
  phases: ["open", "close"],
  limitBytes,
  async *collect(context) {
    yield await ofFirst(context, "mounts");
    yield await ofFirst(context, "mountinfo");
  },
};

/** The daemon may live in a mount namespace of its own, process 1 does not; but hidepid can hide process 1. */
async function ofFirst(context: CaptureContext, name: string): Promise<CaptureFile> {
  const request = { name, absent: "/proc is hidden", limitBytes };
  const first = await captureLocalFile(context, { ...request, path: join(context.procRoot, "1", name) });
  if (first.content !== undefined) return first;
  return await captureLocalFile(context, { ...request, path: join(context.procRoot, "self", name) });
}
