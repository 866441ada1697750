import { readFileSync, writeFileSync } from "node:fs";
import type { Lab } from "../../lab/guest/lab.ts";
import type { GuestRequest, Round, RoundsResult, SetName } from "../request.ts";
import { attach } from "./attach.ts";
import type { Helper } from "./helper.ts";
import { costsBetween, programCosts, programIds, type Snapshot } from "./programs.ts";
import { prepareShare, work } from "./share.ts";

const warmUpFiles = 20;

/** The workload under each set, in turn. */
export async function rounds(lab: Lab, request: GuestRequest): Promise<RoundsResult> {
  await prepareShare(lab);
  await work(lab, warmUpFiles);
  const done: Round[] = [];
  const hooks = new Set<string>();
  for (const statistics of request.statistics) {
    writeFileSync("/proc/sys/kernel/bpf_stats_enabled", statistics ? "1" : "0");
    for (let i = 0; i < request.rounds; i++) {
      for (const set of request.sets) {
        const name = `round ${i + 1} of ${request.rounds}, statistics ${statistics ? "on" : "off"}: ${set}`;
        const one = (): Promise<Round> => round(lab, set, statistics, request, (helper) => note(hooks, helper));
        done.push(await lab.step(name, one));
        // What is there already can be used even if the guest does not come to its end.
        lab.writeJson("rounds.json", done);
      }
    }
  }
  const clocksource = readFileSync("/sys/devices/system/clocksource/clocksource0/current_clocksource", "utf8").trim();
  return { clocksource, hooks: [...hooks], rounds: done };
}

function note(hooks: Set<string>, { hello }: Helper): void {
  for (const { name, rung, why } of hello.hooks) if (rung !== "fentry") hooks.add(`${name}: ${rung}: ${why ?? ""}`);
}

async function round(
  lab: Lab,
  set: SetName,
  statistics: boolean,
  { files, object }: GuestRequest,
  onHelper: (helper: Helper) => void,
): Promise<Round> {
  const others = await programIds(lab);
  const { helper, detach } = await attach(lab, set, object);
  try {
    if (helper !== undefined) onHelper(helper);
    await work(lab, warmUpFiles);
    const countedBefore = await helper?.counted();
    const before: Snapshot = statistics ? await programCosts(lab, others) : new Map();
    const worked = await work(lab, files);
    const programs = statistics ? costsBetween(before, await programCosts(lab, others)) : [];
    const counted = await helper?.counted();
    return {
      set,
      statistics,
      files,
      ...worked,
      ...(counted === undefined || countedBefore === undefined ? {} : { counted: counted - countedBefore }),
      programs,
    };
  } finally {
    await detach();
  }
}
