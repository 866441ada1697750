import { groupBy, median, table, whole } from "./numbers.ts";
import type { RingRound, RingSet } from "./request.ts";

export interface RingFigure {
  readonly set: RingSet;
  /** Guest instructions per request, of everything in the guest; median of the rounds. */
  readonly perRequest: number;
  /** Of it, more than `off`. */
  readonly share: number;
  /** Packets per request that the loopback had, and of them those that were taken. */
  readonly packets: number;
  readonly taken: number;
  /** Instructions of tcpdump, and the rest of what it costs: the kernel's, that nobody is charged with; per packet. */
  readonly userPerPacket: number;
  readonly kernelPerPacket: number;
}

export function ringFigures(rounds: readonly RingRound[]): RingFigure[] {
  const groups = groupBy(rounds, ({ set }) => set);
  const of = (those: readonly RingRound[], value: (round: RingRound) => number): number => median(those.map(value));
  const off = of(groups.get("off") ?? [], ({ elapsedNs, requests }) => elapsedNs / requests);
  return [...groups].map(([set, those]) => {
    const perRequest = of(those, ({ elapsedNs, requests }) => elapsedNs / requests);
    const packets = of(those, (round) => round.packets / round.requests);
    const user = of(those, ({ cpuNs, requests }) => cpuNs / requests);
    return {
      set,
      perRequest,
      share: perRequest / off - 1,
      packets,
      taken: of(those, ({ taken, requests }) => taken / requests),
      userPerPacket: user / packets,
      kernelPerPacket: (perRequest - off - user) / packets,
    };
  });
}

export function ringText(figures: readonly RingFigure[]): string {
  const head = ["", "instructions/request", "more", "packets/request", "taken", "tcpdump/packet", "kernel/packet"];
  const rows = figures.map(({ set, perRequest, share, packets, taken, userPerPacket, kernelPerPacket }) => [
    set,
    whole(perRequest),
    `${(100 * share).toFixed(2)} %`,
    packets.toFixed(2),
    taken.toFixed(2),
    ...(packets > 0 ? [whole(userPerPacket), whole(kernelPerPacket)] : ["", ""]),
  ]);
  return table([head, ...rows]);
}
