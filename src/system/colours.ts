import pc from "picocolors";

/** Whether what a terminal makes colours of may be printed there. `CI` means nothing here: what runs there reads pipes. */
export function wantsColours(env: Readonly<Record<string, string | undefined>>, isTerminal: boolean): boolean {
  if (env["NO_COLOR"]) return false;
  return Boolean(env["FORCE_COLOR"]) || (isTerminal && env["TERM"] !== "dumb");
}

export const colours = pc.createColors(wantsColours(process.env, process.stdout.isTTY === true));
