import { hostname } from "node:os";
import type { Answer } from "../../answer.ts";
import { type Check, examine } from "../../examine.ts";
import type { Machine } from "../../machine.ts";
import type { MountRequest } from "../mount.ts";
import { type NfsTarget, subjectText } from "../target.ts";
import { attempt } from "./attempt.ts";
import type { NfsCase } from "./case.ts";
import { openRpc } from "./connection.ts";
import { exports } from "./exports.ts";
import { intentOf } from "./intent.ts";
import { kerberos } from "./kerberos.ts";
import { kernelLog } from "./kernel-log.ts";
import { local } from "./local.ts";
import { options } from "./options.ts";
import { path } from "./path.ts";
import { name, port, route } from "./reach.ts";
import { rpcbind } from "./rpcbind.ts";
import { versions } from "./versions.ts";

/** In the order in which they are told. */
export const nfsMountChecks: readonly Check<NfsCase>[] = [
  options,
  local,
  name,
  route,
  port,
  rpcbind,
  versions,
  exports,
  path,
  ...kerberos,
  attempt,
  kernelLog,
];

export function examineNfsMount(
  target: NfsTarget,
  request: MountRequest,
  machine: Machine,
  signal?: AbortSignal,
): Promise<Answer> {
  const isRoot = process.geteuid?.() === 0;
  const of: NfsCase = {
    target,
    request,
    machine,
    isRoot,
    intent: intentOf(request.options),
    as: { machine: hostname(), uid: 0, gid: 0 },
    open: (address, port, within) => openRpc(machine.network, address, port, isRoot, within),
    addresses: [],
  };
  return examine({
    subject: subjectText(target),
    case: of,
    checks: nfsMountChecks,
    wellSaid: "nothing here keeps this export from being mounted",
    limitMs: 370_000,
    ...(signal && { signal }),
  });
}
