// Documentation/admin-guide/dynamic-debug-howto.rst: one line for each pr_debug() of the kernel, with what is switched on of it.
import { existsSync } from "node:fs";
import { join } from "node:path";

/** `fs/smb/client/connect.c:100 [cifs]cifs_demultiplex_thread =p "text"` */
export interface DebugLine {
  readonly file: string;
  readonly line: number;
  readonly module: string;
  /** It is printed. */
  readonly on: boolean;
}

/** Lines that were off before they were switched on: `all` of a file, or these of it. */
export interface SwitchedFile {
  readonly file: string;
  readonly lines: "all" | number[];
}

/** ddebug_proc_write() refuses 4096 bytes and more. */
const MAX_WRITE = 4000;
/** The client, whatever its module is called and also where it is built in. */
const CLIENT_FOLDERS = ["fs/cifs/", "fs/smb/client/"];

/** What switches the SMB client's lines on; a query that finds nothing does no harm. */
export const clientOn = ["module cifs +p", ...CLIENT_FOLDERS.map((folder) => `file ${folder}* +p`)].join("; ");

/** In /proc where debugfs is locked down or not mounted: the kernel has it in both places. */
export function controlIn(procRoot: string, sysRoot: string): string | undefined {
  const places = [join(procRoot, "dynamic_debug/control"), join(sysRoot, "kernel/debug/dynamic_debug/control")];
  return places.find((place) => existsSync(place));
}

/** Of the SMB client. */
export function clientLines(control: string): DebugLine[] {
  return control.split("\n").flatMap((text) => {
    const [, file, line, module, flags] = /^(\S+):(\d+) \[([^\]]+)\]\S* =(\S+) /.exec(text) ?? [];
    if (file === undefined || module === undefined || flags === undefined) return [];
    if (module !== "cifs" && !CLIENT_FOLDERS.some((folder) => file.startsWith(folder))) return [];
    return [{ file, line: Number(line), module, on: flags.includes("p") }];
  });
}

/** What is to be switched off again, so that it is as it was. */
export function offBefore(lines: readonly DebugLine[]): SwitchedFile[] {
  const files = Map.groupBy(lines, ({ file }) => file);
  return [...files].flatMap(([file, inFile]): SwitchedFile[] => {
    // One line of the source may have several entries; they are switched together.
    const on = new Set(inFile.filter(({ on }) => on).map(({ line }) => line));
    if (on.size === 0) return [{ file, lines: "all" }];
    const off = [...new Set(inFile.map(({ line }) => line))].filter((line) => !on.has(line));
    return off.length === 0 ? [] : [{ file, lines: off }];
  });
}

/** Whatever else was switched on stays on, without a gap. Each text is one write. */
export function offAgain(files: readonly SwitchedFile[]): string[] {
  const queries = files.flatMap(({ file, lines }) =>
    lines === "all" ? [`file ${file} -p`] : lines.map((line) => `file ${file} line ${line} -p`),
  );
  const writes: string[] = [];
  for (const query of queries) {
    const last = writes.at(-1);
    if (last === undefined || last.length + query.length + 2 > MAX_WRITE) writes.push(query);
    else writes[writes.length - 1] = `${last}; ${query}`;
  }
  return writes;
}
