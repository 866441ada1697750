import { AodError } from "../src/system/error.ts";

/** A line of Debian kernels that the lab can boot, known by its version. */
export interface KernelLine {
  readonly name: string;
  /** Debian suites that carry it. */
  readonly suites: readonly string[];
  /** The package's name without `-amd64`; never a build number: the archive keeps only the last few. */
  readonly pattern: RegExp;
}

export const kernelLines: readonly KernelLine[] = [
  { name: "6.1", suites: ["bookworm", "bookworm-security"], pattern: /^linux-image-6\.1\.\d+-\d+$/ },
  {
    name: "6.12",
    suites: ["bookworm-security", "bookworm-backports"],
    pattern: /^linux-image-6\.12\.\d+\+deb12(\.\d+)?$/,
  },
];

export const defaultKernel = "6.12";

export function kernelLine(name: string): KernelLine {
  const line = kernelLines.find((candidate) => candidate.name === name);
  if (line === undefined) {
    const known = kernelLines.map((candidate) => candidate.name).join(", ");
    throw new AodError("usage", `unknown kernel ${name}; known: ${known}`);
  }
  return line;
}

const architecture = "-amd64";
const unsigned = "-unsigned";

/**
 * The newest package of a line among the names that apt knows. rt, cloud and debug images never match. An unsigned image
 * is taken only where the signed one of the same version is missing.
 */
export function choosePackage(line: KernelLine, packageNames: readonly string[]): string | undefined {
  const bases = new Map<string, string>();
  for (const name of packageNames) {
    const isUnsigned = name.endsWith(architecture + unsigned);
    const suffix = isUnsigned ? architecture + unsigned : architecture;
    if (!name.endsWith(suffix)) continue;
    const base = name.slice(0, -suffix.length);
    if (!line.pattern.test(base)) continue;
    if (!isUnsigned || !bases.has(base)) bases.set(base, name);
  }
  const newest = [...bases.keys()].sort(compareNumbersIn).at(-1);
  return newest === undefined ? undefined : bases.get(newest);
}

/** Orders two names of one pattern by the numbers in them, from left to right; a further number counts as newer. */
export function compareNumbersIn(left: string, right: string): number {
  const lefts = (left.match(/\d+/g) ?? []).map(Number);
  const rights = (right.match(/\d+/g) ?? []).map(Number);
  for (let index = 0; index < Math.max(lefts.length, rights.length); index++) {
    const difference = (lefts[index] ?? -1) - (rights[index] ?? -1);
    if (difference !== 0) return difference;
  }
  return 0;
}
