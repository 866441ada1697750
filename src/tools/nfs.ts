// What the tools on the RPCs of NFS share: their own options, how ops end, how they look in JSON.
import { type Command, InvalidArgumentError } from "commander";
import { findProcedure, procedureNames } from "../nfs/procedures.ts";
import { findNfsStatus, rpcStatusName } from "../nfs/status.ts";
import { isVersion, type NfsVersion, parseVersion } from "../nfs/versions.ts";
import { rpcToJson } from "../probe/rpc-json.ts";
import type { RpcOp, RpcState } from "../probe/rpc-op.ts";
import type { RpcSettings } from "../probe/rpc-settings.ts";
import { unknownName } from "./arguments.ts";
import type { NfsMounts } from "./nfs-mounts.ts";
import type { Row } from "./op.ts";
import { type CommonOptions, exclusive } from "./options.ts";
import type { ParsedLine } from "./spec.ts";
import type { Outcomes } from "./stop.ts";

export function hasFailed(op: RpcOp): boolean {
  return op.status !== undefined && op.status.errno !== 0;
}

export const rpcOutcomes: Outcomes<RpcOp> = {
  failed: hasFailed,
  errno: (op) => op.status?.errno,
  status: { find: findNfsStatus, of: (op) => op.status?.code, failure: (code) => code !== 0 },
};

/** -V, -c and -x. */
export function addRpcOptions(command: Command): void {
  command
    .option("-V, --nfs-version <VERSIONS>", "only these versions of NFS: 3, 4, 4.0, 4.1, 4.2", versionList)
    .option("-c, --procs <PROCS>", "only these procedures, by name, separated by commas", procedureSet)
    .option("-x, --exclude <PROCS>", "all procedures but these", procedureSet);
}

export interface RpcFilter {
  readonly wants: (op: RpcOp) => boolean;
  /** Names; undefined = all. */
  readonly only?: ReadonlySet<string>;
}

export function rpcFilterOf({ options }: ParsedLine): RpcFilter {
  const { nfsVersion, procs, exclude } = options as {
    nfsVersion?: readonly NfsVersion[];
    procs?: ReadonlySet<string>;
    exclude?: ReadonlySet<string>;
  };
  exclusive(procs && "-c", exclude && "-x");
  return {
    wants: (op) =>
      (procs === undefined || procs.has(op.procedure)) &&
      exclude?.has(op.procedure) !== true &&
      (nfsVersion === undefined || nfsVersion.some((version) => isVersion(version, op.version, op.minor))),
    ...(procs === undefined ? undefined : { only: procs }),
  };
}

/** What the helper should report: ops from `minUs` on, and what --stop-on needs besides. */
export function rpcSettingsOf(minUs: number, filter: RpcFilter, { stopOn }: CommonOptions<RpcOp>): RpcSettings {
  const watch = stopOn?.watch;
  const slowUs = watch?.all ? 0 : Math.min(minUs, watch?.slowUs ?? Number.POSITIVE_INFINITY);
  return {
    slowUs: filter.only === undefined ? slowUs : null,
    slowUsOf: new Map([...(filter.only ?? [])].map((name) => [name, slowUs] as const)),
    errors: watch?.errors ?? false,
    paths: true,
    inflightUs: slowUs,
  };
}

function versionList(text: string, before: readonly NfsVersion[] = []): readonly NfsVersion[] {
  const versions = text.split(",").map((part) => {
    const version = parseVersion(part);
    if (version === undefined) throw new InvalidArgumentError("versions are 3, 4, 4.0, 4.1 and 4.2.");
    return version;
  });
  return [...before, ...versions];
}

function procedureSet(text: string, before?: ReadonlySet<string>): ReadonlySet<string> {
  const names = new Set(before);
  for (const part of text.split(",")) {
    const found = findProcedure(part);
    if (!found.ok) {
      const known = `procedures are ${procedureNames.join(", ")}.`;
      throw new InvalidArgumentError(unknownName("procedure", part, found, known));
    }
    names.add(found.name);
  }
  return names;
}

const stateTexts: Readonly<Record<RpcState, string>> = {
  open: "open",
  answered: "answered",
  unsent: "not sent",
  held: "retry",
  ghost: "end missed",
  closed: "ended",
};

/** `READ`, `READ (open)` of what is in flight, `READ (not sent)` of what failed before it was sent, `WRITE (retry)` while the server has it wait. */
export function procedureText({ procedure, state, endedNs }: RpcOp): string {
  return endedNs === undefined ? `${procedure} (${stateTexts[state]})` : procedure;
}

/** An op as users see it: docs/nfsslower.md. */
export function rpcJson({ clock, ...row }: Row<RpcOp>, mounts: NfsMounts): object {
  // No task waits without an op that this probe knows of.
  if (row.kind === "waiter") return {};
  const { op, target } = row;
  const path = mounts.pathOf(op);
  return rpcToJson(op, { ...target, ...(path === undefined ? {} : { path }) }, clock);
}

/** `NFS4ERR_NOENT`, `ETIMEDOUT`; undefined while there is none. */
export function statusText({ status }: RpcOp): string | undefined {
  return status === undefined ? undefined : rpcStatusName(status);
}
