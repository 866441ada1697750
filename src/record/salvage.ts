import { setTimeout } from "node:timers/promises";
import { AodError } from "../system/error.ts";
import { openCutOff } from "./reader.ts";
import { createRecording } from "./writer.ts";

const BACKLOG_MAX = 4 * 1024 * 1024;

export interface Salvaged {
  readonly chunks: number;
  readonly seconds: number;
  readonly bytes: number;
  /** What was wrong with it; undefined when nothing was. */
  readonly why: string | undefined;
}

/** Copies everything up to where a recording stops making sense into a new one. Throws a usage error when there is nothing to copy. */
export async function salvage(from: string, to: string): Promise<Salvaged> {
  const recording = openCutOff(from);
  try {
    const { header } = recording;
    let why = recording.cutOff === undefined ? undefined : `is cut off: ${recording.cutOff}`;
    let chunks = 0;
    let at = header.start;
    const writer = createRecording(to, header);
    try {
      for (const chunk of recording.chunks()) {
        if (chunk.kind === "end") continue;
        chunks++;
        at = chunk.at;
        // Here the disk can be waited for.
        while (writer.backlog > BACKLOG_MAX && writer.failure === undefined) await setTimeout(1);
        writer.write(chunk);
      }
    } catch (error) {
      if (!(error instanceof AodError)) throw error;
      why = error.message.slice(from.length + 1);
    }
    await writer.end(at);
    if (writer.failure !== undefined) throw new AodError("failed", `cannot write ${to}: ${writer.failure}`);
    return { chunks, seconds: (at.nowNs - header.start.nowNs) / 1e9, bytes: writer.bytes, why };
  } finally {
    recording.close();
  }
}
