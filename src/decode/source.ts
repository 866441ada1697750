// Where the lines of a trace come from.
import { spawn } from "node:child_process";
import { closeSync, fstatSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { readItem, readManifest } from "../bundle/reader.ts";
import { AodError, messageOf } from "../system/error.ts";
import { findProgram, systemPath } from "../system/process.ts";

export type Kind = "trace.dat" | "bundle" | "recording" | "text";

const MAX_LINE = 64 * 1024;
const MAX_ITEM = 256 * 1024 * 1024;

/** By its first bytes. */
export function kindOf(path: string): Kind {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch (error) {
    throw new AodError("usage", `${path} cannot be read: ${messageOf(error)}`, { cause: error });
  }
  try {
    if (fstatSync(fd).isDirectory()) throw new AodError("usage", `${path} is a directory: name a file`);
    const head = Buffer.alloc(16);
    const size = readSync(fd, head, 0, head.length, null);
    return kindOfBytes(head.subarray(0, size));
  } finally {
    closeSync(fd);
  }
}

export function kindOfBytes(head: Buffer): Kind {
  if (head.subarray(0, 10).equals(Buffer.from("\x17\x08\x44tracing", "latin1"))) return "trace.dat";
  if (head.subarray(0, 4).equals(Buffer.from([0x28, 0xb5, 0x2f, 0xfd]))) return "bundle";
  return head.subarray(0, 8).equals(Buffer.from("AOD-REC\n")) ? "recording" : "text";
}

/** Lines of a stream; what is longer than 64 KiB is cut there. */
export async function* linesOf(stream: Readable): AsyncGenerator<string> {
  let rest = "";
  let skipping = false;
  for await (const piece of stream) {
    const lines = (rest + String(piece)).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (!skipping) yield line;
      skipping = false;
    }
    if (rest.length > MAX_LINE) {
      if (!skipping) yield rest.slice(0, MAX_LINE);
      skipping = true;
      rest = "";
    }
  }
  if (rest !== "" && !skipping) yield rest;
}

/** What `trace-cmd report` says of a file. */
export async function* reported(path: string): AsyncGenerator<string> {
  const program = await findProgram("trace-cmd", systemPath);
  if (program === undefined) {
    const how = "install it (Debian, Ubuntu, Fedora, SUSE: the package trace-cmd)";
    throw new AodError("unsupported", `${path} is a trace.dat, and trace-cmd, which reads it, is not here: ${how}`);
  }
  const child = spawn(program, ["report", "-N", "-i", path], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: systemPath, LC_ALL: "C" },
  });
  let said = "";
  child.stderr.on("data", (piece: Buffer) => {
    said = (said + piece.toString()).slice(-2048);
  });
  const ended = new Promise<string | undefined>((resolve) => {
    child.on("error", (error) => resolve(error.message));
    child.on("close", (code, signal) => resolve(code === 0 ? undefined : (signal ?? `exit status ${code}`)));
  });
  child.stdout.setEncoding("utf8");
  try {
    yield* linesOf(child.stdout);
    const why = await ended;
    if (why !== undefined)
      throw new AodError("failed", `trace-cmd cannot read ${path} (${why}): ${said.trim().split("\n").at(-1) ?? ""}`);
  } finally {
    child.kill("SIGKILL");
  }
}

/** Kernel events of a bundle: each of its files, in their order. */
export async function* ofBundle(path: string, note: (line: string) => void): AsyncGenerator<string> {
  const { items } = await readManifest(path);
  const names = items.filter(({ name, size }) => name.endsWith("kernel-events.dat") && size !== undefined);
  if (names.length === 0) {
    const absent = items.find(({ name }) => name.endsWith("kernel-events.dat"));
    throw new AodError(
      "failed",
      `${path} has no kernel events${absent?.reason === undefined ? "" : `: ${absent.reason}`}`,
    );
  }
  const directory = mkdtempSync(join(tmpdir(), "aod-decode-"));
  try {
    for (const { name } of names) {
      note(name);
      const file = join(directory, "kernel-events.dat");
      writeFileSync(file, await readItem(path, name, MAX_ITEM), { mode: 0o600 });
      yield* reported(file);
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
