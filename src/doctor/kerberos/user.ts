import type { Run } from "../../system/process.ts";

export interface User {
  readonly uid: number;
  readonly gid: number;
  /** Absent where nobody has this uid: cifs.upcall refuses to work for it. */
  readonly name?: string;
}

/** `alice:x:1000:1000:...` */
export function parsePasswd(line: string): User | undefined {
  const [name = "", , uid = "", gid = ""] = line.split(":");
  if (name === "" || !/^\d+$/.test(uid) || !/^\d+$/.test(gid)) return undefined;
  return { name, uid: Number(uid), gid: Number(gid) };
}

/** By name or uid, as getpwnam(3) finds it: also in directories. Undefined: nobody. */
export async function findUser(
  run: Run,
  passwd: string,
  wanted: string,
  signal: AbortSignal,
): Promise<User | undefined> {
  const local = passwd.split("\n").flatMap((line) => parsePasswd(line) ?? []);
  const here = local.find(({ name, uid }) => name === wanted || String(uid) === wanted);
  if (here !== undefined) return here;
  const { status, stdout } = await run(["getent", "passwd", wanted], { timeoutMs: 5000, maxBytes: 4096, signal });
  const found = status === "ok" ? parsePasswd(stdout.toString("utf8").trim()) : undefined;
  if (found !== undefined) return found;
  return /^\d+$/.test(wanted) ? { uid: Number(wanted), gid: Number(wanted) } : undefined;
}

export const userText = ({ uid, name }: User): string => (name === undefined ? `uid ${uid}` : `${name} (uid ${uid})`);
