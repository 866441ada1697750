import type { Command } from "commander";
import type { Answer } from "../doctor/answer.ts";
import { answerJson, answerText } from "../doctor/text.ts";

/** What every doctor takes. */
export interface DoctorOptions {
  readonly json?: true;
  readonly check?: true;
}

export const withDoctorOptions = (command: Command): Command =>
  command
    .option("--json", "one JSON object a line, an answer each")
    .option("--check", "exit status 1 unless every verdict is ok");

/** Prints answers; a doctor that answered has done its work, unless --check asks for the verdict. */
export function tell(answers: readonly Answer[], { json, check }: DoctorOptions): void {
  const text = answers.map(json === true ? answerJson : answerText);
  process.stdout.write(text.join(json === true ? "" : "\n"));
  if (check === true && answers.some(({ verdict }) => verdict.cause !== "ok")) process.exitCode = 1;
}

export const doctorExits =
  "Exit status: 0 answered, whatever the verdict; with --check 1 unless it is ok; 1 failed, 2 wrong usage, 3 not supported here.";
