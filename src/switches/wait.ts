import { setTimeout as sleep } from "node:timers/promises";
import { AodError } from "../system/error.ts";
import type { Busy, Outcome } from "./client-switches.ts";

const POLL_MS = 50;
/** Switching thousands of lines takes its time on a slow machine. */
const PATIENCE_MS = 20_000;

/** A change of the switches, as soon as nobody else is at them. */
export async function whenFree(change: () => Outcome | Busy): Promise<Outcome> {
  for (let waited = 0; waited < PATIENCE_MS; waited += POLL_MS) {
    const outcome = change();
    if (outcome !== "busy") return outcome;
    await sleep(POLL_MS);
  }
  throw new AodError("failed", "another process has been changing the debug switches for 20 s: try again");
}
