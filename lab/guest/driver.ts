// Runs in the guest, by the Node that the host uses: takes /run/lab/request.json, runs the scenarios one after the other.
import { mkdirSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { AodError, messageOf } from "../../src/system/error.ts";
import { type GuestOutcome, type GuestRequest, patience, type Scenario } from "../scenario.ts";
import { Lab } from "./lab.ts";
import { run } from "./process.ts";
import { stopSamba } from "./samba.ts";

const shared = "/run/lab";
const eventDescriptor = 3;

function tell(line: string): void {
  writeSync(eventDescriptor, `${line.replaceAll("\n", " ")}\n`);
}

const kernelProblem = /\b(WARNING: CPU|BUG:|Oops|general protection|Kernel panic|possible circular locking)/;

/** New lines of the kernel log that are problems. The log itself goes into the results. */
async function kernelProblems(since: number, outFile: string): Promise<string[]> {
  const { stdout } = await run(["dmesg", "--time-format", "raw"], { anyStatus: true });
  const lines = stdout.split("\n").filter((line) => Number(/^\[\s*([\d.]+)\]/.exec(line)?.[1] ?? -1) >= since);
  writeFileSync(outFile, `${lines.join("\n")}\n`);
  return lines.filter((line) => kernelProblem.test(line));
}

async function runScenario(name: string, request: GuestRequest): Promise<GuestOutcome> {
  const started = performance.now();
  const uptime = Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]);
  const out = join(shared, "out", name);
  mkdirSync(out, { recursive: true });
  let error: string | undefined;
  let lab: Lab | undefined;
  try {
    const { default: scenario } = (await import(`../scenarios/${name}.ts`)) as { default: Scenario };
    lab = new Lab(name, request.kernel, { ...scenario.settings, ...request.settings }, out, (line) =>
      tell(`${name}: ${line}`),
    );
    const seconds = (scenario.timeLimitSeconds ?? 120) * patience;
    const limit = new Promise<never>((_, reject) => {
      setTimeout(() => reject(new AodError("failed", `not done after ${seconds} s`)), seconds * 1000).unref();
    });
    await Promise.race([play(scenario, lab), limit]);
  } catch (thrown) {
    error =
      thrown instanceof AodError
        ? thrown.message
        : thrown instanceof Error
          ? (thrown.stack ?? messageOf(thrown))
          : messageOf(thrown);
  }
  for (const failure of (await lab?.end()) ?? [])
    error = error === undefined ? `clean-up: ${failure}` : `${error}\nclean-up: ${failure}`;
  return {
    scenario: name,
    tookMs: performance.now() - started,
    kernelProblems: await kernelProblems(uptime, join(out, "dmesg.txt")),
    ...(error === undefined ? {} : { error }),
  };
}

async function play(scenario: Scenario, lab: Lab): Promise<void> {
  await lab.step("set-up", () => scenario.setup(lab));
  lab.startTimeline();
  await scenario.timeline(lab);
}

const request = JSON.parse(readFileSync(join(shared, "request.json"), "utf8")) as GuestRequest;
let failed = false;
for (const name of request.scenarios) {
  const outcome = await runScenario(name, request);
  failed ||= outcome.error !== undefined;
  writeFileSync(join(shared, "out", name, "outcome.json"), `${JSON.stringify(outcome, null, 1)}\n`);
}
await stopSamba();
// A promise that a hung mount never settles must not keep the machine up.
process.exit(failed ? 1 : 0);
