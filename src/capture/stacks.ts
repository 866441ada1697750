import type { RunResult } from "../system/process.ts";
import { listTasks, type Task } from "../system/tasks.ts";
import type { Capture, CaptureContext } from "./capture.ts";

const MAX_TASKS = 16_384;
/** Tasks in D state or in a network file system; then as many others as there is room for. */
const MAX_STACKS = 1024;
/** The first few by themselves: one that hangs must not take others along that matter. */
const FIRST_BATCH = 16;
const BATCH = 128;
/** Functions of cifs, nfs, sunrpc, lockd and of the page cache that waits for them, as wchan shows them. */
const ours =
  /^_{0,2}(?:cifs|smb|nfs|rpc|xs_|xprt|nlm|netfs|gss_|svc|wait_for_(?:free|response|mtu)|folio_wait|wait_on_page|request_key)/;
const ourThreads =
  /^(?:cifsd|cifsiod|smb3decryptd|cifsoplockd|deferredclose|serverclose|fileinfoput|nfsiod|rpciod|xprtiod|NFSv4|kworker\/u.*(?:rpciod|xprtiod|cifs))/;

/**
 * Kernel stacks. Reading one waits for a task that is in the middle of execve(2), on some kernels also of one from a dead mount: that is done by
 * head(1), some tasks at a time, which is killed when it hangs. Those that matter come first.
 */
export const stacks: Capture = {
  name: "kernel-stacks",
  summary: "kernel stacks: of tasks in D state, in SMB, NFS and RPC, then of the others",
  phases: ["open", "close"],
  limitBytes: 2 * 1024 * 1024,
  async *collect(context) {
    const name = "stacks.txt";
    const source = `${context.procRoot}/PID/task/TID/stack`;
    const { tasks } = await listTasks(context.procRoot, MAX_TASKS, context.signal);
    const ordered = tasks.filter((task) => task.state !== "R" && task.pid !== process.pid).sort(byRank);
    context.lost("stacks.over-limit", Math.max(0, ordered.length - MAX_STACKS));
    const pieces: Buffer[] = [];
    let trouble: string | undefined;
    const wanted = ordered.slice(0, MAX_STACKS);
    for (
      let at = 0, size = FIRST_BATCH;
      at < wanted.length && !context.signal.aborted;
      at += at === 0 ? FIRST_BATCH : BATCH, size = BATCH
    ) {
      const result = await stacksOf(context, wanted.slice(at, at + size));
      pieces.push(result.stdout);
      // A task that has ended meanwhile is no failure; that none may be read is.
      if (result.status === "timeout") trouble ??= `${size} tasks did not answer within ${context.programMs} ms`;
      else if (result.stdout.length === 0 && result.status !== "ok") trouble ??= reasonOf(result);
      if (result.status === "missing" || (at === 0 && result.stdout.length === 0)) break;
    }
    const content = Buffer.concat(pieces);
    if (content.length === 0) yield { name, source, status: "failed", reason: trouble ?? "no task sleeps" };
    else yield { name, source, content, ...(trouble === undefined ? {} : { status: "failed", reason: trouble }) };
  },
};

function stacksOf({ run, procRoot, programMs, signal }: CaptureContext, tasks: readonly Task[]): Promise<RunResult> {
  const files = tasks.map(({ pid, tid }) => `${procRoot}/${pid}/task/${tid}/stack`);
  return run(["head", "-v", "-n", "48", "--", ...files], { timeoutMs: programMs, maxBytes: 256 * 1024, signal });
}

function reasonOf({ reason, stderr }: RunResult): string {
  return [reason, stderr.split("\n", 1)[0]].filter(Boolean).join(": ");
}

const byRank = (left: Task, right: Task): number => rank(left) - rank(right) || left.tid - right.tid;

function rank(task: Task): number {
  const inside = ours.test(task.wchan ?? "") || ourThreads.test(task.comm);
  if (task.state === "D") return inside ? 0 : 1;
  if (inside) return 2;
  return task.tid === task.pid && !task.kernel ? 3 : 4;
}
