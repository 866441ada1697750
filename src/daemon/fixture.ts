import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { recoverBundles } from "../bundle/recover.ts";
import { createBundle } from "../bundle/writer.ts";
import { type Config, parseConfig } from "../config/config.ts";
import { op } from "../detect/fixture.ts";
import type { Probe, ProbeExit } from "../probe/helper.ts";
import type { ProbeEvent, SmbOp } from "../probe/op.ts";
import type { ProbeSettings } from "../probe/settings.ts";
import { parseDebugData } from "../smb/debug-data.ts";
import type { Clock } from "../system/clock.ts";
import { Daemon, type DaemonDeps } from "./daemon.ts";
import { createLog } from "./log.ts";

// For tests: a daemon with a probe that says what it is told to, a clock that stands still, and a state directory of its own.

export const S = 1e9;
const START_NS = 1000 * S;
const START_WALL_MS = Date.UTC(2026, 10, 22, 13, 5, 11);

/** The ring of a kernel, as far as `history` shows it. */
export class FakeProbe implements Probe {
  ops: SmbOp[] = [];
  readonly asked: number[] = [];
  stopped = false;
  /** False: it does not answer. */
  answers = true;
  onEvent: (event: ProbeEvent) => void = () => {};
  onExit: (exit: ProbeExit) => void = () => {};
  #token = 0;

  readonly settings: ProbeSettings[] = [];

  set(settings: ProbeSettings): void {
    this.settings.push(settings);
  }

  history(from: number): number {
    this.asked.push(from);
    const token = ++this.#token;
    if (this.answers) queueMicrotask(() => this.#answer(from, token));
    return token;
  }

  stop(): Promise<void> {
    this.stopped = true;
    this.onExit({ requested: true, unsupported: false, message: "stopped" });
    return Promise.resolve();
  }

  hello(): void {
    const hooks = [{ name: "create", function: "smb2_setup_request", rung: "fentry", needed: true } as const];
    this.onEvent({
      type: "hello",
      hello: { pid: 4321, probe: "smb_wire", module: "cifs", release: "6.12.0", ring: 16384, hooks },
    });
  }

  completed(...ops: SmbOp[]): void {
    this.ops = [...this.ops.filter((known) => ops.every((one) => one.seq !== known.seq)), ...ops];
    this.onEvent({ type: "ops", ops });
  }

  inFlight(nowNs: number, ...ops: SmbOp[]): void {
    this.onEvent({ type: "inflight", inflight: { nowNs, open: ops.length, ops, waiters: [] } });
  }

  #answer(from: number, token: number): void {
    const ops = this.ops.filter((one) => one.seq >= from);
    const head = Math.max(0, ...this.ops.map((one) => one.seq));
    this.onEvent({ type: "history", history: { head, oldest: 1, torn: 0, token, ops, done: true } });
  }
}

export const debugData = `Servers: 
1) ConnectionId: 0x1 Hostname: files.example 
TCP status: 1 Instance: 1
In Send: 0 In MaxReq Wait: 0

	Sessions: 
	1) Address: 127.0.0.1 Uses: 1 Capability: 0x300047	Session Status: 1 
	Security type: RawNTLMSSP  SessionId: 0x65
	User: 0 Cred User: 0

	Shares: 
	0) IPC: \\\\files.example\\IPC$ Mounts: 1 DevInfo: 0x0 Attributes: 0x0
	PathComponentMax: 0 Status: 1 type: 0 Serial Number: 0x0
	Share Capabilities: None	Share Flags: 0x0
	tid: 0x1	Maximal Access: 0x1f00a9

	1) \\\\files.example\\share Mounts: 1 DevInfo: 0x20 Attributes: 0x1006f
	PathComponentMax: 255 Status: 1 type: DISK Serial Number: 0x1
	Share Capabilities: None	Share Flags: 0x0
	tid: 0x5	Maximal Access: 0x1f01ff

	MIDs: 
	Server ConnectionId: 0x1
		State: 2 com: 9 pid: 1234 cbdata: 0 mid 41
--
`;

export interface World {
  readonly daemon: Daemon;
  readonly probe: FakeProbe;
  readonly config: Config;
  readonly clock: Clock & { stepWall(ms: number): void };
  readonly log: { readonly lines: string[] };
  /** What DebugData says. */
  debugData: string | undefined;
  moduleLoaded: boolean;
  /** Order of what the captures did. */
  readonly captured: string[];
  /** Lets seconds pass, with a beat at the end of each. */
  seconds(count: number): Promise<void>;
}

/** `stateDir`: to start a second daemon where a first one was. */
export function createWorld(
  t: TestContext,
  options: { readonly yaml?: string; readonly stateDir?: string; readonly deps?: Partial<DaemonDeps> } = {},
): World {
  const root = options.stateDir ?? mkdtempSync(join(tmpdir(), "aod-daemon-"));
  if (options.stateDir === undefined) t.after(() => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, "bundles"), { recursive: true });
  const config = { ...parseConfig(options.yaml ?? "", "test.yaml"), state_dir: root, run_dir: root };
  let nowNs = START_NS;
  let wallMs = START_WALL_MS;
  const stepWall = (ms: number): void => {
    wallMs += ms;
  };
  const clock = { nowNs: () => nowNs, wallMs: () => wallMs, stepWall };
  const probe = new FakeProbe();
  const lines: string[] = [];
  const captured: string[] = [];
  const world: Omit<World, "daemon"> & { daemon?: Daemon } = {
    probe,
    config,
    clock,
    log: { lines },
    debugData,
    moduleLoaded: true,
    captured,
    seconds: async (count) => {
      for (let second = 0; second < count; second++) {
        nowNs += S;
        wallMs += 1000;
        daemon.beat();
        await daemon.incidents.idle();
      }
    },
  };
  const daemon = new Daemon({
    config,
    clock,
    log: createLog({ write: (line) => lines.push(line) }),
    procRoot: join(root, "no-proc"),
    moduleLoaded: () => world.moduleLoaded,
    startProbe: (onEvent, onExit) => {
      probe.onEvent = onEvent;
      probe.onExit = onExit;
      return probe;
    },
    readDebugData: () => (world.debugData === undefined ? undefined : parseDebugData(world.debugData)),
    createBundle: (meta) => createBundle(root, meta, { clock, minFreeBytes: 0 }),
    recoverBundles: () => recoverBundles(root),
    retain: async () => [],
    capture: async (phase, writer) => {
      captured.push(phase);
      await (await writer)?.addFile(`${phase}/DebugData`, world.debugData ?? "");
    },
    sample: () => {},
    versions: { aod: "0.1.0", node: "v26.0.0", kernel: "6.12.0" },
    host: { name: "client", kernel: "6.12.0", arch: "x86_64" },
    ...options.deps,
  });
  return Object.assign(world, { daemon });
}

/** As kill -9 leaves it: a copy of the state directory at this moment. */
export function copyOf(t: TestContext, stateDir: string): string {
  const copy = mkdtempSync(join(tmpdir(), "aod-crash-"));
  t.after(() => rmSync(copy, { recursive: true, force: true }));
  cpSync(stateDir, copy, { recursive: true });
  writeFileSync(join(copy, "a-crash"), "");
  return copy;
}

/** The world a second later, with its probe attached. */
export async function attached(world: World): Promise<World> {
  await world.seconds(1);
  world.probe.hello();
  return world;
}

/** An operation that has ended right now, too slow for the defaults. */
export const slow = (world: World, seq: number, latencyMs = 1500) =>
  op({ seq, latencyMs, endedNs: world.clock.nowNs() });
