import type { Lab } from "../../lab/guest/lab.ts";
import { messageOf } from "../../src/system/error.ts";
import { type Contender, contenders } from "../contenders.ts";
import type { ToolRound, ToolsRequest, ToolTurn } from "../request.ts";
import { attachTool } from "./attach-tool.ts";
import { type Place, places } from "./places.ts";

const warmUpFiles = 20;

/**
 * The workload under each contender: before, while it is attached, and after. A contender is started once, since under emulation a start
 * costs many times what the workload does. After each turn everything so far is in turns.json: a guest that does not come to its end
 * still has its results.
 */
export async function tools(lab: Lab, request: ToolsRequest): Promise<readonly ToolTurn[]> {
  const place = places[request.workload];
  await lab.step("prepare", () => place.prepare(lab));
  await place.work(lab, warmUpFiles);
  const turns: ToolTurn[] = [];
  let before = await lab.step("off", () => measure(lab, place, request));
  for (const contender of contenders.filter(({ name }) => request.contenders.includes(name))) {
    lab.writeJson("underway.json", contender.name);
    const turn = await one(lab, place, contender, request);
    const after = await lab.step("off", () => measure(lab, place, request));
    turns.push({ contender: contender.name, before, ...turn, after });
    before = after;
    lab.writeJson("turns.json", turns);
  }
  return turns;
}

type Attached = Pick<ToolTurn, "attached" | "startNs" | "failed">;

async function one(lab: Lab, place: Place, contender: Contender, request: ToolsRequest): Promise<Attached> {
  const started = performance.now();
  const attached: ToolRound[] = [];
  let startNs = 0;
  try {
    const detach = await lab.step(`start ${contender.name}`, () => attachTool(lab, contender));
    startNs = Math.round((performance.now() - started) * 1e6);
    try {
      const rounds = await lab.step(contender.name, () => measure(lab, place, request));
      attached.push(...rounds);
    } finally {
      await lab.step(`stop ${contender.name}`, detach);
    }
    return { attached, startNs };
  } catch (error) {
    // A tool that does not start on this kernel is a result of its own, and the rest goes on.
    return { attached, startNs, failed: messageOf(error).replace(/\s+/g, " ").slice(-300) };
  }
}

async function measure(lab: Lab, place: Place, { rounds, files }: ToolsRequest): Promise<readonly ToolRound[]> {
  await place.work(lab, warmUpFiles);
  const done: ToolRound[] = [];
  for (let i = 0; i < rounds; i++) {
    const { elapsedNs, idleNs } = await place.work(lab, files);
    done.push({ elapsedNs, idleNs });
  }
  return done;
}
