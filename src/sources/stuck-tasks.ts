import type { ObservedTarget, StuckTask } from "../detect/observation.ts";
import { waitsFor } from "../smb/waiting.ts";
import { type TaskPlace, taskRan, taskUid, taskWaitsIn } from "../system/task-files.ts";
import { type StackFrame, taskStack } from "../system/task-stack.ts";
import { tasksSleepingHard } from "../system/tasks.ts";
import type { Mounts } from "./mounts.ts";
import type { Outcome, Source, SourceRoots } from "./source.ts";
import { targetOfMount } from "./targets.ts";

const MAX_TASKS = 256;
const MAX_FRAMES = 32;

/** Tasks that sleep uninterruptibly within the clients, with their kernel stacks. */
export function stuckTasksSource({ procRoot, clock }: SourceRoots, mounts: Mounts): Source {
  let known = new Map<string, { readonly sinceNs: number; readonly ran: string | undefined }>();
  let overLimit = 0;
  return {
    name: "stuck-tasks",
    summary: "/proc/PID/task/TID/stat, stack, wchan",
    timeoutMs: 10_000,
    everyNs: ({ trouble, blindSmb, blindNfs, smb, nfs, idle }) => {
      if (trouble) return 1e9;
      // Whether it was stuck or only waited for its answer shows at the next look.
      if (known.size > 0 || (smb && blindSmb) || (nfs && blindNfs)) return 5e9;
      return idle ? 30e9 : 15e9;
    },
    async read({ smb, nfs }, signal): Promise<Outcome> {
      if (!smb && !nfs) {
        known = new Map();
        return { off: "there is no SMB or NFS mount" };
      }
      const sleeping = await tasksSleepingHard(procRoot, signal);
      overLimit += Math.max(0, sleeping.length - MAX_TASKS);
      const nowNs = clock.nowNs();
      const now: typeof known = new Map();
      let slept = false;
      const tasks: StuckTask[] = [];
      let refused = false;
      for (const task of sleeping.slice(0, MAX_TASKS)) {
        const look = taskInClient(task);
        if (look === undefined) continue;
        refused ||= look.refused;
        const { pid, tid, comm } = task;
        const key = `${pid} ${tid} ${look.layer}`;
        const before = known.get(key);
        const sinceNs = before?.sinceNs ?? nowNs;
        const ran = taskRan(task);
        now.set(key, { sinceNs, ran });
        // Whoever asks one request after the other is found waiting at most looks.
        slept ||= before !== undefined && before.ran === ran && !waitsFor(look.stack ?? []);
        const uid = taskUid(task);
        const target = onlyTarget(look.layer, mounts);
        tasks.push({
          ...{ pid, tid, comm },
          ...(uid === undefined ? {} : { uid }),
          sinceNs,
          ...(look.wchan === undefined ? {} : { wchan: look.wchan }),
          layer: look.layer,
          ...(look.stack === undefined ? {} : { stack: look.stack }),
          ...(target === undefined ? {} : { target }),
        });
      }
      const news = tasks.length > 0 || known.size > 0;
      known = now;
      return {
        observations: news ? [{ type: "stuck-tasks", nowNs, tasks }] : [],
        trouble: slept,
        ...(refused
          ? { degraded: "kernel stacks may not be read: only the function that a task sleeps in is known" }
          : {}),
      };
    },
    losses: (): Record<string, number> => (overLimit === 0 ? {} : { "over-limit": overLimit }),
  };
}

export interface TaskInClient {
  readonly layer: StuckTask["layer"];
  readonly wchan?: string;
  readonly stack?: readonly string[];
  readonly refused: boolean;
}

/** Undefined for a task that is not within the clients, or has ended. */
export function taskInClient(task: TaskPlace): TaskInClient | undefined {
  const stack = taskStack(task);
  if (stack === undefined) return undefined;
  const wchan = taskWaitsIn(task);
  const named = wchan === undefined ? {} : { wchan };
  if (stack === "refused") {
    const layer = clientOf(wchan ?? "");
    return layer === undefined ? undefined : { layer, ...named, refused: true };
  }
  // A thread of the NFS server is in sunrpc too.
  if (stack.some(({ module }) => module === "nfsd" || module === "ksmbd")) return undefined;
  const layer = stack.map(layerOfFrame).find((one) => one !== undefined);
  if (layer === undefined) return undefined;
  return { layer, ...named, stack: stack.slice(0, MAX_FRAMES).map(frameText), refused: false };
}

function frameText({ function: name, module }: StackFrame): string {
  return module === undefined ? name : `${name} [${module}]`;
}

/** By its module. */
function layerOfFrame(frame: StackFrame): StuckTask["layer"] | undefined {
  const { module } = frame;
  if (module === undefined) return clientOf(frame.function);
  if (module === "cifs" || module === "smb") return "cifs";
  if (/^nfs(?:v[234])?$/.test(module) || module.startsWith("nfs_layout")) return "nfs";
  return /^(?:sunrpc|auth_rpcgss|rpcsec_gss_krb5|rpcrdma|xprtrdma|lockd)$/.test(module) ? "sunrpc" : undefined;
}

/** By its name, where the client is built into the kernel, or only the function is known. */
export function clientOf(name: string): StuckTask["layer"] | undefined {
  if (/^(?:cifs_|smb[23]_|SMB2_|compound_send_recv|wait_for_free_credits|wait_for_response)/.test(name)) return "cifs";
  if (/^(?:nfs[34]?_|_nfs4_|pnfs_)/.test(name)) return "nfs";
  return /^(?:rpc_|__rpc_|xprt_|xs_|gss_|nlmclnt_)/.test(name) ? "sunrpc" : undefined;
}

/** Where there is one server of that protocol. */
function onlyTarget(layer: StuckTask["layer"], { mounts }: Mounts): ObservedTarget | undefined {
  const protocol = layer === "cifs" ? "smb" : "nfs";
  const targets = mounts.flatMap((mount) => targetOfMount(mount) ?? []).filter((one) => one.protocol === protocol);
  const [first] = targets;
  if (first === undefined || targets.some(({ server }) => server !== first.server)) return undefined;
  // Of one server there may be several shares or exports.
  if (targets.length === 1) return first;
  const { server, address } = first;
  return { protocol, ...(server === undefined ? {} : { server }), ...(address === undefined ? {} : { address }) };
}
