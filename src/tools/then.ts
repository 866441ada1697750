import { spawn } from "node:child_process";

/** Runs a command of aod and waits for its end; what it prints goes to stderr, since stdout is the tool's. Resolves with how it ended, when that was badly. */
export function runThen(words: readonly string[]): Promise<string | undefined> {
  const [, script = ""] = process.argv;
  const child = spawn(process.execPath, [...process.execArgv, script, ...words], {
    stdio: ["ignore", 2, 2],
    env: { ...process.env, AOD_INVOKED_AS: "aod" },
  });
  return new Promise((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(code === 0 ? undefined : (signal ?? `exit status ${code}`)));
  });
}
