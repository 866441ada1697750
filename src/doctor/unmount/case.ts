import type { HandleList } from "../../holders/look.ts";
import type { Mapping } from "../../holders/mappings.ts";
import type { Namespace, Place } from "../../holders/namespaces.ts";
import { type Looked, nothingLookedAt, type Process } from "../../holders/processes.ts";
import { type MountInfo, mountOf } from "../../system/mountinfo.ts";
import { printable } from "../../tools/table-text.ts";
import type { Finding } from "../answer.ts";
import type { Check } from "../examine.ts";
import type { Machine } from "../machine.ts";

export type HolderKind =
  | "file"
  | "cwd"
  | "root"
  | "exe"
  | "mapping"
  | "mount"
  | "loop"
  | "swap"
  | "export"
  | "layer"
  | "namespace"
  | "handle"
  | "task";

/** Something that keeps a mount, as `--json` prints it. */
export interface Holder {
  readonly kind: HolderKind;
  /**
   * `refuses`: umount(8) fails with EBUSY because of it. `outlives`: the mount goes, and the file system with its connection stays until this ends.
   * `may`: one of both, the evidence does not tell. `goes`: umount(8) takes it along.
   */
  readonly effect: "refuses" | "outlives" | "may" | "goes";
  readonly pid?: number;
  readonly comm?: string;
  readonly uid?: number;
  readonly fds?: readonly number[];
  readonly path?: string;
  /** The mount namespace, where it is another than that of who asks. */
  readonly namespace?: string;
  /** In words, for people. */
  readonly text: string;
  /** What to do about it. */
  readonly advice: string;
}

/** What the checks learn and hand on. */
export interface UnmountCase {
  readonly machine: Machine;
  readonly asked: MountInfo;
  /** The namespace of who asks. */
  readonly own: Namespace;
  readonly looked: Looked;
  places: ReadonlyMap<number, Place>;
  mappings: readonly Mapping[];
  /** Read before the processes were looked at. */
  handles: HandleList;
  readonly holders: Holder[];
}

export const newCase = (machine: Machine, asked: MountInfo, own: Namespace): UnmountCase => ({
  machine,
  asked,
  own,
  looked: nothingLookedAt(),
  places: new Map([[asked.id, { mount: asked, namespace: own, role: "self" }]]),
  mappings: [],
  handles: { files: [], unknown: [] },
  holders: [],
});

/** The mount that concerns the case and that a path of a namespace lies on, by its name alone. */
export function placeOfPath(of: UnmountCase, path: string, namespace: string | undefined): Place | undefined {
  const table = namespace === undefined || namespace === of.own.id ? of.own : of.looked.namespaces.get(namespace);
  const mount = table === undefined ? undefined : mountOf(path, table.mounts, "/");
  return mount === undefined ? undefined : of.places.get(mount.id);
}

export const effectOf = ({ role }: Place): Holder["effect"] => (role === "other" ? "outlives" : "refuses");

/** `dd (812)`, and where it is when that is elsewhere. */
export function named(of: UnmountCase, { pid, comm, namespace }: Process): string {
  const elsewhere = namespace !== undefined && namespace !== of.own.id ? `, in mount namespace ${namespace}` : "";
  return `${printable(comm)} (${pid}${elsewhere})`;
}

/** What `--json` has of a process. */
export function factsOf(
  of: UnmountCase,
  { pid, comm, uid, namespace }: Process,
): Pick<Holder, "pid" | "comm" | "uid" | "namespace"> {
  return {
    pid,
    comm,
    ...(uid === undefined ? {} : { uid }),
    ...(namespace === undefined || namespace === of.own.id ? {} : { namespace }),
  };
}

const MAX_LINES = 20;

/** One line for each holder of a kind; what `none` says where there is none. */
export function held(of: UnmountCase, holders: readonly Holder[], none: string): Finding {
  of.holders.push(...holders);
  if (holders.length === 0) return { result: "ok", evidence: none };
  const lines = holders.slice(0, MAX_LINES).map(({ text }) => text);
  if (holders.length > MAX_LINES) lines.push(`and ${holders.length - MAX_LINES} more`);
  const worst = ["refuses", "outlives", "may"].find((one) => holders.some(({ effect }) => effect === one));
  return { result: worst === "refuses" ? "fail" : worst === undefined ? "ok" : "warn", evidence: lines.join("\n") };
}

export type UnmountCheck = Check<UnmountCase>;
