// SMB2 commands: MS-SMB2 2.2.1.2, in the order of their codes.
import { nearest } from "./nearest.ts";

const names = [
  "SMB2_NEGOTIATE",
  "SMB2_SESSION_SETUP",
  "SMB2_LOGOFF",
  "SMB2_TREE_CONNECT",
  "SMB2_TREE_DISCONNECT",
  "SMB2_CREATE",
  "SMB2_CLOSE",
  "SMB2_FLUSH",
  "SMB2_READ",
  "SMB2_WRITE",
  "SMB2_LOCK",
  "SMB2_IOCTL",
  "SMB2_CANCEL",
  "SMB2_ECHO",
  "SMB2_QUERY_DIRECTORY",
  "SMB2_CHANGE_NOTIFY",
  "SMB2_QUERY_INFO",
  "SMB2_SET_INFO",
  "SMB2_OPLOCK_BREAK",
  "SMB2_OTHER",
] as const;

export type SmbCommandName = (typeof names)[number];

/** Every name, the index is the code; the last stands for any other code. */
export const commandNames: readonly SmbCommandName[] = names;

/** The slot in the kernel's tables for all codes that have no name. */
export const OTHER_COMMAND = names.length - 1;

const codes: ReadonlyMap<string, number> = new Map(names.map((name, code) => [name, code]));

/** `SMB2_WRITE` for 9; `SMB2_OTHER` for a code that MS-SMB2 does not name. */
export function commandName(code: number): SmbCommandName {
  return names[code] ?? "SMB2_OTHER";
}

/** The code of an exact name. */
export function commandCode(name: SmbCommandName): number {
  return names.indexOf(name);
}

export type CommandLookup =
  | { readonly ok: true; readonly code: number }
  /** `suggestion`: the nearest name in the form that was typed in, where one is near. */
  | { readonly ok: false; readonly suggestion?: string };

/** A command as people write it: `SMB2_WRITE`, `write`, `Query_Info`, `query-info`, `9`, `0x9`. */
export function findCommand(text: string): CommandLookup {
  const typed = text.trim();
  if (/^(0x[0-9a-f]+|\d+)$/i.test(typed)) {
    const code = Number(typed);
    return code <= OTHER_COMMAND ? { ok: true, code } : { ok: false };
  }
  const upper = typed.toUpperCase().replaceAll("-", "_");
  const prefixed = upper.startsWith("SMB2_");
  const bare = prefixed ? upper.slice(5) : upper;
  const code = codes.get(`SMB2_${bare}`);
  if (code !== undefined) return { ok: true, code };
  const near = nearest(
    bare,
    names.map((name) => name.slice(5)),
  );
  return near === undefined ? { ok: false } : { ok: false, suggestion: prefixed ? `SMB2_${near}` : near };
}
