import { appendFileSync, chmodSync, chownSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AodError } from "../../src/system/error.ts";
import type { Lab } from "./lab.ts";
import { listens, pidsByComm, processState } from "./proc.ts";
import { Background } from "./process.ts";

/** Options of smb.conf(5) by name. */
export type SmbOptions = Readonly<Record<string, string>>;

export interface SambaRequest {
  /** By share name; each gets a directory in memory. */
  readonly shares?: Readonly<Record<string, SmbOptions>>;
  readonly global?: SmbOptions;
}

/** Login of every share. The server is reachable from inside the guest only. */
export const sambaUser = { name: "aodlab", password: "aodlab", uid: 4711 } as const;

// MD4 of the password in UTF-16LE: written directly because every Samba program costs seconds under emulation.
const ntHash = "DD245261AC78C80FF5B58BF1E2534D6E";

const root = "/run/lab-work/samba";
const directories = ["private", "lock", "state", "cache", "pid", "ncalrpc", "log", "shares"] as const;

const globalDefaults: SmbOptions = {
  workgroup: "LAB",
  "server role": "standalone server",
  "smb ports": "445",
  interfaces: "lo",
  "bind interfaces only": "yes",
  "disable netbios": "yes",
  "map to guest": "never",
  "passdb backend": `smbpasswd:${root}/private/smbpasswd`,
  "private dir": `${root}/private`,
  "lock directory": `${root}/lock`,
  "state directory": `${root}/state`,
  "cache directory": `${root}/cache`,
  "pid directory": `${root}/pid`,
  "ncalrpc dir": `${root}/ncalrpc`,
  "log file": `${root}/log/smbd.log`,
  logging: "file",
  "load printers": "no",
  printing: "bsd",
  "disable spoolss": "yes",
  // No share is listed and no account looked up: the helper programs would only cost start-up time.
  "rpc start on demand helpers": "no",
  // The share's file system is tmpfs, which has no user attributes before 6.6.
  "store dos attributes": "no",
  "ea support": "no",
};

const shareDefaults: SmbOptions = { "read only": "no", "force user": "root" };

interface Running {
  readonly config: string;
  readonly process: Background;
}

let running: Running | undefined;

/** Text of smb.conf. */
export function sambaConfig(request: SambaRequest): string {
  const section = (name: string, options: SmbOptions): string =>
    `[${name}]\n${Object.entries(options)
      .map(([key, value]) => `  ${key} = ${value}\n`)
      .join("")}`;
  const shares = Object.entries(request.shares ?? { share: {} });
  return [
    section("global", { ...globalDefaults, ...request.global }),
    ...shares.map(([name, options]) => section(name, { path: shareDirectory(name), ...shareDefaults, ...options })),
  ].join("\n");
}

/** Where a share's files are on the server. */
export function shareDirectory(share: string): string {
  return join(root, "shares", share);
}

const isSmbd = (comm: string): boolean => comm.startsWith("smbd");

/** All processes of the server: parent, one per client, helpers. */
export function smbdPids(): number[] {
  return pidsByComm(isSmbd).filter((pid) => processState(pid) !== "Z");
}

/**
 * Starts smbd with one writable share `share` unless told otherwise, and returns once it listens. A server that an
 * earlier scenario of the same boot left with the same configuration is used again: starting one costs seconds.
 */
export async function startSamba(lab: Lab, request: SambaRequest = {}): Promise<void> {
  const config = sambaConfig(request);
  if (running?.process.running === true && running.config === config && listens(445)) return;
  await stopSamba();
  for (const name of directories) mkdirSync(join(root, name), { recursive: true });
  chmodSync(join(root, "private"), 0o700);
  for (const name of Object.keys(request.shares ?? { share: {} })) mkdirSync(shareDirectory(name), { recursive: true });
  addUser();
  writeFileSync(join(root, "smb.conf"), config);
  await launch(lab, config);
}

function addUser(): void {
  const { name, uid } = sambaUser;
  if (!readFileSync("/etc/passwd", "utf8").includes(`\n${name}:`)) {
    appendFileSync("/etc/passwd", `${name}:x:${uid}:${uid}::/nonexistent:/usr/sbin/nologin\n`);
    appendFileSync("/etc/group", `${name}:x:${uid}:\n`);
  }
  // smbpasswd(5): name, uid, LM hash (none), NT hash, flags of a user account, time of the last change.
  const file = join(root, "private", "smbpasswd");
  writeFileSync(file, `${name}:${uid}:${"X".repeat(32)}:${ntHash}:[U          ]:LCT-68000000:\n`);
  chmodSync(file, 0o600);
  chownSync(file, 0, 0);
}

/** A further user with the lab's password; nothing where it is there already. After startSamba. */
export function addSmbUser(user: {
  readonly name: string;
  readonly uid: number;
  /** Flags of smbpasswd(5): `DU` is disabled. */
  readonly flags?: string;
  /** When the password was set, in hexadecimal: 0 is one that has to be changed. */
  readonly changed?: string;
}): void {
  const { name, uid, flags = "U", changed = "68000000" } = user;
  if (!readFileSync("/etc/passwd", "utf8").includes(`\n${name}:`))
    appendFileSync("/etc/passwd", `${name}:x:${uid}:${uid}::/nonexistent:/usr/sbin/nologin\n`);
  const file = join(root, "private", "smbpasswd");
  if (readFileSync(file, "utf8").includes(`${name}:`)) return;
  appendFileSync(file, `${name}:${uid}:${"X".repeat(32)}:${ntHash}:[${flags.padEnd(11)}]:LCT-${changed}:\n`);
}

async function launch(lab: Lab, config: string): Promise<void> {
  const log = join(root, "log", "start.log");
  const process = new Background(["smbd", "-F", "--no-process-group", "-s", join(root, "smb.conf")], {
    stdout: log,
    stderr: log,
  });
  running = { config, process };
  try {
    await lab.until("smbd listens on port 445", 60, () => {
      if (!process.running) throw new AodError("failed", `smbd ended: ${readFileSync(log, "utf8").slice(-2000)}`);
      return listens(445);
    });
  } catch (error) {
    await stopSamba();
    throw error;
  }
}

/** Ends the server at once and waits until it is gone; open connections are reset. */
export async function killSamba(): Promise<void> {
  const pids = smbdPids();
  // Killed parent first, so that it starts no further child.
  for (const pid of pids) signal(pid, "SIGKILL");
  await running?.process.ended;
  const end = performance.now() + 10_000;
  while (smbdPids().length > 0) {
    if (performance.now() > end) throw new AodError("failed", `smbd ${smbdPids().join(", ")} cannot be killed`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Starts a killed server again with the configuration that it had. */
export async function restartSamba(lab: Lab): Promise<void> {
  if (running === undefined) throw new AodError("usage", "Samba was never started");
  await launch(lab, running.config);
}

/** Ends the server for good, with its data. */
export async function stopSamba(): Promise<void> {
  if (running === undefined) return;
  await killSamba();
  running = undefined;
  rmSync(root, { recursive: true, force: true });
}

/** Stops every process of the server (SIGSTOP): connections stay, nothing is answered. */
export function freezeSamba(lab: Lab): void {
  const pids = smbdPids();
  if (pids.length === 0) throw new AodError("failed", "no smbd runs");
  for (const pid of pids) signal(pid, "SIGSTOP");
  lab.onEnd("thaw Samba", async () => thawSamba());
}

export function thawSamba(): void {
  for (const pid of smbdPids()) signal(pid, "SIGCONT");
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
