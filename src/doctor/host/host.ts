import { nativePaths } from "../../system/paths.ts";
import type { Answer } from "../answer.ts";
import { type Check, examine } from "../examine.ts";
import type { Machine } from "../machine.ts";
import { addresses } from "./addresses.ts";
import { connections } from "./connections.ts";
import { features } from "./features.ts";
import type { HostCase } from "./host-case.ts";
import { kernelAndModules } from "./kernel.ts";
import { mounts } from "./mounts.ts";
import { probeChecks, surveyWith } from "./probes.ts";
import { programs } from "./programs.ts";

/** In the order in which they are told. The addresses ask what the mounts and the connections have learnt. */
export const hostChecks: readonly Check<HostCase>[] = [
  kernelAndModules,
  programs,
  features,
  mounts,
  connections,
  addresses,
  ...probeChecks,
];

/** Whether this host has what SMB and NFS mounts need, what is mounted, and what can be seen of it. */
export const examineHost = (machine: Machine, signal?: AbortSignal): Promise<Answer> =>
  examine({
    subject: "host",
    case: { machine, isRoot: process.geteuid?.() === 0, survey: surveyWith(nativePaths()), mounts: [], tcp: [] },
    checks: hostChecks,
    wellSaid: "nothing is wrong with what this host mounts, nor with what it mounts by; what it lacks is said above",
    limitMs: 400_000,
    ...(signal && { signal }),
  });
