import { Command } from "commander";
import { examineHost } from "../doctor/host/host.ts";
import { thisMachine } from "../doctor/machine.ts";
import { type DoctorOptions, doctorExits, tell, withDoctorOptions } from "./doctor-output.ts";

export function buildHost(): Command {
  return withDoctorOptions(new Command("host"))
    .description("Whether this host has what SMB and NFS mounts need: kernel, modules, programs, mounts, probes.")
    .addHelpText("after", `\n${doctorExits}`)
    .action(async (options: DoctorOptions) => tell([await examineHost(thisMachine())], options));
}
