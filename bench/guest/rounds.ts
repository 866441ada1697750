import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Lab } from "../../lab/guest/lab.ts";
import type { GuestRequest, Round, RoundsResult, SetName } from "../request.ts";
import { attach } from "./attach.ts";
import { build } from "./paths.ts";
import { costsBetween, programCosts, programIds } from "./programs.ts";
import { prepareShare, work } from "./share.ts";

const warmUpFiles = 20;

/** The workload under each set, in turn. */
export async function rounds(lab: Lab, request: GuestRequest): Promise<RoundsResult> {
  await prepareShare(lab);
  writeFileSync("/proc/sys/kernel/bpf_stats_enabled", request.statistics ? "1" : "0");
  const program = join(lab.work, "work");
  copyFileSync(join(build, "bench", "work"), program);
  await work(lab, program, warmUpFiles);
  const done: Round[] = [];
  for (let i = 0; i < request.rounds; i++) {
    for (const set of request.sets) {
      done.push(await lab.step(`round ${i + 1} of ${request.rounds}: ${set}`, () => round(lab, program, set, request)));
      // What is there already can be used even if the guest does not come to its end.
      lab.writeJson("rounds.json", done);
    }
  }
  const clocksource = readFileSync("/sys/devices/system/clocksource/clocksource0/current_clocksource", "utf8").trim();
  return { clocksource, rounds: done };
}

async function round(lab: Lab, program: string, set: SetName, { files, statistics }: GuestRequest): Promise<Round> {
  const others = await programIds(lab);
  const attached = await attach(lab, set);
  try {
    await work(lab, program, warmUpFiles);
    const before = statistics ? await programCosts(lab, others) : new Map();
    const worked = await work(lab, program, files);
    const programs = statistics ? costsBetween(before, await programCosts(lab, others)) : [];
    return { set, files, ...worked, programs };
  } finally {
    await attached.detach();
  }
}
