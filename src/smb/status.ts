import { nearest } from "./nearest.ts";
import { statusTable } from "./status-table.ts";

/** Linux errno numbers of the names in the table: include/uapi/asm-generic/errno{-base,}.h. */
const errnos: Readonly<Record<string, number>> = {
  "0": 0,
  EPERM: 1,
  ENOENT: 2,
  EIO: 5,
  E2BIG: 7,
  EBADF: 9,
  EAGAIN: 11,
  EACCES: 13,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  EXDEV: 18,
  ENODEV: 19,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  EMFILE: 24,
  ENOSPC: 28,
  EROFS: 30,
  EMLINK: 31,
  EPIPE: 32,
  ENAMETOOLONG: 36,
  ENOSYS: 38,
  ENOTEMPTY: 39,
  ENODATA: 61,
  EREMOTE: 66,
  ENOTUNIQ: 76,
  EREMCHG: 78,
  EOPNOTSUPP: 95,
  ENETUNREACH: 101,
  ENETRESET: 102,
  ECONNABORTED: 103,
  ESHUTDOWN: 108,
  ETIMEDOUT: 110,
  ECONNREFUSED: 111,
  EHOSTDOWN: 112,
  EREMOTEIO: 121,
  EDQUOT: 122,
  EKEYEXPIRED: 127,
  EKEYREVOKED: 128,
};

export interface StatusInfo {
  readonly code: number;
  /** `STATUS_ACCESS_DENIED` */
  readonly name: string;
  /** What the kernel's client makes of it, positive: 13. Everything without a mapping of its own is EIO. */
  readonly errno: number;
}

const byCode = new Map<number, StatusInfo>();
const byName = new Map<string, StatusInfo>();
for (const line of statusTable.trim().split("\n")) {
  const [code = "", name = "", errno = "EIO"] = line.split(" ");
  const info = { code: Number.parseInt(code, 16), name: `STATUS_${name}`, errno: errnos[errno] ?? 5 };
  byCode.set(info.code, info);
  byName.set(info.name, info);
}

/** Every status that has a name here. */
export const knownStatuses: ReadonlyMap<number, StatusInfo> = byCode;

/** `STATUS_ACCESS_DENIED`, or `0xc0000022` for a code without a name here. */
export function statusName(code: number): string {
  return byCode.get(code)?.name ?? statusHex(code);
}

/** `0xc0000022` */
export function statusHex(code: number): string {
  return `0x${code.toString(16).padStart(8, "0")}`;
}

/** Positive errno; undefined for a code without a name here, since the kernels' maps differ in what they hold. */
export function statusErrno(code: number): number | undefined {
  return byCode.get(code)?.errno;
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
  const info = byName.get(`STATUS_${bare}`);
  if (info !== undefined) return { ok: true, code: info.code };
  const near = nearest(`STATUS_${bare}`, byName.keys());
  return near === undefined ? { ok: false } : { ok: false, suggestion: near };
}
