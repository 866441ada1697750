import type { Answer } from "../answer.ts";
import { type Check, examine } from "../examine.ts";
import type { Machine } from "../machine.ts";
import { kernelAndModules } from "./kernel.ts";

/** In the order in which they are told. */
export const hostChecks: readonly Check<Machine>[] = [kernelAndModules];

/** Whether this host has what SMB and NFS mounts need. */
export const examineHost = (machine: Machine, signal?: AbortSignal): Promise<Answer> =>
  examine({
    subject: "host",
    case: machine,
    checks: hostChecks,
    wellSaid: "this host has what SMB and NFS mounts need",
    limitMs: 60_000,
    ...(signal && { signal }),
  });
