import { clientOf, taskInClient } from "../../sources/stuck-tasks.ts";
import { isNfs, isSmb } from "../../system/mounts.ts";
import { eachTask, taskStat, taskUid, taskWaitsIn } from "../../system/task-files.ts";
import { printable } from "../../tools/table-text.ts";
import { type Holder, held, type UnmountCheck } from "./case.ts";

/** Tasks within a call that waits for the server: they hold the mount, and have no descriptor of it yet. */
export const waiting: UnmountCheck = {
  name: "requests",
  limitMs: 15_000,
  async run(of, signal) {
    const { asked, machine, looked } = of;
    if (!isSmb(asked) && !isNfs(asked)) return [];
    const layers = isSmb(asked) ? ["cifs"] : ["nfs", "sunrpc"];
    const others = [...looked.namespaces.values(), of.own].flatMap(({ mounts }) =>
      mounts.filter((mount) => (isSmb(asked) ? isSmb(mount) : isNfs(mount)) && mount.device !== asked.device),
    );
    const where = others.length === 0 ? printable(asked.source) : isSmb(asked) ? "an SMB server" : "an NFS server";
    const holders: Holder[] = [];
    await eachTask(
      machine.procRoot,
      (task) => {
        const stat = taskStat(task);
        if (stat === undefined || stat.kernel || task.pid === process.pid) return;
        if (stat.state !== "D" && clientOf(taskWaitsIn(task) ?? "") === undefined) return;
        const look = taskInClient(task);
        if (look === undefined || !layers.includes(look.layer)) return;
        const uid = taskUid(task);
        const who = `${printable(stat.comm)} (${task.pid})`;
        const at = look.wchan === undefined ? "" : `, in ${look.wchan}()`;
        holders.push({
          kind: "task",
          effect: "may",
          pid: task.pid,
          comm: stat.comm,
          ...(uid === undefined ? {} : { uid }),
          text: `${who} waits for ${where}${at}`,
          advice: `let the server answer, or end ${who}: kill -9 ${task.pid}; umount -f ${printable(asked.target)} ends what waits for a server that is gone`,
        });
      },
      signal,
    );
    return held(of, holders, "no task waits for its server");
  },
};
