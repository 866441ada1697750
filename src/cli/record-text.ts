import type { Hello } from "../probe/op.ts";
import { decodeLost } from "../record/payloads.ts";
import { openCutOff } from "../record/reader.ts";
import type { RecordingWriter } from "../record/writer.ts";
import type { Recorded } from "../tools/record-ops.ts";
import { lossOf } from "../tools/recording.ts";
import { lossText } from "../tools/summary.ts";
import { left, printable } from "../tools/table-text.ts";
import { size } from "./bundle-text.ts";

/** That a probe is attached, and what it lacks. */
export function helloLines({ probe, hooks }: Hello): readonly string[] {
  const missing = hooks.filter(({ rung }) => rung === "none");
  return [
    `${probe} is attached`,
    ...missing.map(({ name, function: target, why }) => `${name} (${target}): not attached${why ? `: ${why}` : ""}`),
  ];
}

/** What has been recorded, with every loss. */
export function endLines(file: string, probes: readonly Recorded[], writer: RecordingWriter): readonly string[] {
  const counts = probes.map(({ name, ops, losses }) => {
    const lost = losses.length === 0 ? "nothing" : losses.map(lossText).join(", ");
    return `${name}: ${ops} ${ops === 1 ? "operation" : "operations"}, lost: ${lost}`;
  });
  return [...counts, `${file}: ${size(writer.bytes)}`, ...lossOf(writer)];
}

export interface Shown {
  readonly file: string;
  readonly of: string;
  readonly program: string;
  readonly created: string;
  readonly kernel: string;
  readonly arch: string;
  readonly probes: readonly { readonly name: string; readonly args: readonly string[]; readonly bytes: number }[];
  readonly seconds: number;
  /** Pieces of each kind. */
  readonly pieces: Readonly<Record<string, number>>;
  /** Pieces that the disk did not take. */
  readonly lost: number;
  readonly cut_off?: string;
}

/** Reads all of it. */
export function showJson(file: string): Shown {
  const recording = openCutOff(file);
  try {
    const { of, program, created, kernel, arch, probes, start } = recording.header;
    const bytes = probes.map(() => 0);
    const pieces: Record<string, number> = {};
    let lost = 0;
    let endNs = start.nowNs;
    for (const { kind, probe, at, payload } of recording.chunks()) {
      endNs = at.nowNs;
      if (kind === "end") continue;
      pieces[kind] = (pieces[kind] ?? 0) + 1;
      if (kind === "frames") bytes[probe] = (bytes[probe] ?? 0) + payload.length;
      if (kind === "lost") lost += decodeLost(payload)?.chunks ?? 0;
    }
    return {
      file,
      of,
      program,
      created,
      kernel,
      arch,
      probes: probes.map(({ name, args }, index) => ({ name, args, bytes: bytes[index] ?? 0 })),
      seconds: (endNs - start.nowNs) / 1e9,
      pieces,
      lost,
      ...(recording.cutOff === undefined ? {} : { cut_off: recording.cutOff }),
    };
  } finally {
    recording.close();
  }
}

export function showLines(file: string): readonly string[] {
  const { of, program, created, kernel, arch, probes, seconds, pieces, lost, cut_off: cutOff } = showJson(file);
  const facts: readonly (readonly [string, string])[] = [
    ["of", `${of}, ${program}`],
    ["began", created],
    ["lasts", `${seconds.toFixed(1)} s`],
    ["kernel", `${kernel} (${arch})`],
    ...probes.map(({ name, args, bytes }): readonly [string, string] => [
      "probe",
      `${[name, ...args].join(" ")}: ${size(bytes)} of frames`,
    ]),
    [
      "pieces",
      Object.entries(pieces)
        .map(([kind, count]) => `${count} ${kind}`)
        .join(", ") || "none",
    ],
    ["lost", lost === 0 ? "nothing" : `${lost} pieces: the disk was too slow`],
    ...(cutOff === undefined ? [] : [["cut off", cutOff] as const]),
  ];
  // All of it may come from another machine.
  return facts.map(([name, text]) => `${left(name, 8)} ${printable(text)}`);
}
