import { errnoNumber } from "../system/errno.ts";
import { nearest } from "./nearest.ts";
import { otherStatuses } from "./status-names.ts";
import { statusTable } from "./status-table.ts";

export interface StatusInfo {
  readonly code: number;
  /** `STATUS_ACCESS_DENIED` */
  readonly name: string;
  /** What the kernel's client makes of it, positive: 13. Everything without a mapping of its own is EIO. */
  readonly errno: number;
}

const EIO = 5;

const byCode = new Map<number, StatusInfo>();
const byName = new Map<string, StatusInfo>();
for (const line of statusTable.trim().split("\n")) {
  const [code = "", name = "", errno] = line.split(" ");
  add(code, name, errno === undefined ? EIO : errno === "0" ? 0 : errnoNumber(errno));
}

function add(code: string, name: string, errno = EIO): void {
  const info = { code: Number.parseInt(code, 16), name: `STATUS_${name}`, errno };
  byCode.set(info.code, info);
  byName.set(info.name, info);
}

/** Whoever misspells one means one of these. */
const usualNames: readonly string[] = [...byName.keys()];
let whole = false;

/** Most programs never meet the other 1,300: they are read when one is asked for that is not among the usual ones. */
function readOthers(): void {
  if (whole) return;
  whole = true;
  for (const entry of otherStatuses.trim().split(/,\s/)) {
    const [code = "", name = ""] = entry.split(" ");
    add(code, name);
  }
}

/** Every status that has a name here. */
export function knownStatuses(): ReadonlyMap<number, StatusInfo> {
  readOthers();
  return byCode;
}

function infoOf(code: number): StatusInfo | undefined {
  const info = byCode.get(code);
  if (info !== undefined || whole) return info;
  readOthers();
  return byCode.get(code);
}

/** `STATUS_ACCESS_DENIED`, or `0xc0000022` for a code without a name here. */
export function statusName(code: number): string {
  return infoOf(code)?.name ?? statusHex(code);
}

/** `0xc0000022` */
export function statusHex(code: number): string {
  return `0x${code.toString(16).padStart(8, "0")}`;
}

/** Positive errno; EIO for a code that the client does not know. */
export function statusErrno(code: number): number {
  return byCode.get(code)?.errno ?? EIO;
}

const MORE_PROCESSING_REQUIRED = 0xc000_0016;

/** Severity error. STATUS_MORE_PROCESSING_REQUIRED has it too, and is how a SESSION_SETUP goes on. */
export function isFailure(code: number): boolean {
  return code >= 0xc000_0000 && code !== MORE_PROCESSING_REQUIRED;
}

export type StatusLookup =
  | { readonly ok: true; readonly code: number }
  /** `suggestion`: the nearest name, where one is near. */
  | { readonly ok: false; readonly suggestion?: string };

/** A status as people write it: `STATUS_ACCESS_DENIED`, `access_denied`, `0xc0000022`, `3221225506`. */
export function findStatus(text: string): StatusLookup {
  const typed = text.trim();
  if (/^(0x[0-9a-f]+|\d+)$/i.test(typed)) {
    const code = Number(typed);
    return code <= 0xffff_ffff ? { ok: true, code } : { ok: false };
  }
  const bare = typed
    .toUpperCase()
    .replaceAll("-", "_")
    .replace(/^(NT_)?STATUS_/, "");
  const usual = byName.get(`STATUS_${bare}`);
  if (usual !== undefined) return { ok: true, code: usual.code };
  readOthers();
  const info = byName.get(`STATUS_${bare}`);
  if (info !== undefined) return { ok: true, code: info.code };
  const near = nearest(`STATUS_${bare}`, usualNames);
  return near === undefined ? { ok: false } : { ok: false, suggestion: near };
}
