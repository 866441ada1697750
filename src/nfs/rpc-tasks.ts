// /sys/kernel/debug/sunrpc/rpc_clnt/*/tasks: net/sunrpc/debugfs.c tasks_show(). RPCs that are not over; only root may read debugfs, where it is mounted.

export interface RpcTask {
  readonly task: number;
  readonly status: number;
  readonly client: number;
  readonly xid: number;
  /** `nfs`, `mount`, `nlockmgr`, ... */
  readonly program: string;
  readonly version: number;
  readonly procedure: string;
  /** The function that goes on with it: `call_status`. */
  readonly action: string;
  /** What it waits in: `xprt_pending` (for the answer), `none`. */
  readonly queue: string;
}

export interface RpcTasks {
  readonly tasks: readonly RpcTask[];
  readonly unknown: readonly string[];
}

/** Never throws. */
export function parseRpcTasks(text: string): RpcTasks {
  const tasks: RpcTask[] = [];
  const unknown: string[] = [];
  for (const line of text.split("\n")) {
    if (line.trim() === "") continue;
    const found =
      /^\s*(\d+) [0-9a-f]+\s+(-?\d+) 0x([0-9a-f]+) 0x([0-9a-f]+)\s+-?\d+ \S.*? (\S+?)v(\d+) (\S+) a:(\S+?)(?:\s+\[\w+\])? q:(.+)$/.exec(
        line,
      );
    if (found === null) {
      unknown.push(line);
      continue;
    }
    const [, task, status, client = "", xid = "", program = "", version, procedure = "", action = "", queue = ""] =
      found;
    tasks.push({
      task: Number(task),
      status: Number(status),
      client: Number.parseInt(client, 16),
      xid: Number.parseInt(xid, 16),
      program,
      version: Number(version),
      procedure,
      action,
      queue,
    });
  }
  return { tasks, unknown };
}
