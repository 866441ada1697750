import { Command } from "commander";
import type { Answer } from "../doctor/answer.ts";
import { examineKerberos } from "../doctor/kerberos/kerberos.ts";
import { kerberosRequests } from "../doctor/kerberos/subjects.ts";
import { thisMachine } from "../doctor/machine.ts";
import { type DoctorOptions, doctorExits, tell, withDoctorOptions } from "./doctor-output.ts";

interface KerberosOptions extends DoctorOptions {
  readonly user?: string;
}

export function buildKerberos(): Command {
  return withDoctorOptions(new Command("kerberos"))
    .description(
      "Whether the client gets a Kerberos ticket for a server, and why not: rules, programs, caches, KDC, names.",
    )
    .argument("[about]", "a mount point, //SERVER/SHARE or SERVER:/EXPORT; every Kerberos mount when absent")
    .option("--user <name>", "whose tickets: a name or uid; cruid= of the mount, or root, when absent")
    .addHelpText(
      "after",
      `
Examples:
  aod doctor kerberos /mnt/data
  aod doctor kerberos //files.example/data --user alice
  aod doctor kerberos nas.example:/srv --json | jq .verdict

Run it as root: caches of others, /proc/keys and the kernel log are closed to everybody else.

${doctorExits}`,
    )
    .action(async (about: string | undefined, options: KerberosOptions) => {
      const machine = thisMachine();
      const stop = new AbortController();
      process.once("SIGINT", () => stop.abort());
      const words = {
        ...(about === undefined ? {} : { about }),
        ...(options.user === undefined ? {} : { user: options.user }),
        uid: process.getuid?.() ?? 0,
        cwd: process.cwd(),
      };
      const answers: Answer[] = [];
      for (const request of await kerberosRequests(machine, words, stop.signal))
        answers.push(await examineKerberos(machine, request, stop.signal));
      tell(answers, options);
    });
}
