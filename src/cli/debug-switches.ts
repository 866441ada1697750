import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Command, Option } from "commander";
import { ClientSwitches, DEBUG, type Outcome } from "../switches/client-switches.ts";
import { protocols as allProtocols, type Protocol } from "../switches/numbers.ts";
import { whenFree } from "../switches/wait.ts";
import { systemClock } from "../system/clock.ts";
import { AodError, messageOf } from "../system/error.ts";
import { type DaemonOptions, daemonDirs } from "./daemon-options.ts";
import { keep, startKeeper } from "./debug-keeper.ts";
import { switchesText } from "./debug-switches-text.ts";
import { durationArgument } from "./duration.ts";
import { span } from "./status-text.ts";

interface Options extends DaemonOptions {
  readonly smb?: true;
  readonly nfs?: true;
}

interface OnOptions extends Options {
  readonly for?: number;
}

const MOST_NS = 24 * 3600e9;
/** Without --for: nobody wants it on for ever. */
const DEFAULT_NS = 1800e9;

const say = (line: string): void => void process.stderr.write(`aod debug: ${line}\n`);

/** `aod debug on`, `off`, `status`. */
export function switchCommands(): Command[] {
  const on = withOptions(
    new Command("on")
      .description("have the clients log verbosely: dynamic debug and cifsFYI, rpcdebug")
      .option(
        "--for <duration>",
        "stay until the time is over or Ctrl-C, then put everything back; without it, return at once and put back at aod debug off, after 30 min at the latest",
        durationArgument(MOST_NS),
      ),
  ).action(switchOn);
  const off = withOptions(new Command("off").description("put back what aod debug on has switched")).action(switchOff);
  const status = withOptions(
    new Command("status").description("what is on, what it was before, and who keeps it on"),
  ).action(showStatus);
  return [on, off, status];
}

/** What `aod debug on` starts: it holds the switches on. */
export function keeperCommand(): Command {
  return new Command("keep")
    .requiredOption("--ns <number>", "for so long", Number)
    .requiredOption("--state <directory>", "where it is written down")
    .addOption(new Option("--protocols <list>").argParser((text) => text.split(",")))
    .action(async ({ ns, state, protocols }: { ns: number; state: string; protocols: readonly Protocol[] }) => {
      await keep(switchesIn(state), protocols, ns);
    });
}

const withOptions = (command: Command): Command =>
  command
    .option("--smb", "only of the SMB client")
    .option("--nfs", "only of the NFS client and RPC")
    .option("--json", "one JSON object")
    .option("--config <file>", "the daemon's configuration, for its state directory");

const chosen = ({ smb, nfs }: Options): readonly Protocol[] =>
  smb === nfs ? allProtocols : smb === true ? ["smb"] : ["nfs"];

export function switchesIn(stateDir: string): ClientSwitches {
  return new ClientSwitches({
    ...{ procRoot: "/proc", sysRoot: "/sys", nowNs: () => systemClock.nowNs() },
    stateFile: join(stateDir, "switches.json"),
  });
}

function prepare(options: Options): { readonly stateDir: string; readonly switches: ClientSwitches } {
  if (process.geteuid?.() !== 0)
    throw new AodError("failed", "root alone may change what the kernel logs: run it as root, or with sudo");
  const { stateDir } = daemonDirs(options);
  try {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  } catch (error) {
    const why = `${stateDir} cannot be made, so nothing could be put back after a crash: ${messageOf(error)}`;
    throw new AodError("failed", why, { cause: error });
  }
  return { stateDir, switches: switchesIn(stateDir) };
}

async function switchOn(options: OnOptions): Promise<void> {
  const { stateDir, switches } = prepare(options);
  const wanted = chosen(options);
  const { numbers } = switches.now();
  const here = wanted.filter((protocol) => numbers.some((one) => one.protocol === protocol));
  if (here.length === 0) {
    const missing = { smb: "cifs is not loaded", nfs: "sunrpc is not loaded (NFS uses it)" };
    const why = wanted.map((protocol) => missing[protocol]).join(", ");
    throw new AodError("failed", `there is nothing to switch: ${why}; mount something first`);
  }
  const forNs = options.for ?? DEFAULT_NS;
  // Before anything is switched: a signal from here on puts back.
  const end = new AbortController();
  const stop = (): void => end.abort();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, stop);
  const keeper = startKeeper([
    ...[process.execPath, ...process.execArgv, process.argv[1] ?? "", "debug", "keep"],
    ...["--ns", String(forNs), "--state", stateDir, "--protocols", here.join(",")],
  ]);
  end.signal.addEventListener("abort", () => keeper.stop());
  const began = await keeper.began;
  tellErrors(began);
  if (began.switched.length === 0) {
    if (began.errors.length > 0) throw new AodError("failed", "nothing was switched");
    say("everything of it is on already, by somebody else: nothing to be switched, nothing to be put back");
    return;
  }
  warn(here);
  const stays = options.for !== undefined;
  const how = stays
    ? `for ${span(forNs / 1e9)}; Ctrl-C ends it`
    : `until aod debug off, at most for ${span(forNs / 1e9)} (process ${keeper.pid})`;
  say(`on: ${here.join(" and ")}, ${how}`);
  say("aod debug dmesg --follow shows what the messages mean; dmesg and journalctl -k have all of them");
  if (options.json === true) print({ ...switches.now() });
  if (!stays) {
    keeper.leave();
    return;
  }
  await atEnd((await keeper.ended) ?? (await whenFree(() => switches.tidy())), switches);
}

async function switchOff(options: Options): Promise<void> {
  const { switches } = prepare(options);
  const wanted = chosen(options);
  const { holders, switches: remembered } = switches.remembered();
  const outcome = await whenFree(() => switches.revoke(DEBUG, wanted));
  const left = switches.remembered().holders;
  for (const { name, pid } of holders) {
    // It has nothing to put back any more.
    if (name === DEBUG && !left.some((holder) => holder.pid === pid)) endProcess(pid);
  }
  if (remembered.length === 0) say("nothing was on by aod debug");
  await atEnd(outcome, switches);
  if (options.json === true) print({ ...switches.now() });
}

/** What is on still, by whom, and what could not be put back. */
async function atEnd(outcome: Outcome, switches: ClientSwitches): Promise<void> {
  for (const path of outcome.putBack) say(`put back ${path}`);
  for (const path of outcome.foreign) say(`${path} was changed by somebody else meanwhile: left as it is`);
  for (const { name, pid } of switches.remembered().holders)
    say(`${name} (process ${pid}) keeps it on: aod debug status tells for how long`);
  tellErrors(outcome);
  if (outcome.errors.length > 0)
    throw new AodError("failed", "not everything could be put back: aod debug off tries again");
}

function showStatus(options: Options): void {
  const switches = switchesIn(daemonDirs(options).stateDir);
  const wanted = chosen(options);
  const now = switches.now();
  const shown = { ...now, numbers: now.numbers.filter(({ protocol }) => wanted.includes(protocol)) };
  if (options.json === true) print({ ...shown });
  else for (const line of switchesText(shown, systemClock.nowNs(), wanted)) process.stdout.write(`${line}\n`);
}

const print = (value: Record<string, unknown>): void => void process.stdout.write(`${JSON.stringify(value)}\n`);

function tellErrors({ errors }: Outcome): void {
  for (const error of errors) say(error);
}

function warn(protocols: readonly Protocol[]): void {
  if (protocols.includes("smb"))
    say("warning: the SMB client now logs several lines for each request, up to 10 in 5 s of each place in its source");
  if (protocols.includes("nfs"))
    say("warning: NFS and RPC now log dozens of lines for each call, without a limit: a busy mount makes MB a second");
  say(
    "warning: it slows the clients down and pushes older messages out of the kernel's log; names of files and users are in it",
  );
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, "SIGTERM");
  } catch (error) {
    // It has ended meanwhile.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
