// include/uapi/asm-generic/fcntl.h, as on x86-64 and, but for O_DIRECT and O_DIRECTORY, aarch64.

const modes = ["O_RDONLY", "O_WRONLY", "O_RDWR"];
const common: readonly (readonly [bit: number, name: string])[] = [
  [0o100, "O_CREAT"],
  [0o200, "O_EXCL"],
  [0o1000, "O_TRUNC"],
  [0o2000, "O_APPEND"],
  [0o4000, "O_NONBLOCK"],
  [0o10_000, "O_DSYNC"],
  [0o4_000_000, "__O_SYNC"],
];
/** The kernel sets it on every open of a 64-bit program. */
const LARGEFILE = { x64: 0o100_000, arm64: 0o400_000 };
const DIRECT = { x64: 0o40_000, arm64: 0o200_000 };
const DIRECTORY = { x64: 0o200_000, arm64: 0o40_000 };

/** Names of open(2)'s flags, the access mode first. */
export function openFlagWords(flags: number, arch: string = process.arch): string[] {
  const machine = arch === "arm64" ? "arm64" : "x64";
  const named = [...common, [DIRECT[machine], "O_DIRECT"], [DIRECTORY[machine], "O_DIRECTORY"]] as const;
  return [
    modes[flags & 3] ?? "O_ACCMODE",
    ...named.filter(([bit]) => (flags & bit) !== 0 && (flags & LARGEFILE[machine]) !== bit).map(([, name]) => name),
  ];
}
