import { AodError } from "../src/system/error.ts";

/** A line of Debian kernels that the lab can boot, known by its version. */
export interface KernelLine {
  readonly name: string;
  /** Debian suites that carry it. */
  readonly suites: readonly string[];
  /** The package's name without `-amd64`; never a build number: the archive keeps only the last few. */
  readonly pattern: RegExp;
  /** Its suite goes on to newer versions: the newest of those is taken when there is nothing of the line any more. */
  readonly movesOn?: true;
}

export const kernelLines: readonly KernelLine[] = [
  { name: "5.10", suites: ["bullseye", "bullseye-security"], pattern: /^linux-image-5\.10\.0-\d+$/ },
  { name: "6.1", suites: ["bookworm", "bookworm-security"], pattern: /^linux-image-6\.1\.\d+-\d+$/ },
  {
    name: "6.12",
    suites: ["bookworm-security", "bookworm-backports"],
    pattern: /^linux-image-6\.12\.\d+\+deb12(\.\d+)?$/,
  },
  {
    name: "7.2",
    suites: ["sid"],
    pattern: /^linux-image-7\.2\.\d+\+deb14(\.\d+)?$/,
    movesOn: true,
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
/** Names since 6.12: version, then the Debian release that it was built for. */
const released = /^linux-image-\d+\.\d+\.\d+\+deb\d+(\.\d+)?$/;

/** `npm test` boots these; the other lines are for `npm run test:full`. */
export const thinKernels: readonly string[] = ["6.1", "6.12"];

/** For scenarios of the SMB probe with all its hooks. */
export const smbWireLines = {
  only: ["6.1", "6.12", "7.2"],
  why: "5.10 has no BTF of modules: the SMB probe has trace points alone there",
} as const;

/** For a scenario that has passed on these lines, and was not tried on the others. */
export function seenOn(...only: readonly string[]): { readonly only: readonly string[]; readonly why: string } {
  return { only, why: "not yet tried on this line" };
}

/**
 * The newest package of a line among the names that apt knows. rt, cloud and debug images never match. An unsigned image
 * is taken only where the signed one of the same version is missing.
 */
export function choosePackage(line: KernelLine, packageNames: readonly string[]): string | undefined {
  const chosen = newestOf(packageNames, (base) => line.pattern.test(base));
  if (chosen !== undefined || line.movesOn !== true) return chosen;
  return newestOf(packageNames, (base) => released.test(base) && compareNumbersIn(base, line.name) > 0);
}

/**
 * The packages that hold the kernel of an image package: itself, or, where the archive has split it, those for the modules,
 * the kernel and the configuration; then the image package is empty (Debian from 7.0 on).
 */
export function packagesOf(image: string, packageNames: readonly string[]): string[] {
  const names = new Set(packageNames);
  const version = image.replace(/^linux-image-/, "");
  if (!names.has(`linux-modules-${version}`)) return [image];
  const signed = `linux-binary-${version}`;
  const binary = names.has(signed) ? signed : `linux-binary-unsigned-${version}`;
  return [`linux-modules-${version}`, binary, `linux-base-${version}`];
}

function newestOf(packageNames: readonly string[], wanted: (base: string) => boolean): string | undefined {
  const bases = new Map<string, string>();
  for (const name of packageNames) {
    const isUnsigned = name.endsWith(architecture + unsigned);
    const suffix = isUnsigned ? architecture + unsigned : architecture;
    if (!name.endsWith(suffix)) continue;
    const base = name.slice(0, -suffix.length);
    if (!wanted(base)) continue;
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
