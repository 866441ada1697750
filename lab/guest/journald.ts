import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import type { Lab } from "./lab.ts";

const program = "/lib/systemd/systemd-journald";
const socket = "/run/systemd/journal/dev-log";

/** journald by itself, without systemd: what programs log is in the journal from now on. False where it is not installed. */
export async function startJournald(lab: Lab): Promise<boolean> {
  if (!existsSync(program)) return false;
  mkdirSync("/run/log/journal", { recursive: true });
  writeFileSync("/etc/machine-id", "0123456789abcdef0123456789abcdef\n");
  lab.start([program], { stderr: "journald.err" });
  await lab.until("journald listens", 60, () => existsSync(socket));
  if (!existsSync("/dev/log")) symlinkSync(socket, "/dev/log");
  return true;
}
