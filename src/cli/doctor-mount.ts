import { Command } from "commander";
import { thisMachine } from "../doctor/machine.ts";
import { examineMount } from "../doctor/mount/mount.ts";
import { parseMountOptions } from "../doctor/mount/options.ts";
import type { Secret } from "../doctor/mount/secret.ts";
import { parseMountTarget } from "../doctor/mount/target.ts";
import { type DoctorOptions, doctorExits, tell, withDoctorOptions } from "./doctor-output.ts";
import { askPassword, passwordOfEnvironment } from "./password.ts";

interface MountCommandOptions extends DoctorOptions {
  readonly options: readonly string[];
  readonly user?: string;
  readonly try?: true;
}

export function buildMount(): Command {
  return withDoctorOptions(new Command("mount"))
    .description("Why a share or an export does not mount, or would not.")
    .argument("<target>", "//SERVER/SHARE or SERVER:/EXPORT")
    .option(
      "-o, --options <options>",
      "as mount(8) takes them, also several times",
      (next: string, all: readonly string[]) => [...all, next],
      [] as readonly string[],
    )
    .option("--user <user>", "who logs in, in the place of username= of the options")
    .option("--try", "mount for real too, where nobody else sees it, and undo it")
    .addHelpText("after", `\n${doctorExits}`)
    .action(async (target: string, options: MountCommandOptions) => {
      const parsed = parseMountOptions(options.options.join(","));
      const user = options.user === undefined ? [] : [{ name: "username", value: options.user }];
      const request = { options: parsed.with(user), attempt: options.try === true, password };
      tell([await examineMount(parseMountTarget(target), request, thisMachine())], options);
    });
}

async function password(user: string | undefined, signal: AbortSignal): Promise<Secret | undefined> {
  const given = passwordOfEnvironment(process.env);
  if (given !== undefined || user === undefined || !process.stdin.isTTY || !process.stderr.isTTY) return given;
  return askPassword(`Password of ${user}: `, process.stdin, (text) => process.stderr.write(text), signal);
}
