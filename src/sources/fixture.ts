import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import type { Observation, ObservationOf, ObservationType } from "../detect/observation.ts";
import type { Run, RunResult } from "../system/process.ts";
import type { Stream } from "../system/stream.ts";
import { mountsSource } from "./mounts.ts";
import type { Outcome, Situation, Source, SourceRoots } from "./source.ts";

// For tests: a machine that is a directory, whose clock stands still.

export const quiet: Situation = { trouble: false, idle: false, blindSmb: false, blindNfs: false, smb: true, nfs: true };

export interface FakeMachine {
  readonly roots: SourceRoots;
  /** Below the root: `proc/1/mountinfo`. Undefined: there is none any more. */
  write(path: string, text: string | Buffer | undefined): void;
  seconds(count: number): void;
  /** Observations of a look; fails when it is off. */
  look(source: Source, situation?: Partial<Situation>): Promise<readonly Observation[]>;
  outcome(source: Source, situation?: Partial<Situation>): Promise<Outcome>;
}

export function fakeMachine(
  t: TestContext,
  programs: { readonly run?: Run; readonly stream?: Stream } = {},
): FakeMachine {
  const root = mkdtempSync(join(tmpdir(), "aod-source-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  let nowNs = 1000e9;
  const outcome = async (source: Source, situation: Partial<Situation> = {}): Promise<Outcome> =>
    source.read({ ...quiet, ...situation }, new AbortController().signal);
  return {
    roots: {
      clock: { nowNs: () => nowNs, wallMs: () => Date.UTC(2026, 10, 22, 13) + nowNs / 1e6 },
      procRoot: join(root, "proc"),
      sysRoot: join(root, "sys"),
      kmsgPath: join(root, "dev/kmsg"),
      fsRoot: root,
      run: programs.run ?? (async () => missing),
      stream: programs.stream ?? noStream,
    },
    write(path, text) {
      const file = join(root, path);
      mkdirSync(dirname(file), { recursive: true });
      if (text === undefined) rmSync(file, { force: true });
      else writeFileSync(file, text);
    },
    seconds(count) {
      nowNs += count * 1e9;
    },
    outcome,
    look: async (source, situation) => {
      const result = await outcome(source, situation);
      if ("off" in result) throw new Error(`${source.name} is off: ${result.off}`);
      return result.observations;
    },
  };
}

/** The one observation of a kind. */
export function only<T extends ObservationType>(observations: readonly Observation[], type: T): ObservationOf<T> {
  const found = observations.filter((one): one is ObservationOf<T> => one.type === type);
  const [first] = found;
  if (first === undefined || found.length > 1) throw new Error(`${found.length} observations of ${type}`);
  return first;
}

const missing: RunResult = {
  status: "missing",
  code: null,
  stdout: Buffer.alloc(0),
  stderr: "",
  truncated: false,
  tookMs: 0,
  reason: "it is not installed",
};

/** What a program printed. */
export function printed(text: string): RunResult {
  return { status: "ok", code: 0, stdout: Buffer.from(text), stderr: "", truncated: false, tookMs: 1 };
}

const noStream: Stream = (argv, { onEnd }) => {
  onEnd({ missing: true, reason: `${argv[0]} is not installed` });
  return { stop: () => {} };
};

export const smbMount = "40 22 0:45 / /mnt/s rw - cifs //files/data rw,vers=3.1.1,addr=10.0.0.1\n";
export const nfsMount = "41 22 0:46 / /mnt/n rw - nfs4 nas:/export rw,vers=4.2,hard,addr=10.0.0.2\n";

/** A machine with one SMB and one NFS mount, and the source that has seen them. */
export async function withMounts(
  t: TestContext,
  run?: Run,
): Promise<{ machine: FakeMachine; mounts: ReturnType<typeof mountsSource> }> {
  const machine = fakeMachine(t, run === undefined ? {} : { run });
  machine.write("proc/1/mountinfo", smbMount + nfsMount);
  const mounts = mountsSource(machine.roots);
  await machine.look(mounts);
  return { machine, mounts };
}
