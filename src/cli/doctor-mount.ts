import { Command } from "commander";
import type { Answer } from "../doctor/answer.ts";
import { type Machine, thisMachine } from "../doctor/machine.ts";
import { type KnownMount, knownMounts } from "../doctor/mount/all.ts";
import { examineMount } from "../doctor/mount/mount.ts";
import { parseMountOptions } from "../doctor/mount/options.ts";
import type { Secret } from "../doctor/mount/secret.ts";
import { parseMountTarget } from "../doctor/mount/target.ts";
import { AodError } from "../system/error.ts";
import { type DoctorOptions, doctorExits, tell, withDoctorOptions } from "./doctor-output.ts";
import { askPassword, passwordOfEnvironment } from "./password.ts";

interface MountCommandOptions extends DoctorOptions {
  readonly options?: readonly string[];
  readonly user?: string;
  readonly try?: true;
  readonly all?: true;
}

/** Mounts that are looked at at the same time with --all. */
const AT_ONCE = 4;

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
        tell(await answers(target, options, machine, end.signal), options);
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
    const known = await knownMounts(machine, signal);
    if (known.length === 0)
      process.stderr.write("aod doctor mount: there is no SMB or NFS mount, nor does fstab or systemd ask for one\n");
    return inTurns(known, (one) => examineMount(one.target, { options: one.options, attempt }, machine, signal));
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
  const found = (await knownMounts(machine, signal)).find(({ target }) => target.mountPoint === wanted);
  if (found !== undefined) return found;
  throw new AodError(
    "usage",
    `${path} is no mount point of SMB or NFS, neither mounted nor in /etc/fstab nor a mount unit of systemd`,
  );
}

async function inTurns<T, R>(all: readonly T[], work: (one: T) => Promise<R>): Promise<R[]> {
  const done: R[] = [];
  for (let at = 0; at < all.length; at += AT_ONCE)
    done.push(...(await Promise.all(all.slice(at, at + AT_ONCE).map(work))));
  return done;
}

async function password(user: string | undefined, signal: AbortSignal): Promise<Secret | undefined> {
  const given = passwordOfEnvironment(process.env);
  if (given !== undefined || user === undefined || !process.stdin.isTTY || !process.stderr.isTTY) return given;
  return askPassword(`Password of ${user}: `, process.stdin, (text) => process.stderr.write(text), signal);
}
