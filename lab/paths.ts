import { homedir } from "node:os";
import { join, resolve } from "node:path";

/** The checkout that this lab belongs to. */
export const repoRoot = resolve(import.meta.dirname, "..");

/** Where kernels are kept between runs and clones: $AOD_LAB_CACHE, else aod-lab under the user's cache directory. */
export function cacheRoot(env: NodeJS.ProcessEnv): string {
  const own = env["AOD_LAB_CACHE"];
  if (own !== undefined && own !== "") return resolve(own);
  const xdg = env["XDG_CACHE_HOME"];
  return join(xdg !== undefined && xdg !== "" ? resolve(xdg) : join(homedir(), ".cache"), "aod-lab");
}

/** Console logs, results and everything else that a run leaves: build/lab/. */
export const runsRoot = join(repoRoot, "build", "lab");

/** The last pass of each scenario on each kernel. */
export const passesFile = join(repoRoot, "bench", "results", "lab-passes.json");
