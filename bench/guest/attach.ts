import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Lab } from "../../lab/guest/lab.ts";
import { AodFrameType } from "../../src/probe/decoders.gen.ts";
import { settingsFrame } from "../../src/probe/settings.ts";
import { AodError } from "../../src/system/error.ts";
import type { SetName } from "../request.ts";
import { build } from "./paths.ts";

/** What is attached; detaching is waited for. */
export interface Attached {
  /** Of aod-probe. */
  readonly pid?: number;
  readonly detach: () => Promise<void>;
}

export async function attach(lab: Lab, set: SetName): Promise<Attached> {
  switch (set) {
    case "off":
      return { detach: async () => {} };
    case "trace-cmd":
      await lab.run(["trace-cmd", "start", "-e", "cifs"]);
      return {
        detach: async () => {
          await lab.run(["trace-cmd", "reset"]);
        },
      };
    case "ours":
      return startHelper();
    default:
      return attachObject(join(build, "bench", `${set}.bpf.o`));
  }
}

/** Everything in an object, by bench/attach.c. */
async function attachObject(object: string): Promise<Attached> {
  const child = spawn(join(build, "bench", "attach"), [object], { stdio: ["pipe", "pipe", "inherit"] });
  await firstOutput(child, 1);
  return { detach: () => endInput(child) };
}

/** aod-probe as the daemon starts it, with thresholds that nothing here reaches. Its frames are read and thrown away. */
async function startHelper(): Promise<Attached> {
  const argv = ["--module", "cifs", "--object", join(build, "bpf", "smb_wire.bpf.o")];
  const child = spawn(join(build, "aod-probe"), argv, { stdio: ["pipe", "pipe", "inherit"] });
  // The first frame, HELLO, comes once everything is attached and privileges are dropped; ERROR comes instead.
  const frame = await firstOutput(child, 8);
  if (frame.readUInt16LE(4) !== AodFrameType.FRAME_HELLO) {
    throw new AodError("failed", `no HELLO of aod-probe: ${frame.toString("latin1")}`);
  }
  const tenSeconds = 10_000_000;
  child.stdin.write(settingsFrame({ slowUs: tenSeconds, inflightUs: tenSeconds }));
  return { ...(child.pid === undefined ? {} : { pid: child.pid }), detach: () => endInput(child) };
}

/** At least so many bytes of a program's first output; all output after it is thrown away. */
function firstOutput(child: ChildProcess, size: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let told = Buffer.alloc(0);
    child.stdout?.on("data", (chunk: Buffer) => {
      if (told.length >= size) return;
      told = Buffer.concat([told, chunk]);
      if (told.length >= size) resolve(told);
    });
    child.once("error", reject);
    child.once("exit", (status) => reject(new AodError("failed", `${child.spawnfile} ended with status ${status}`)));
  });
}

async function endInput(child: ChildProcess): Promise<void> {
  child.stdin?.end();
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}
