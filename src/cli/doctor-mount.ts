import { Command } from "commander";
import type { Answer } from "../doctor/answer.ts";
import { type Machine, thisMachine } from "../doctor/machine.ts";
import { type KnownMount, knownMounts } from "../doctor/mount/all.ts";
import { examineEvery } from "../doctor/mount/every.ts";
import { examineMount } from "../doctor/mount/mount.ts";
import { parseMountOptions } from "../doctor/mount/options.ts";
import type { Secret } from "../doctor/mount/secret.ts";
import { parseMountTarget } from "../doctor/mount/target.ts";
import { summaryText } from "../doctor/text.ts";
import { AodError } from "../system/error.ts";
import { type DoctorOptions, doctorExits, tell, withDoctorOptions } from "./doctor-output.ts";
import { askPassword, passwordOfEnvironment } from "./password.ts";

interface MountCommandOptions extends DoctorOptions {
  readonly options?: readonly string[];
  readonly user?: string;
  readonly try?: true;
  readonly all?: true;
}

export function buildMount(): Command {
  return withDoctorOptions(new Command("mount"))
    .description("Why a share or an export does not mount, or would not.")
    .argument("[target]", "//SERVER/SHARE, SERVER:/EXPORT, or a mount point")
    .option(
      "-o, --options <options>",
      "as mount(8) takes them, also several times",
      (next: string, all: readonly string[] = []) => [...all, next],
    )
    .option("--user <user>", "who logs in, in the place of username= of the options")
    .option("--try", "mount for real too, where nobody else sees it, and undo it")
    .option("--all", "every SMB and NFS mount that is there, or that /etc/fstab or a mount unit of systemd asks for")
    .addHelpText(
      "after",
      `
Examples:
  sudo aod doctor mount //server/share -o credentials=/etc/smb.cred --try
  sudo aod doctor mount //server/share --user me
  sudo aod doctor mount server:/export
  sudo aod doctor mount /mnt/data
  sudo aod doctor mount --all --json --check

The password comes as for mount.cifs: credentials=, PASSWD, PASSWD_FD, PASSWD_FILE, or the terminal. It is never printed, logged or made an argument.

${doctorExits}`,
    )
    .action(async (target: string | undefined, options: MountCommandOptions) => {
      const machine = thisMachine();
      const end = new AbortController();
      const stop = (): void => end.abort();
      process.once("SIGINT", stop).once("SIGTERM", stop);
      try {
        const told = await answers(target, options, machine, end.signal);
        tell(told, options);
        if (options.all === true && options.json !== true && told.length > 0)
          process.stdout.write(`\n${summaryText(told)}`);
      } finally {
        process.off("SIGINT", stop).off("SIGTERM", stop);
      }
    });
}

async function answers(
  target: string | undefined,
  options: MountCommandOptions,
  machine: Machine,
  signal: AbortSignal,
): Promise<readonly Answer[]> {
  const asked = parseMountOptions((options.options ?? []).join(","));
  const attempt = options.try === true;
  if (options.all === true) {
    if (target !== undefined || options.options !== undefined || options.user !== undefined)
      throw new AodError("usage", "--all takes no target, options or user");
    const found = await examineEvery(machine, attempt, signal);
    if (found.length === 0)
      process.stderr.write("aod doctor mount: there is no SMB or NFS mount, nor does fstab or systemd ask for one\n");
    return found;
  }
  if (target === undefined)
    throw new AodError("usage", "name //SERVER/SHARE, SERVER:/EXPORT or a mount point, or --all");
  const user = options.user === undefined ? [] : [{ name: "username", value: options.user }];
  const known = /^\/[^/]/.test(target) ? await atMountPoint(target, machine, signal) : undefined;
  const subject = known?.target ?? parseMountTarget(target);
  const given = asked.with(user);
  const all = known === undefined ? given : known.options.joined(given);
  return [await examineMount(subject, { options: all, attempt, password }, machine, signal)];
}

async function atMountPoint(path: string, machine: Machine, signal: AbortSignal): Promise<KnownMount> {
  const wanted = path.length > 1 ? path.replace(/\/+$/, "") : path;
  const { mounts, wrong } = await knownMounts(machine, signal);
  const found = mounts.find(({ target }) => target.mountPoint === wanted);
  if (found !== undefined) return found;
  const bad = wrong.find(({ subject }) => subject.endsWith(` on ${wanted}`));
  if (bad !== undefined) throw new AodError("usage", `${bad.from}: ${bad.why}`);
  throw new AodError(
    "usage",
    `${path} is no mount point of SMB or NFS, neither mounted nor in /etc/fstab nor a mount unit of systemd`,
  );
}

async function password(user: string | undefined, signal: AbortSignal): Promise<Secret | undefined> {
  const given = passwordOfEnvironment(process.env);
  if (given !== undefined || user === undefined || !process.stdin.isTTY || !process.stderr.isTTY) return given;
  return askPassword(`Password of ${user}: `, process.stdin, (text) => process.stderr.write(text), signal);
}
