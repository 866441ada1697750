import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import type { Run, RunResult } from "../system/process.ts";
import type { Machine } from "./machine.ts";
import type { Network } from "./network/network.ts";

// For tests: a machine that is a directory, with programs and a network that say what they are told to.

export interface FakeMachine extends Machine {
  /** Below the root: `proc/self/mountinfo`. */
  write(path: string, content: string | Buffer): void;
}

export interface Fakes {
  /** What programs print, by their first word or by the whole command line. All others are not installed. */
  readonly programs?: Readonly<Record<string, string | Partial<RunResult>>>;
  readonly network?: Partial<Network>;
}

export function fakeMachine(t: TestContext, { programs = {}, network = {} }: Fakes = {}): FakeMachine {
  const root = mkdtempSync(join(tmpdir(), "aod-doctor-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const run: Run = async (argv) => {
    const said = programs[argv.join(" ")] ?? programs[argv[0]];
    if (said === undefined) return { ...ran, status: "missing", code: null, reason: `${argv[0]} is not installed` };
    return typeof said === "string" ? { ...ran, stdout: Buffer.from(said) } : { ...ran, ...said };
  };
  const unasked = (what: string) => (): never => {
    throw new Error(`${what} was not to be asked`);
  };
  return {
    procRoot: join(root, "proc"),
    sysRoot: join(root, "sys"),
    fsRoot: root,
    run,
    clock: { nowNs: () => 1000e9, wallMs: () => Date.UTC(2026, 10, 22, 13) },
    network: { addresses: unasked("a name"), dns: unasked("DNS"), connect: unasked("a port"), ...network },
    write(path, content) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), content);
    },
  };
}

const ran: RunResult = { status: "ok", code: 0, stdout: Buffer.alloc(0), stderr: "", truncated: false, tookMs: 1 };
