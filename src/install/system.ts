import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { AodError } from "../system/error.ts";
import type { Argv, Run } from "../system/process.ts";
import { groupName, type Layout, unitName } from "./layout.ts";

/** What an installation asks of the running system; below another root nothing is asked. */
export interface System {
  /** Why there is no service manager to be asked; undefined: there is one. */
  readonly withoutManager: string | undefined;
  hasGroup(): boolean;
  /** Why it was not made; undefined: it was. */
  makeGroup(): Promise<string | undefined>;
  removeGroup(): Promise<void>;
  isActive(): Promise<boolean>;
  systemctl(...args: string[]): Promise<void>;
}

/** Starting and stopping the daemon may take its whole time. */
const LIMIT_MS = 180_000;

export function systemOf({ root }: Layout, run: Run): System {
  const here = root === "/";
  const must = async (...argv: Argv): Promise<void> => {
    const { status, stderr, reason } = await run(argv, { timeoutMs: LIMIT_MS, maxBytes: 65_536 });
    if (status !== "ok") throw new AodError("failed", `${argv.join(" ")}: ${stderr.trim() || reason}`);
  };
  return {
    withoutManager: !here
      ? "with --root nothing is started"
      : existsSync("/run/systemd/system")
        ? undefined
        : "systemd does not run here: start it with `aod run`",
    hasGroup: () => {
      const path = join(root, "etc/group");
      return existsSync(path) && new RegExp(`^${groupName}:`, "m").test(readFileSync(path, "utf8"));
    },
    makeGroup: async () => {
      if (!here) return "with --root it is not made: groupadd --system aod";
      await must("groupadd", "--system", groupName);
      return undefined;
    },
    removeGroup: async () => {
      if (here) await must("groupdel", groupName);
    },
    isActive: async () => {
      if (!here) return false;
      const { stdout } = await run(["systemctl", "is-active", unitName], { timeoutMs: LIMIT_MS, maxBytes: 4096 });
      return /^(?:active|activating|reloading|deactivating)/.test(stdout.toString());
    },
    systemctl: (...args) => must("systemctl", ...args),
  };
}
