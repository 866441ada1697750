import { readdirSync, readFileSync } from "node:fs";

/** All processes whose name matches; a process that ends meanwhile is left out. */
export function pidsByComm(matches: (comm: string) => boolean): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const comm = read(`/proc/${pid}/comm`);
      return comm !== undefined && matches(comm.trim());
    });
}

/** The state letter of /proc/PID/stat (proc(5)), undefined when the process is gone. */
export function processState(pid: number): string | undefined {
  const stat = read(`/proc/${pid}/stat`);
  return stat === undefined ? undefined : stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3);
}

/** Whether something listens on an IPv4 TCP port; reads /proc/net/tcp, so no connection is made. */
export function listens(port: number): boolean {
  const hexPort = port.toString(16).toUpperCase().padStart(4, "0");
  return readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .some((line) => new RegExp(`^\\s*\\d+: [0-9A-F]{8}:${hexPort} [0-9A-F:]+ 0A `).test(line));
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ESRCH") return undefined;
    throw error;
  }
}
