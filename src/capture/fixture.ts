// For tests: captured trees instead of this machine.

import { fileURLToPath } from "node:url";
import { fixedClock } from "../bundle/fixture.ts";
import { parseMounts } from "../system/mounts.ts";
import type { Run, RunResult } from "../system/process.ts";
import type { CaptureContext, CaptureFile } from "./capture.ts";
import type { CaptureEnvironment } from "./run.ts";

const trees = new URL("../../test/fixtures/evidence/", import.meta.url);

/** A machine without any program. */
const noPrograms: Run = async (argv) => ({
  status: "missing",
  code: null,
  stdout: Buffer.alloc(0),
  stderr: "",
  truncated: false,
  tookMs: 0,
  reason: `${argv[0]} is not installed`,
});

export function environmentOf(kernel = "6.12"): CaptureEnvironment {
  const root = fileURLToPath(new URL(`${kernel}/`, trees));
  return {
    clock: fixedClock,
    procRoot: `${root}proc`,
    sysRoot: `${root}sys`,
    kmsgPath: "/nowhere/kmsg",
    run: noPrograms,
    servers: () => Promise.resolve([{ address: "127.0.0.1", port: 445 }]),
    networkMounts: () => Promise.resolve(mounts),
    openedNs: 4e9,
    samples: { dump: () => [] },
  };
}

const mounts = parseMounts(
  "//files.example/share /mnt/c cifs rw,addr=127.0.0.1 0 0\nnas:/export /srv/my\\040nfs nfs4 rw,addr=10.0.0.2 0 0\n",
);

/** Answers by the program's name and arguments, joined; what is not among them is not installed. */
export function programs(answers: Readonly<Record<string, string | Partial<RunResult>>>): Run & { asked: string[] } {
  const asked: string[] = [];
  const run: Run = async (argv, options) => {
    asked.push(argv.join(" "));
    const key = Object.keys(answers).find((start) => argv.join(" ").startsWith(start));
    const answer = key === undefined ? undefined : answers[key];
    if (answer === undefined) return await noPrograms(argv, options);
    const given = typeof answer === "string" ? { stdout: Buffer.from(answer) } : answer;
    return { status: "ok", code: 0, stdout: Buffer.alloc(0), stderr: "", truncated: false, tookMs: 1, ...given };
  };
  return Object.assign(run, { asked });
}

export function contextOf(more: Partial<CaptureContext> = {}, kernel?: string): CaptureContext {
  return {
    ...environmentOf(kernel),
    phase: "open",
    programMs: 10_000,
    signal: new AbortController().signal,
    lost: () => {},
    ...more,
  };
}

/** All files of a capture, content as text. */
export async function collectAll(
  files: AsyncIterable<CaptureFile>,
): Promise<Map<string, CaptureFile & { text: string }>> {
  const all = new Map<string, CaptureFile & { text: string }>();
  for await (const file of files) {
    const { content = "" } = file;
    if (typeof content !== "string" && !Buffer.isBuffer(content)) throw new Error(`${file.name} is a stream`);
    all.set(file.name, { ...file, text: content.toString() });
  }
  return all;
}
