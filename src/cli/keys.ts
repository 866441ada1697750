import { closeSync, existsSync, openSync, readFileSync, writeSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { type AllKeys, cipherName, keyFileText, parseHelperLine } from "../packets/smb/key-file.ts";
import { AodError, messageOf } from "../system/error.ts";
import { type MountInfo, mountOf, parseMountinfo } from "../system/mountinfo.ts";
import { isNfs, isSmb } from "../system/mounts.ts";
import { nativePaths } from "../system/paths.ts";
import { hasCode } from "../system/proc.ts";
import { createRunner, type Run } from "../system/process.ts";

interface Options {
  readonly out: string;
  readonly json?: true;
  readonly timeout: number;
}

/** What the command needs of the machine. Tests pass their own. */
export interface KeysWorld {
  readonly run: Run;
  readonly helper: string;
  readonly mountinfo: string;
  readonly cwd: string;
}

/** `aod keys`: works without the daemon. */
export function build(): Command {
  return new Command("keys")
    .description("Write the keys of encrypted SMB sessions into a file, to decrypt captures of them.")
    .argument("<path...>", "mount points, or files on them")
    .requiredOption("--out <file>", "a new file, for its owner alone")
    .option("--timeout <seconds>", "how long the server may keep us waiting", secondsOf, 10)
    .option("--json", "one object: the file and its sessions, without keys")
    .addHelpText(
      "after",
      `
Examples:
  sudo aod keys /mnt/share --out share.keys
  sudo aod packets --keys share.keys trace.pcap

WARNING: whoever has the file can read everything that was captured of these sessions, names and contents of files too. Remove it when you are
done, and never send it with a capture unless you mean to. The keys go into this file alone. They are those of the session as it is now: a
reconnect makes new ones, so take them while the capture runs. On a multiuser mount the session is that of root.

Exit status: 0 done, 1 failed, 2 wrong usage, 3 not supported here, or the session is not encrypted.`,
    )
    .action(async (paths: readonly string[], options: Options) => {
      if (process.geteuid?.() !== 0)
        throw new AodError("failed", "the kernel gives keys to root alone: run it as root, or with sudo");
      const mountinfo = readFileSync("/proc/self/mountinfo", "utf8");
      const world = { run: createRunner(), helper: nativePaths().probe, mountinfo, cwd: process.cwd() };
      await keys(paths, options, world, (line) => void process.stdout.write(`${line}\n`));
    });
}

function secondsOf(text: string): number {
  const seconds = Number(text);
  if (!(seconds > 0 && seconds <= 600)) throw new InvalidArgumentError("expected seconds, up to 600");
  return seconds;
}

export async function keys(
  paths: readonly string[],
  { out, json, timeout }: Options,
  world: KeysWorld,
  print: (line: string) => void,
): Promise<void> {
  const mounts = parseMountinfo(world.mountinfo);
  refuseOut(out, mounts, world.cwd);
  const all: AllKeys[] = [];
  for (const path of paths) {
    refuseOther(path, mounts, world.cwd);
    all.push(await keysOf(resolve(world.cwd, path), timeout, world));
  }
  // Several paths may belong to one session.
  const sessions = [...new Map(all.map((entry) => [entry.session, entry])).values()];
  writeKeys(resolve(world.cwd, out), keyFileText(sessions));
  const named = sessions.map(({ session, cipher }) => ({ id: session, cipher: cipherName(cipher) }));
  if (json === true) print(JSON.stringify({ file: out, sessions: named }));
  else for (const line of instructions(out, resolve(world.cwd, out), named)) print(line);
}

function refuseOut(out: string, mounts: readonly MountInfo[], cwd: string): void {
  const mount = mountOf(out, mounts, cwd);
  if (mount === undefined || !(isSmb(mount) || isNfs(mount))) {
    if (existsSync(resolve(cwd, out))) throw thereAlready(out);
    return;
  }
  throw new AodError("usage", `${out} lies on the network mount ${mount.target}: keys do not belong there`);
}

const thereAlready = (path: string): AodError =>
  new AodError("usage", `${path} is there already: name a new file, or remove it`);

/** By names alone: what lies elsewhere is told before anything is opened. */
function refuseOther(path: string, mounts: readonly MountInfo[], cwd: string): void {
  const mount = mountOf(path, mounts, cwd);
  if (mount !== undefined && isSmb(mount)) return;
  const ours = mounts.filter(isSmb).map(({ target }) => target);
  const hint = ours.length === 0 ? "there is none here" : `the SMB mounts are ${ours.join(", ")}`;
  throw new AodError("usage", `${path} is not on an SMB mount: ${hint}`);
}

async function keysOf(path: string, timeout: number, { run, helper }: KeysWorld): Promise<AllKeys> {
  const { status, code, stdout, stderr, reason } = await run([helper, "--keys", path], {
    timeoutMs: timeout * 1000,
    maxBytes: 4096,
  });
  if (status === "missing") throw new AodError("failed", `${helper} is not there: build it (npm run build)`);
  if (status === "timeout") {
    throw new AodError("failed", `${path} did not answer within ${timeout} s: does the server? --timeout waits longer`);
  }
  if (status !== "ok") throw new AodError(code === 3 ? "unsupported" : "failed", stderr.trim() || (reason ?? ""));
  const found = parseHelperLine(stdout.toString("latin1"));
  stdout.fill(0);
  if (found === undefined)
    throw new AodError("failed", `${helper} said something else than keys: is it of this build?`);
  return found;
}

function writeKeys(path: string, text: string): void {
  let fd: number;
  try {
    fd = openSync(path, "wx", 0o600);
  } catch (error) {
    if (hasCode(error, "EEXIST")) throw thereAlready(path);
    throw new AodError("failed", messageOf(error), { cause: error });
  }
  try {
    writeSync(fd, text);
  } finally {
    closeSync(fd);
  }
}

function instructions(
  out: string,
  whole: string,
  sessions: readonly { readonly id: string; readonly cipher: string }[],
): string[] {
  const directory = resolve(dirname(whole), "wireshark-keys");
  return [
    `${out}: keys of ${sessions.map(({ id, cipher }) => `session ${id} (${cipher})`).join(", ")}`,
    "WARNING: whoever has this file can read what was captured of it, names and contents of files too. Remove it when you are done.",
    "",
    `aod:        aod packets --keys ${out} CAPTURE`,
    `tshark:     mkdir -m 700 ${directory}; ln -s ${whole} ${directory}/smb2_seskey_list`,
    `            WIRESHARK_CONFIG_DIR=${directory} tshark -r CAPTURE -Y smb2`,
    `Wireshark:  WIRESHARK_CONFIG_DIR=${directory} wireshark CAPTURE`,
    "            or Edit, Preferences, Protocols, SMB2, Secret session keys for decryption: Session ID, Session Key,",
    "            Server-to-Client and Client-to-Server are the fields of a line of the file, in this order",
  ];
}
