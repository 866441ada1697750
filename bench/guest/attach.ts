import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { startDaemon } from "../../lab/guest/daemon.ts";
import type { Lab } from "../../lab/guest/lab.ts";
import { AodError } from "../../src/system/error.ts";
import type { SetName } from "../request.ts";
import { type Helper, startHelper } from "./helper.ts";
import { build } from "./paths.ts";

/** What is attached; detaching is waited for. */
export interface Attached {
  readonly helper?: Helper;
  readonly detach: () => Promise<void>;
}

export async function attach(lab: Lab, set: SetName, object?: string): Promise<Attached> {
  switch (set) {
    case "off":
      return { detach: async () => {} };
    case "trace-cmd":
      await lab.run(["trace-cmd", "start", "-e", "cifs"]);
      return {
        detach: async () => {
          await lab.run(["trace-cmd", "reset"]);
        },
      };
    case "ours": {
      const helper = await startHelper(object);
      return { helper, detach: helper.stop };
    }
    case "aod": {
      const daemon = await startDaemon(lab);
      return {
        detach: async () => {
          await daemon.process.stop();
        },
      };
    }
    default:
      return attachObject(join(build, "bench", `${set}.bpf.o`));
  }
}

/** Everything in an object, by bench/attach.c, until its input ends. */
async function attachObject(object: string): Promise<Attached> {
  const child = spawn(join(build, "bench", "attach"), [object], { stdio: ["pipe", "pipe", "inherit"] });
  await firstOutput(child);
  return {
    detach: async () => {
      child.stdin.end();
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    },
  };
}

function firstOutput(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.stdout?.once("data", () => resolve());
    child.once("error", reject);
    child.once("exit", (status) => reject(new AodError("failed", `${child.spawnfile} ended with status ${status}`)));
  });
}
