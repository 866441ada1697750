import { existsSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../system/error.ts";

const STATE_DIR = "/var/lib/aod";

/**
 * Whatever runs first after a process was killed that held the clients' debug switches puts them back. Costs one look at a file when there is nothing; the
 * daemon and `aod debug` do it themselves.
 */
export async function putBackLeftovers(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  if (process.geteuid?.() !== 0 || argv[0] === "debug" || argv[0] === "run") return;
  const stateDir = env["AOD_STATE_DIR"] ?? STATE_DIR;
  if (!existsSync(join(stateDir, "switches.json"))) return;
  // Only then: everything that runs would load it.
  const { switchesIn } = await import("./debug-switches.ts");
  try {
    const outcome = switchesIn(stateDir).tidy();
    if (outcome === "busy") return;
    for (const path of outcome.putBack)
      process.stderr.write(`aod: put back ${path}, which a process that was killed had left switched\n`);
  } catch (error) {
    process.stderr.write(
      `aod: the debug switches that a killed process left cannot be put back: ${messageOf(error)}\n`,
    );
  }
}
