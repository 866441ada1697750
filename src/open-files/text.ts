import type { HandleHolder } from "../holders/handles.ts";
import { closeTimeOf } from "../holders/handles.ts";
import type { Descriptor } from "../holders/processes.ts";
import { hex, known } from "../show/row.ts";
import { colours as pc } from "../system/colours.ts";
import { openFlagWords } from "../system/open-flags.ts";
import { left, printable } from "../tools/table-text.ts";
import type { Shown, ShownHandle } from "./look.ts";

/** Columns of a wider cell do not make all others as wide. */
const MAX_WIDTH = 48;

export type NameOf = (pid: number) => string | undefined;

/** A block for each share or export, a line for each handle. */
export function openFilesText(shown: Shown, commOf: NameOf): string {
  const blocks: string[] = [];
  for (const [share, handles] of Map.groupBy(shown.handles, ({ share = "(no tree of it is known)" }) => share)) {
    const local = shown.local.filter(({ mount }) =>
      handles.some(({ mounts }) => mounts.some(({ id }) => id === mount)),
    );
    const rows = [...handles.map((one) => handleCells(one, commOf)), ...local.map(localCells)];
    blocks.push([heading(share, handles), ...lined(rows)].join("\n"));
  }
  for (const [source, rows] of Map.groupBy(shown.nfs, ({ mount }) => mount.source)) {
    const on = [...new Set(rows.map(({ mount }) => mount.target))].join(", ");
    const lines = lined(rows.map(({ descriptor }) => localCells(descriptor)));
    blocks.push(
      [pc.bold(`${printable(source)} on ${printable(on)}: ${counted(rows.length, "descriptor")}`), ...lines].join("\n"),
    );
  }
  if (blocks.length === 0) blocks.push("no file is open on an SMB or NFS mount");
  const notes = shown.notes.map((note) => `(${printable(note)})\n`).join("");
  return `${blocks.join("\n\n")}\n${notes === "" ? "" : `\n${notes}`}`;
}

export const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;

function heading(share: string, handles: readonly ShownHandle[]): string {
  const of = (state: ShownHandle["state"]): number => handles.filter((one) => one.state === state).length;
  const on = [...new Set(handles.flatMap(({ mounts }) => mounts.map(({ target }) => target)))].join(", ");
  const parts = [
    `${of("held")} held`,
    ...(of("kept") > 0 ? [`${of("kept")} kept for the next open`] : []),
    ...(of("leaked") > 0 ? [pc.red(`${of("leaked")} leaked`)] : []),
  ];
  return `${pc.bold(`${printable(share)}${on === "" ? "" : ` on ${printable(on)}`}`)}: ${counted(handles.length, "handle")} on the server, ${parts.join(", ")}`;
}

/** What stands in the columns before whose it is. */
interface Cells {
  readonly id: string;
  readonly flags: string;
  readonly path: string;
  readonly whose: string;
  readonly leaked?: true;
}

function lined(rows: readonly Cells[]): string[] {
  const width = (field: "id" | "flags" | "path"): number =>
    Math.min(MAX_WIDTH, Math.max(...rows.map((row) => row[field].length)));
  const [id, flags, path] = [width("id"), width("flags"), width("path")];
  return rows.map((row) => {
    const line = `  ${left(row.id, id)}  ${left(row.flags, flags)}  ${left(row.path, path)}  ${row.whose}`;
    return row.leaked === true ? pc.red(line) : line;
  });
}

function handleCells(one: ShownHandle, commOf: NameOf): Cells {
  const { handle, holders, state } = one;
  return {
    id: handle.fileId === undefined ? "-" : hex(handle.fileId),
    flags: handle.flags === undefined ? "-" : openFlagWords(handle.flags).join("|"),
    path: holders[0]?.path ?? handle.name,
    whose: whose(one, commOf),
    ...(state === "leaked" ? { leaked: true } : {}),
  };
}

function whose({ handle, holders, state, mounts, freeSeconds = 0 }: ShownHandle, commOf: NameOf): string {
  const opener = `${handle.pid}${commOf(handle.pid) === undefined ? " (ended)" : ` ${printable(commOf(handle.pid) ?? "")}`}`;
  if (state === "kept")
    return `nobody: the client keeps it for ${closeTimeOf(mounts) ?? 0} s after the last close; opened by ${opener}`;
  if (state === "leaked") return `nobody since ${freeSeconds.toFixed(1)} s: leaked; opened by ${opener}`;
  const names = [...Map.groupBy(holders, (one) => one.process?.pid).values()].map((some) => holderText(some));
  const foreign = holders.some(({ process }) => process?.pid === handle.pid) ? "" : `; opened by ${opener}`;
  return `${names.join(", ")}${foreign}`;
}

function holderText(some: readonly HandleHolder[]): string {
  const [first] = some;
  if (first === undefined) return "";
  const who =
    first.process === undefined ? (first.device ?? "swap") : `${printable(first.process.comm)} (${first.process.pid})`;
  const fds = some.flatMap(({ fd }) => (fd === undefined ? [] : [fd]));
  const how = first.kind === "mapping" ? " has mapped it" : first.kind === "program" ? " runs it" : "";
  return `${who}${fds.length === 0 ? how : ` fd ${fds.join(", ")}`}`;
}

const localCells = ({ process, fd, path, flags }: Descriptor): Cells => ({
  id: "-",
  flags: openFlagWords(flags).join("|"),
  path,
  whose: `${printable(process.comm)} (${process.pid}) fd ${fd}`,
});

/** One object a line: handles, then what has none. */
export function openFilesJson(shown: Shown, commOf: NameOf): string {
  const rows = [
    ...shown.handles.map(({ handle, share, mounts, holders, state, freeSeconds }) =>
      known({
        protocol: "smb",
        share,
        mounts: [...new Set(mounts.map(({ target }) => target))],
        file_id: handle.fileId === undefined ? undefined : hex(handle.fileId),
        name: handle.name,
        path: holders[0]?.path,
        flags: handle.flags === undefined ? undefined : openFlagWords(handle.flags),
        lease: handle.lease,
        opened_by: handle.pid,
        opened_by_comm: commOf(handle.pid),
        uid: handle.uid,
        state,
        free_s: freeSeconds,
        holders: holders.map(({ kind, path, process, fd, device }) =>
          known({ kind, pid: process?.pid, comm: process?.comm, fd, path, device }),
        ),
      }),
    ),
    ...shown.local.map((one) => ({ protocol: "smb", state: "local", ...descriptorJson(one) })),
    ...shown.nfs.map(({ mount, descriptor }) => ({
      protocol: "nfs",
      export: mount.source,
      mounts: [mount.target],
      state: "held",
      ...descriptorJson(descriptor),
    })),
    ...shown.notes.map((note) => ({ note })),
  ];
  return rows.map((row) => `${JSON.stringify(row)}\n`).join("");
}

const descriptorJson = ({ process, fd, path, flags }: Descriptor) => ({
  path,
  flags: openFlagWords(flags),
  holders: [{ kind: "descriptor", pid: process.pid, comm: process.comm, fd, path }],
});
