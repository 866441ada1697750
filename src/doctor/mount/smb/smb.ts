import type { Answer } from "../../answer.ts";
import { type Check, examine } from "../../examine.ts";
import type { Machine } from "../../machine.ts";
import type { MountRequest } from "../mount.ts";
import { type SmbTarget, targetText } from "../target.ts";

/** What the checks of an SMB mount learn and hand on. */
export interface SmbCase {
  readonly target: SmbTarget;
  readonly request: MountRequest;
  readonly machine: Machine;
}

/** In the order in which they are told. */
export const smbMountChecks: readonly Check<SmbCase>[] = [];

export const examineSmbMount = (
  target: SmbTarget,
  request: MountRequest,
  machine: Machine,
  signal?: AbortSignal,
): Promise<Answer> =>
  examine({
    subject: targetText(target),
    case: { target, request, machine },
    checks: smbMountChecks,
    wellSaid: "nothing here keeps this share from being mounted",
    limitMs: 120_000,
    ...(signal && { signal }),
  });
