// A network that says what a test wants.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Run, RunResult } from "../../system/process.ts";
import { type Machine, thisMachine } from "../machine.ts";
import type { Network } from "./network.ts";

/** By `address:port`, or `address` for all its ports: an errno's name, `timeout`, or the local port that it leads to. */
export type Reach = Readonly<Record<string, string | number>>;

export interface FakeNetwork {
  readonly names?: Readonly<Record<string, readonly string[] | string>>;
  /** An errno's name for all: the servers answer nothing. */
  readonly dns?: Readonly<Record<string, readonly string[]>> | string;
  readonly reach?: Reach;
  /** ms that a connection takes. */
  readonly tookMs?: number;
}

const coded = (code: string): Error => Object.assign(new Error(code), { code });

export const fakeNetwork = ({ names = {}, dns = {}, reach = {}, tookMs = 1 }: FakeNetwork): Network => ({
  addresses: async (name) => {
    const found = names[name] ?? "ENOTFOUND";
    if (typeof found === "string") throw coded(found);
    return found;
  },
  dns: async (name) => {
    if (typeof dns === "string") throw coded(dns);
    return dns[name] ?? [];
  },
  connect: async (address, port) => {
    const state = reach[`${address}:${port}`] ?? reach[address] ?? "ECONNREFUSED";
    if (state === "timeout") return { state, tookMs: 5000 };
    if (typeof state === "string") return { state: "failed", code: state, tookMs };
    const socket = connect(state, "127.0.0.1");
    await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    return { state: "open", socket, tookMs };
  },
});

/** A port of this machine that takes connections, until the test ends. */
export async function listening(t: { after(end: () => void): void }): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

export interface FakeMachine extends FakeNetwork {
  /** By path. */
  readonly files?: Readonly<Record<string, string>>;
  /** By the program with its arguments, the longest beginning that fits. What is not there is not installed. */
  readonly programs?: Readonly<Record<string, Partial<Omit<RunResult, "stdout">> & { readonly stdout?: string }>>;
}

/** A machine whose files lie in a directory of their own, until the test ends. */
export function fakeMachine(t: { after(end: () => void): void }, machine: FakeMachine): Machine {
  const root = mkdtempSync(join(tmpdir(), "aod-doctor-"));
  t.after(() => rmSync(root, { recursive: true }));
  for (const [path, text] of Object.entries(machine.files ?? {})) {
    mkdirSync(join(root, path, ".."), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const run: Run = async (argv) => {
    const line = argv.join(" ");
    const known = Object.keys(machine.programs ?? {}).filter((key) => line.startsWith(key));
    const key = known.sort((left, right) => right.length - left.length)[0];
    const said = key === undefined ? undefined : machine.programs?.[key];
    const nothing = { code: null, stdout: Buffer.alloc(0), stderr: "", truncated: false, tookMs: 0 } as const;
    if (said === undefined) return { ...nothing, status: "missing", reason: `${argv[0]} is not installed` };
    return { ...nothing, status: "ok", code: 0, ...said, stdout: Buffer.from(said.stdout ?? "") };
  };
  return {
    ...thisMachine(),
    procRoot: join(root, "proc"),
    sysRoot: join(root, "sys"),
    fsRoot: root,
    run,
    network: fakeNetwork(machine),
  };
}
