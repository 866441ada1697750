import type { Command } from "commander";

/** One command: a line in the table; its code is loaded only when it runs. */
export interface CliCommand {
  readonly name: string;
  readonly summary: string;
  /** Also started under its own name, as a link to bin/aod. */
  readonly tool?: boolean;
  /** `build` makes the commander command; its action sets process.exitCode or throws an AodError. */
  readonly load: () => Promise<{ build(): Command }>;
}
