import { headerOf } from "../record/header.ts";
import type { LiveWorld } from "../record/live-world.ts";
import { refuseNetworkMount } from "../record/network-mount.ts";
import { Recorder } from "../record/recorder.ts";
import { createRecording } from "../record/writer.ts";
import type { Logger } from "./log.ts";
import { furtherKinds } from "./probes/further-probes.ts";

const MAX_BYTES = 1024 ** 3;

/** Everything that the daemon judges by, into `file` (docs/record.md). */
export function recordTo(file: string, world: LiveWorld): void {
  refuseNetworkMount(file, world.readProc, process.cwd());
  const further = furtherKinds.map(({ name, module }) => ({ name, module, args: [] }));
  const probes = [{ name: "smb_wire", module: "cifs", args: [] }, ...further];
  const writer = createRecording(file, headerOf("run", probes, world.start), { fileBytes: MAX_BYTES });
  world.recordWith(new Recorder(writer, () => world.at));
}

/** What the recording lacks, when it has ended. */
export function tellLoss({ writer: { lost, failure } }: Recorder, log: Logger): void {
  if (lost.chunks > 0) log.warn(lost, "the recording lacks pieces: the disk was too slow");
  if (failure !== undefined) log.error({ error: failure }, "the recording is cut off");
}
