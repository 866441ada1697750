import { setTimeout as sleep } from "node:timers/promises";
import { processorNs, startNative } from "./native.ts";
import { sum, table, whole } from "./numbers.ts";
import type { QuietPhase, QuietResult } from "./request.ts";

/** Of a processor, everything together. */
export const quietLimit = 0.003;

/** The same daemon without a mount on the machine that runs the benchmark: what an instruction of it takes there. */
export interface Native {
  readonly seconds: number;
  /** Processor time of the daemon and all that it started. */
  readonly cpuNs: number;
}

/** Everything as by default. */
export const quietConfig = "";

const SETTLE_SECONDS = 60;

export async function measureNative(seconds: number): Promise<Native> {
  const daemon = await startNative({ config: quietConfig });
  try {
    await sleep(SETTLE_SECONDS * 1000);
    const before = processorNs(daemon.pid);
    await sleep(seconds * 1000);
    return { seconds, cpuNs: processorNs(daemon.pid) - before };
  } finally {
    await daemon.stop();
  }
}

export interface QuietFigure {
  readonly phase: QuietPhase;
  /** Guest instructions a second. */
  readonly perSecond: number;
  readonly processes: readonly { readonly name: string; readonly perSecond: number }[];
  /** Of a processor of the machine that runs the benchmark, derived. */
  readonly share?: number;
}

export interface QuietFigures {
  readonly phases: readonly QuietFigure[];
  /** Guest instructions in the time that the same work takes natively. */
  readonly instructionsPerNs?: number;
  readonly nativeShare?: number;
}

export function quietFigures(result: QuietResult, native?: Native): QuietFigures {
  const rate = (ns: number, elapsedNs: number): number => (ns / elapsedNs) * 1e9;
  const none = result.find(({ phase }) => phase === "none");
  const nativeShare = native === undefined ? undefined : native.cpuNs / (native.seconds * 1e9);
  const instructionsPerNs =
    none === undefined || nativeShare === undefined
      ? undefined
      : rate(none.duty.totalNs, none.elapsedNs) / (nativeShare * 1e9);
  const phases = result.map(({ phase, elapsedNs, duty }) => {
    const perSecond = rate(duty.totalNs, elapsedNs);
    return {
      phase,
      perSecond,
      processes: duty.processes.map(({ name, ns }) => ({ name, perSecond: rate(ns, elapsedNs) })),
      ...(instructionsPerNs === undefined ? {} : { share: perSecond / (instructionsPerNs * 1e9) }),
    };
  });
  return {
    phases,
    ...(instructionsPerNs === undefined ? {} : { instructionsPerNs }),
    ...(nativeShare === undefined ? {} : { nativeShare }),
  };
}

const percent = (share: number | undefined): string => (share === undefined ? "" : `${(100 * share).toFixed(3)} %`);

export function quietText({ phases, instructionsPerNs, nativeShare }: QuietFigures): string {
  const rows = phases.flatMap(({ phase, perSecond, share, processes }) => [
    [phase, whole(perSecond), percent(share)],
    ...processes.map((one) => {
      const own = share === undefined ? undefined : (share * one.perSecond) / sum(processes.map((p) => p.perSecond));
      return [`  ${one.name}`, whole(one.perSecond), percent(own)];
    }),
  ]);
  return [
    table([["", "guest instructions a second", "of a processor"], ...rows]),
    "",
    ...(instructionsPerNs === undefined
      ? []
      : [
          `without a mount it takes ${percent(nativeShare)} of a processor of this machine: ${instructionsPerNs.toFixed(2)} guest instructions a ns`,
        ]),
    `limit with one mount: ${percent(quietLimit)}`,
  ].join("\n");
}
