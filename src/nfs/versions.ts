/** A version of NFS as people write it: all of NFSv4, or one minor version. */
export interface NfsVersion {
  readonly major: number;
  readonly minor?: number;
}

/** `3`, `4`, `4.0`, `4.1`, `4.2`, `v4.1`, `nfs4`; undefined for what is none. */
export function parseVersion(text: string): NfsVersion | undefined {
  const [, major = "", minor] = /^(?:nfs)?v?(3|4)(?:\.(\d))?$/i.exec(text.trim()) ?? [];
  if (major === "" || (minor !== undefined && (major === "3" || Number(minor) > 2))) return undefined;
  return { major: Number(major), ...(minor === undefined ? undefined : { minor: Number(minor) }) };
}

/** `3`, `4.2`; `4` where the minor version is not known. */
export function versionText(major: number, minor?: number): string {
  return minor === undefined ? String(major) : `${major}.${minor}`;
}

/** Whether something of that version is meant. What does not know its minor version is meant by `4` alone. */
export function isVersion(wanted: NfsVersion, major: number, minor?: number): boolean {
  return wanted.major === major && (wanted.minor === undefined || wanted.minor === minor);
}
