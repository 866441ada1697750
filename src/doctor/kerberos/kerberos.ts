import type { MountInfo } from "../../system/mountinfo.ts";
import type { Answer } from "../answer.ts";
import { type Check, examine } from "../examine.ts";
import type { Machine } from "../machine.ts";
import { asked } from "./asked.ts";
import type { KerberosCase, KerberosSubject } from "./case.ts";
import { config } from "./config.ts";
import { rules } from "./rules.ts";
import { tickets } from "./tickets.ts";
import { upcall } from "./upcall.ts";
import type { User } from "./user.ts";

/** In the order in which they are told. */
export const kerberosChecks: readonly Check<KerberosCase>[] = [asked, rules, upcall, config, tickets];

export interface KerberosRequest {
  readonly subject: KerberosSubject;
  readonly mounts: readonly MountInfo[];
  readonly user: User;
  readonly userWhy: string;
  readonly isRoot: boolean;
}

/** Whether the client gets a ticket for a server, and why not. */
export const examineKerberos = (machine: Machine, request: KerberosRequest, signal?: AbortSignal): Promise<Answer> =>
  examine<KerberosCase>({
    subject: request.subject.text,
    case: { machine, ...request, conf: { files: [], entries: [], troubles: [] }, caches: [] },
    checks: kerberosChecks,
    wellSaid: "nothing stands in the way of a ticket",
    limitMs: 60_000,
    ...(signal && { signal }),
  });
