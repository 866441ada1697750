import type { MountInfo } from "../../system/mountinfo.ts";
import type { Answer } from "../answer.ts";
import { type Check, examine } from "../examine.ts";
import type { Machine } from "../machine.ts";
import { asked } from "./asked.ts";
import { azure } from "./azure.ts";
import type { KerberosCase, KerberosSubject } from "./case.ts";
import { clock } from "./clock.ts";
import { config } from "./config.ts";
import { gssd } from "./gssd.ts";
import { kdc } from "./kdc.ts";
import { type KdcWire, realKdcWire } from "./kdc-wire.ts";
import { keys } from "./keys.ts";
import { rules } from "./rules.ts";
import { said } from "./said.ts";
import { service } from "./service.ts";
import { tickets, usable } from "./tickets.ts";
import { upcall } from "./upcall.ts";
import type { User } from "./user.ts";

/** In the order in which they are told. */
export const kerberosChecks: readonly Check<KerberosCase>[] = [
  asked,
  rules,
  upcall,
  keys,
  config,
  gssd,
  tickets,
  azure,
  kdc,
  usable,
  clock,
  service,
  said,
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
