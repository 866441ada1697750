import type { Answer } from "../../answer.ts";
import { type Check, examine } from "../../examine.ts";
import type { KdcWire } from "../../kerberos/kdc-wire.ts";
import type { Machine } from "../../machine.ts";
import type { MountRequest } from "../mount.ts";
import { type SmbTarget, subjectText } from "../target.ts";
import { attempt } from "./attempt.ts";
import type { SmbCase } from "./case.ts";
import { credentials } from "./credentials.ts";
import { intentOf } from "./intent.ts";
import { kerberos } from "./kerberos.ts";
import { lastFailure } from "./last-failure.ts";
import { login } from "./login.ts";
import { module } from "./module.ts";
import { negotiation } from "./negotiate.ts";
import { options } from "./options.ts";
import { programs } from "./programs.ts";
import { name, port, route } from "./reach.ts";
import { security } from "./security.ts";
import { clock, identity } from "./server.ts";

/** In the order in which they are told. */
export const smbMountChecks: readonly Check<SmbCase>[] = [
  name,
  route,
  port,
  negotiation,
  identity,
  clock,
  security,
  module,
  programs,
  options,
  credentials,
  ...kerberos,
  login,
  lastFailure,
  attempt,
];

export const examineSmbMount = (
  target: SmbTarget,
  request: MountRequest,
  machine: Machine,
  signal?: AbortSignal,
  kdcWire?: KdcWire,
): Promise<Answer> =>
  examine<SmbCase>({
    subject: subjectText(target),
    case: { target, request, machine, intent: intentOf(request.options), addresses: [], ...(kdcWire && { kdcWire }) },
    checks: smbMountChecks,
    wellSaid: "nothing here keeps this share from being mounted",
    limitMs: 300_000,
    ...(signal && { signal }),
  });
