import { mkdtemp, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { errnoName } from "../../../system/errno.ts";
import type { RunResult } from "../../../system/process.ts";
import type { Finding } from "../../answer.ts";
import type { Check } from "../../examine.ts";
import { targetText } from "../target.ts";
import type { NfsCase } from "./case.ts";
import { nfsMountError } from "./mount-errors.ts";

/** mount.nfs asks again and again for two minutes where the server does not answer: it is killed before. */
const LIMIT_MS = 45_000;
/** What is fstab's alone, or needs a mount that is there. */
const notHere =
  /^(?:noauto|auto|no?users?|owner|group|defaults|nofail|remount|bind|rbind|move|comment|bg|_netdev|[xX]-.*)$/;

/** Mounts for real, in a mount namespace that ends with the program that mounts: nobody else sees it, and nothing is left. */
export const attempt: Check<NfsCase> = {
  name: "try",
  limitMs: LIMIT_MS + 10_000,
  async run({ request, machine, target, isRoot }, signal) {
    if (!request.attempt) return [];
    if (!isRoot) return { result: "skip", evidence: "mounting for real needs root" };
    const folder = await mkdtemp(join(machine.fsRoot, "run/aod-mount-"));
    const given = request.options.all.filter(({ name }) => !notHere.test(name));
    const text = given.map(({ name, value }) => (value === undefined ? name : `${name}=${value}`));
    const options = [...text, ...(request.options.has("retry") ? [] : ["retry=0"])].join(",");
    try {
      const ran = await machine.run(
        [
          "unshare",
          "--mount",
          "--propagation",
          "private",
          "mount",
          "-t",
          "nfs",
          "-o",
          options,
          targetText(target),
          folder,
        ],
        { timeoutMs: LIMIT_MS, maxBytes: 16 * 1024, signal },
      );
      return tried(ran);
    } finally {
      await rmdir(folder);
    }
  },
};

function tried(ran: RunResult): Finding {
  const seconds = `${(ran.tookMs / 1000).toFixed(1)} s`;
  if (ran.status === "ok") return { result: "ok", evidence: `mounted for real within ${seconds}, and gone again` };
  if (ran.status === "missing") return { result: "skip", evidence: ran.reason ?? "unshare is not installed" };
  if (ran.status === "timeout")
    return {
      result: "fail",
      evidence: `mount did not come to an end within ${seconds} and was killed`,
      meaning: "the server does not answer the kernel either",
    };
  const lines = ran.stderr
    .trim()
    .split("\n")
    .filter((line) => line !== "" && !/dmesg|^Created symlink/.test(line));
  const evidence = lines.join("\n") || (ran.reason ?? "it failed");
  const error = nfsMountError(ran.stderr);
  if (error === undefined) return { result: "fail", evidence };
  const number = error.errno === 0 ? "it" : `error ${error.errno} (${errnoName(error.errno)})`;
  const causes = error.causes.map(({ cause, told }) => `${cause} (${told})`);
  return { result: "fail", evidence, meaning: `${number} is ${causes.join(", or ")}` };
}
