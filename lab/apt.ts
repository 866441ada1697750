import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { AodError } from "../src/system/error.ts";
import { runCommand } from "./command.ts";

/** One index that the system's own apt reads, from `apt-get indextargets`. */
export interface AptOrigin {
  readonly uri: string;
  readonly release: string;
}

/** A package as the archive offers it. */
export interface AptFile {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
}

const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** Parses lines of `URI|RELEASE`. */
export function parseOrigins(text: string): AptOrigin[] {
  return text.split("\n").flatMap((line) => {
    const [uri, release] = line.trim().split("|");
    return uri !== undefined && uri !== "" && release !== undefined && release !== "" ? [{ uri, release }] : [];
  });
}

/**
 * The lines of a private sources.list: the wanted suites from the mirrors that the host itself uses. A host of another
 * Debian release names other suites, so only the mirror's address is taken over. A host without the security archive does without its
 * suites; one without any mirror of Debian is an AodError.
 */
export function sourceLines(origins: readonly AptOrigin[], suites: readonly string[]): string[] {
  const trim = (uri: string): string => uri.replace(/\/+$/, "");
  const debian = origins.filter((origin) => /debian/.test(origin.uri));
  const security = debian.find((origin) => /-security$|\/updates$/.test(origin.release));
  const main = debian.find((origin) => origin !== security && !/security/.test(origin.uri));
  if (main === undefined)
    throw new AodError(
      "failed",
      "apt's sources name no mirror of Debian: add one to /etc/apt/sources.list, then apt-get update",
    );
  return suites.flatMap((suite) => {
    const origin = suite.endsWith("-security") ? security : main;
    return origin === undefined ? [] : [`deb [signed-by=${keyring}] ${trim(origin.uri)} ${suite} main`];
  });
}

/** Parses a line of `apt-get download --print-uris`. */
export function parsePrintUris(text: string): AptFile {
  const match = /^'[^']*' (\S+) (\d+) SHA256:([0-9a-f]{64})$/m.exec(text);
  if (match === null) throw new AodError("failed", `apt-get told no SHA-256: ${text.trim()}`);
  return { file: match[1] ?? "", bytes: Number(match[2]), sha256: match[3] ?? "" };
}

/** apt with lists and sources of its own; the system's stay untouched and no privilege is needed. */
export class PrivateApt {
  readonly #directory: string;
  readonly #options: readonly string[];

  constructor(directory: string) {
    this.#directory = directory;
    this.#options = [
      ["Dir::Etc::sourcelist", join(directory, "sources.list")],
      ["Dir::Etc::sourceparts", "-"],
      ["Dir::State::lists", join(directory, "lists")],
      ["Dir::Cache::pkgcache", ""],
      ["Dir::Cache::srcpkgcache", ""],
      ["Dir::Cache::archives", join(directory, "archives")],
      ["APT::Sandbox::User", ""],
      ["APT::Update::Post-Invoke-Success", ""],
    ].flatMap(([key, value]) => ["-o", `${key}=${value}`]);
  }

  async update(suites: readonly string[]): Promise<void> {
    await mkdir(join(this.#directory, "lists", "partial"), { recursive: true });
    await mkdir(join(this.#directory, "archives", "partial"), { recursive: true });
    const origins = parseOrigins(
      await runCommand(["apt-get", "indextargets", "--format", "$(REPO_URI)|$(RELEASE)", "Created-By: Packages"]),
    );
    await writeFile(join(this.#directory, "sources.list"), `${sourceLines(origins, suites).join("\n")}\n`);
    await runCommand(["apt-get", ...this.#options, "-qq", "update"], { timeoutMs: 300_000 });
  }

  async kernelPackages(): Promise<string[]> {
    return (await runCommand(["apt-cache", ...this.#options, "pkgnames", "linux-"])).trim().split("\n");
  }

  /** Downloads a package into a directory and checks it against the signed index. */
  async download(name: string, directory: string): Promise<AptFile> {
    const offered = parsePrintUris(
      await runCommand(["apt-get", ...this.#options, "download", "--print-uris", name], { cwd: directory }),
    );
    const partial = join(directory, "partial");
    await rm(partial, { recursive: true, force: true });
    await mkdir(partial);
    await runCommand(["apt-get", ...this.#options, "-qq", "download", name], { cwd: partial, timeoutMs: 600_000 });
    const found = await sha256Of(join(partial, offered.file));
    if (found !== offered.sha256) {
      throw new AodError("failed", `${offered.file} is damaged: SHA-256 ${found} instead of ${offered.sha256}`);
    }
    await rename(join(partial, offered.file), join(directory, offered.file));
    await rm(partial, { recursive: true });
    return offered;
  }
}

export async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}
