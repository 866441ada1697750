import { createHash } from "node:crypto";
import {
  cpSync,
  createReadStream,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { AodError } from "../system/error.ts";

/** What an installation consists of: path below the prefix -> SHA-256, or `-> target` of a link. */
export interface Receipt {
  readonly version: string;
  readonly files: Readonly<Record<string, string>>;
  /** The group was made by the installation: its end takes it away again. */
  readonly madeGroup: boolean;
}

const receiptName = ".installed.json";

/** The files of a built checkout, or of an installed tree, that a running AOD needs. */
export function programFiles(source: string): string[] {
  const arch = process.arch === "arm64" ? "arm64" : "x64";
  const files = [
    "package.json",
    "LICENSE",
    "packaging/aod.service",
    "build/aod-probe",
    `node_modules/node-linux-${arch}/bin/node`,
    ...namesIn(source, "bin"),
    ...namesIn(source, "dist").filter((name) => name.endsWith(".mjs")),
    ...namesIn(source, "build/bpf").filter((name) => name.endsWith(".bpf.o")),
    ...namesIn(source, "docs").filter((name) => /\.(?:md|json)$/.test(name)),
    ...namesIn(source, "LICENSES"),
  ];
  const missing = files.filter((file) => !existsSync(join(source, file)) && !isLink(join(source, file)));
  if (missing.length > 0 || !files.includes("dist/aod.mjs")) {
    throw new AodError("failed", `${source} is not built (${missing[0] ?? "dist/aod.mjs"} is missing): npm run build`);
  }
  return files;
}

export async function describeTree(source: string, files: readonly string[]): Promise<Record<string, string>> {
  const entries: Record<string, string> = {};
  for (const file of files) {
    const path = join(source, file);
    entries[file] = isLink(path) ? `-> ${readlinkSync(path)}` : await sha256(path);
  }
  return entries;
}

/** Copies beside the place, then puts it there: a reader finds the old tree or the new one. */
export function placeTree(source: string, prefix: string, receipt: Receipt): void {
  const fresh = `${prefix}.new`;
  const old = `${prefix}.old`;
  rmSync(fresh, { recursive: true, force: true });
  rmSync(old, { recursive: true, force: true });
  for (const [file, content] of Object.entries(receipt.files)) {
    const to = join(fresh, file);
    mkdirSync(dirname(to), { recursive: true, mode: 0o755 });
    if (content.startsWith("-> ")) symlinkSync(content.slice(3), to);
    else cpSync(join(source, file), to);
  }
  writeReceipt(fresh, receipt);
  if (existsSync(prefix)) renameSync(prefix, old);
  renameSync(fresh, prefix);
  rmSync(old, { recursive: true, force: true });
}

export function writeReceipt(prefix: string, receipt: Receipt): void {
  writeFileSync(join(prefix, receiptName), `${JSON.stringify(receipt)}\n`, { mode: 0o644 });
}

/** Undefined when nothing of ours is there. */
export function readReceipt(prefix: string): Receipt | undefined {
  const path = join(prefix, receiptName);
  if (!existsSync(path)) return undefined;
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    return isReceipt(value) ? value : undefined;
  } catch {
    // Not whole: as if it were not there, so that everything is put in place anew.
    return undefined;
  }
}

function isReceipt(value: unknown): value is Receipt {
  return typeof value === "object" && value !== null && "version" in value && "files" in value && "madeGroup" in value;
}

/** Whether every file of an installation is still what was put there. */
export async function isWhole(prefix: string, { files }: Receipt): Promise<boolean> {
  const names = Object.keys(files);
  if (names.some((file) => !existsSync(join(prefix, file)) && !isLink(join(prefix, file)))) return false;
  const found = await describeTree(prefix, names);
  return names.every((file) => found[file] === files[file]);
}

/** `aod`, `smbslower`, ... */
export function programNames({ files }: Receipt): string[] {
  return Object.keys(files)
    .filter((file) => file.startsWith("bin/"))
    .map((file) => basename(file))
    .sort();
}

function namesIn(source: string, folder: string): string[] {
  const path = join(source, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map((entry) => `${folder}/${entry.name}`)
    .sort();
}

export function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
}

async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}
