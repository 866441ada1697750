// /proc/net/rpc/nfs: net/sunrpc/stats.c rpc_proc_show(). Counters of all NFS mounts of a network namespace together.

export interface NfsRpcStats {
  /** Packets in all, over UDP, over TCP, and TCP connections; a client leaves them at 0. */
  net?: readonly number[];
  calls?: number;
  retransmissions?: number;
  authRefreshes?: number;
  /** NFS version -> calls by procedure, in the order of mountstats. */
  readonly procedures: Map<number, readonly number[]>;
  readonly unknown: string[];
}

/** Never throws. */
export function parseNfsRpcStats(text: string): NfsRpcStats {
  const stats: NfsRpcStats = { procedures: new Map(), unknown: [] };
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const [name = "", ...rest] = line.split(" ");
    const numbers = rest.map(Number);
    const sound = rest.length > 0 && rest.every((word) => /^\d+$/.test(word));
    const [first = 0, ...others] = numbers;
    const version = /^proc(\d)$/.exec(name)?.[1];
    if (sound && name === "net") stats.net = numbers;
    else if (sound && name === "rpc")
      [stats.calls, stats.retransmissions = 0, stats.authRefreshes = 0] = [first, ...others];
    // It says how many it tells.
    else if (sound && version !== undefined && first === others.length) stats.procedures.set(Number(version), others);
    else stats.unknown.push(line);
  }
  return stats;
}
