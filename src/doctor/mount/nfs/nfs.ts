import type { Answer } from "../../answer.ts";
import { type Check, examine } from "../../examine.ts";
import type { Machine } from "../../machine.ts";
import type { MountRequest } from "../mount.ts";
import { type NfsTarget, targetText } from "../target.ts";

/** What the checks of an NFS mount learn and hand on. */
export interface NfsCase {
  readonly target: NfsTarget;
  readonly request: MountRequest;
  readonly machine: Machine;
}

/** In the order in which they are told. */
export const nfsMountChecks: readonly Check<NfsCase>[] = [];

export const examineNfsMount = (
  target: NfsTarget,
  request: MountRequest,
  machine: Machine,
  signal?: AbortSignal,
): Promise<Answer> =>
  examine({
    subject: targetText(target),
    case: { target, request, machine },
    checks: nfsMountChecks,
    wellSaid: "nothing here keeps this export from being mounted",
    limitMs: 120_000,
    ...(signal && { signal }),
  });
