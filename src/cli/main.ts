import { AodError } from "../system/error.ts";
import { version } from "../system/version.ts";
import { dispatch } from "./dispatch.ts";
import { putBackLeftovers } from "./leftovers.ts";
import { commands } from "./table.ts";

const invokedAs = process.env.AOD_INVOKED_AS ?? "aod";

// The reader of a pipe may have had enough (`aod incidents | head`).
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(process.exitCode ?? 0);
});

try {
  await putBackLeftovers(process.argv.slice(2), process.env);
  await dispatch({ invokedAs, argv: process.argv.slice(2), version, commands });
} catch (error) {
  if (!(error instanceof AodError)) throw error;
  process.stderr.write(`${invokedAs}: ${error.message}\n`);
  process.exitCode = error.exitStatus;
}
