import { mkdtemp, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { errnoName } from "../../../system/errno.ts";
import { errnoWords } from "../../../system/errno-words.ts";
import type { RunResult } from "../../../system/process.ts";
import type { Finding } from "../../answer.ts";
import type { Check } from "../../examine.ts";
import { mountErrors } from "../errno-table.ts";
import type { MountOption } from "../options.ts";
import { targetText } from "../target.ts";
import type { SmbCase } from "./case.ts";
import { type KernelLine, linesText, smbLines } from "./last-failure.ts";

/** A frozen server holds mount(8) for minutes: it is killed then, and says nothing more than that. */
const LIMIT_MS = 45_000;

/** What is of no use without a mount point in fstab, or would need one. */
const notHere = /^(?:noauto|auto|users?|owner|group|nofail|remount|comment|x-.*|pass(?:word)?2?)$/;

/** Mounts for real, where nobody else sees it: a mount namespace that ends with the program that mounts. */
export const attempt: Check<SmbCase> = {
  name: "try",
  limitMs: LIMIT_MS + 10_000,
  async run(of, signal) {
    const { request, machine, who, intent } = of;
    if (!request.attempt) return [];
    if (who?.user !== undefined && who.password === undefined && intent.security === "ntlmssp")
      return { result: "skip", evidence: "without a password nothing is mounted" };
    const folder = await mkdtemp(join(machine.fsRoot, "run/aod-mount-"));
    const fromUs = machine.clock.nowNs() / 1000 - 1000;
    try {
      const ran = await mount(of, folder, signal);
      const lines = await smbLines(machine, fromUs, signal).catch((): readonly KernelLine[] => []);
      return tried(ran, lines);
    } finally {
      await rmdir(folder);
    }
  },
};

function mount(
  { target, request, machine, who, intent }: SmbCase,
  folder: string,
  signal: AbortSignal,
): Promise<RunResult> {
  // user=NAME is mount.cifs's; user alone is fstab's.
  const isFstab = ({ name, value }: MountOption): boolean =>
    notHere.test(name) && !(name === "user" && value !== undefined);
  const options = request.options.all.filter((option) => !isFstab(option));
  const text = options.map(({ name, value }) => (value === undefined ? name : `${name}=${value}`));
  const nobody =
    who?.user === undefined &&
    intent.security !== "krb5" &&
    !request.options.has("guest") &&
    intent.security !== "none";
  // mount.cifs asks for a password otherwise.
  const all = [...text, ...(nobody ? ["guest"] : [])].join(",");
  const password = who?.password;
  return machine.run(
    [
      ...(["unshare", "--mount", "--propagation", "private", "mount", "-t", "cifs"] as const),
      ...(all === "" ? [] : ["-o", all]),
      targetText(target),
      folder,
    ],
    {
      timeoutMs: LIMIT_MS,
      maxBytes: 16 * 1024,
      signal,
      env: {
        PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        LC_ALL: "C",
        ...(password && { PASSWD_FD: "0" }),
      },
      // By a pipe: no argument, and no variable that /proc shows. mount.cifs takes a line feed at its end for a part of it.
      ...(password && { input: password.reveal() }),
    },
  );
}

function tried(ran: RunResult, lines: readonly KernelLine[]): Finding {
  const said = ran.stderr
    .trim()
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("Refer to"));
  const kernel = lines.length === 0 ? [] : ["the kernel said:", ...linesText(lines)];
  const seconds = `${(ran.tookMs / 1000).toFixed(1)} s`;
  if (ran.status === "ok") return { result: "ok", evidence: `mounted for real within ${seconds}, and gone again` };
  if (ran.status === "missing") return { result: "skip", evidence: ran.reason ?? "unshare is not installed" };
  if (said.some((line) => /unshare/.test(line) && /not permitted/.test(line)))
    return { result: "skip", evidence: "mounting for real needs root" };
  if (ran.status === "timeout")
    return {
      result: "fail",
      evidence: [`mount did not come to an end within ${seconds} and was killed`, ...kernel].join("\n"),
      meaning: "the server does not answer the kernel either",
    };
  const number = Number(/mount error\((\d+)\)/.exec(ran.stderr)?.[1]);
  const causes = mountErrors[number];
  const words = Number.isInteger(number) ? `${errnoName(number)}: ${errnoWords(errnoName(number)) ?? ""}` : "";
  return {
    result: "fail",
    evidence: [...(said.length === 0 ? [ran.reason ?? "it failed"] : said), ...kernel].join("\n"),
    meaning:
      causes === undefined
        ? words || "mount refused it"
        : `${words}; ${number} is ${causes.map(({ cause, told }) => `${cause} (${told})`).join(", or ")}`,
  };
}
