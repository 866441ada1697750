import type { Answer } from "../../answer.ts";
import { type Check, examine } from "../../examine.ts";
import type { Machine } from "../../machine.ts";
import type { MountRequest } from "../mount.ts";
import { type SmbTarget, targetText } from "../target.ts";
import type { SmbCase } from "./case.ts";
import { intentOf } from "./intent.ts";
import { negotiation } from "./negotiate.ts";
import { name, port, route } from "./reach.ts";

/** In the order in which they are told. */
export const smbMountChecks: readonly Check<SmbCase>[] = [name, route, port, negotiation];

export const examineSmbMount = (
  target: SmbTarget,
  request: MountRequest,
  machine: Machine,
  signal?: AbortSignal,
): Promise<Answer> =>
  examine({
    subject: targetText(target),
    case: { target, request, machine, intent: intentOf(request.options), addresses: [] },
    checks: smbMountChecks,
    wellSaid: "nothing here keeps this share from being mounted",
    limitMs: 180_000,
    ...(signal && { signal }),
  });
