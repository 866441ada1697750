import type { OpBase } from "../probe/op.ts";
import { headerOf } from "../record/header.ts";
import type { LiveWorld } from "../record/live-world.ts";
import { refuseNetworkMount } from "../record/network-mount.ts";
import { Recorder } from "../record/recorder.ts";
import { createRecording, type RecordingWriter } from "../record/writer.ts";
import { probesOf } from "./live.ts";
import type { ToolPlan } from "./spec.ts";

/** Keeps everything that a tool sees from now on, and what it has read already. */
export function startRecording<Op extends OpBase>(
  file: string,
  tool: string,
  plan: ToolPlan<Op>,
  world: LiveWorld,
): Recorder {
  refuseNetworkMount(file, world.readProc, process.cwd());
  const args = [...(plan.besides ?? []).map((beside) => beside.args ?? []), plan.args ?? []];
  const probes = probesOf(plan).map(({ name, module }, index) => ({ name, module, args: [...(args[index] ?? [])] }));
  const recorder = new Recorder(createRecording(file, headerOf(tool, probes, world.start)), () => world.at);
  world.recordWith(recorder);
  return recorder;
}

/** What to say of a recording that lacks something. */
export function lossOf({ lost, failure }: RecordingWriter): readonly string[] {
  const drops =
    lost.chunks === 0 ? [] : [`the recording lacks ${lost.chunks} pieces (${lost.bytes} bytes): the disk was too slow`];
  return failure === undefined ? drops : [...drops, `the recording is cut off: ${failure}`];
}
