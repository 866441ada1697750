import type { MountInfo } from "../../system/mountinfo.ts";
import type { Answer } from "../answer.ts";
import { type Check, examine } from "../examine.ts";
import type { Machine } from "../machine.ts";
import { asked } from "./asked.ts";
import type { KerberosCase, KerberosSubject } from "./case.ts";
import { clock } from "./clock.ts";
import { config } from "./config.ts";
import { kdc } from "./kdc.ts";
import { type KdcWire, realKdcWire } from "./kdc-wire.ts";
import { rules } from "./rules.ts";
import { service } from "./service.ts";
import { tickets, usable } from "./tickets.ts";
import { upcall } from "./upcall.ts";
import type { User } from "./user.ts";

/** In the order in which they are told. */
export const kerberosChecks: readonly Check<KerberosCase>[] = [
  asked,
  rules,
  upcall,
  config,
  tickets,
  kdc,
  usable,
  clock,
  service,
];

export interface KerberosRequest {
  readonly subject: KerberosSubject;
  readonly mounts: readonly MountInfo[];
  readonly user: User;
  readonly userWhy: string;
  readonly isRoot: boolean;
}

/** Whether the client gets a ticket for a server, and why not. */
export const examineKerberos = (
  machine: Machine,
  request: KerberosRequest,
  signal?: AbortSignal,
  wire: KdcWire = realKdcWire(machine.network),
): Promise<Answer> =>
  examine<KerberosCase>({
    subject: request.subject.text,
    case: {
      machine,
      ...request,
      wire,
      conf: { files: [], entries: [], troubles: [] },
      caches: [],
      kdcs: [],
      skews: [],
    },
    checks: kerberosChecks,
    wellSaid: "nothing stands in the way of a ticket",
    limitMs: 120_000,
    ...(signal && { signal }),
  });
