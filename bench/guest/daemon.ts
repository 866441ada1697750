import { type RunningDaemon, startDaemon } from "../../lab/guest/daemon.ts";
import type { Lab } from "../../lab/guest/lab.ts";
import type { DaemonRequest, DaemonResult, DaemonRound, Load } from "../request.ts";
import { type DutyMeter, dutyBetween, meterOf } from "./duty.ts";
import { prepareShare, work } from "./share.ts";

const warmUpFiles = 20;
/** s that the daemon has had to itself before it is measured. */
const settleSeconds = 20;

/** The workloads with the daemon off and on, in turn, in one boot. */
export async function daemonRounds(lab: Lab, request: DaemonRequest): Promise<DaemonResult> {
  await prepareShare(lab);
  for (const load of request.loads) await work(lab, warmUpFiles, load);
  const rounds: DaemonRound[] = [];
  const losses: Record<string, number> = {};
  const measure = async (i: number, name: string, set: DaemonRound["set"], on?: On): Promise<void> => {
    for (const load of request.loads) {
      const one = (): Promise<DaemonRound> => round(lab, set, load, request.files, on);
      rounds.push(await lab.step(`round ${i + 1} of ${request.rounds}: ${name}, ${load}`, one));
      // What is there already can be used even if the guest does not come to its end.
      lab.writeJson("rounds.json", rounds);
    }
  };
  for (let i = 0; i < request.rounds; i++) {
    await measure(i, "nothing", "off");
    const on = await startOn(lab, i);
    await measure(i, "the daemon as it starts", "start", on);
    await lab.step("until the cost of the packet ring has been judged", () => judged(lab, on.daemon, request.files));
    await measure(i, "the daemon", "on", on);
    for (const { kind, count } of (await on.daemon.status()).probes.flatMap((probe) => probe.losses))
      losses[kind] = (losses[kind] ?? 0) + count;
    lab.writeJson(`status-${i + 1}.json`, await on.daemon.status());
    await on.daemon.process.stop();
  }
  return { rounds, losses };
}

interface On {
  readonly daemon: RunningDaemon;
  readonly meter: DutyMeter;
}

/** Started, and past what a start brings: the rehearsal of the captures, the compiler's work. */
async function startOn(lab: Lab, i: number): Promise<On> {
  const daemon = await lab.step("start the daemon", () => startDaemon(lab));
  await lab.until("the rehearsal ends", 120, async () => (await daemon.status()).captures !== undefined);
  await lab.sleep(settleSeconds);
  return { daemon, meter: await meterOf(lab, daemon.process.pid, `daemon-${i}`) };
}

/** The budget is looked at each second: more of the load, until it says that the ring is too dear, or has not said so three times. */
async function judged(lab: Lab, daemon: RunningDaemon, files: number): Promise<void> {
  for (let tries = 0; tries < 3; tries++) {
    const { state, cost } = (await daemon.status()).recorder?.packets ?? {};
    lab.tell(`the packet ring: ${state}, ${cost} of a processor`);
    if (state !== "recording") return;
    await work(lab, files);
  }
}

async function round(lab: Lab, set: DaemonRound["set"], load: Load, files: number, on?: On): Promise<DaemonRound> {
  const before = on?.meter.read();
  const worked = await work(lab, files, load);
  const after = on?.meter.read();
  const packets = (await on?.daemon.status())?.recorder?.packets;
  return {
    set,
    load,
    files,
    ...worked,
    ...(before === undefined || after === undefined ? {} : { duty: dutyBetween(before, after) }),
    ...(packets === undefined ? {} : { packets: packets.state, packetsCost: packets.cost ?? null }),
  };
}
