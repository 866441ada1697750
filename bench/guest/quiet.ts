import { mountCifs } from "../../lab/guest/cifs.ts";
import { startDaemon } from "../../lab/guest/daemon.ts";
import type { Lab } from "../../lab/guest/lab.ts";
import { startSamba } from "../../lab/guest/samba.ts";
import type { QuietPhase, QuietRequest, QuietResult } from "../request.ts";
import { dutyBetween, meterOf } from "./duty.ts";

/** s after the rehearsal: the compiler has done its work, and the sources have had their turns. */
const settleSeconds = 30;

/** What the daemon uses while nothing happens: before there is a mount, and with one. */
export async function quiet(lab: Lab, { seconds, phases, config }: QuietRequest): Promise<QuietResult> {
  const found: QuietResult[number][] = [];
  if (phases.includes("none")) found.push(await phase(lab, "none", seconds, config));
  if (phases.includes("mount")) {
    await startSamba(lab, { shares: { share: {} } });
    await mountCifs(lab);
    found.push(await phase(lab, "mount", seconds, config));
  }
  return found;
}

async function phase(lab: Lab, name: QuietPhase, seconds: number, config: string): Promise<QuietResult[number]> {
  const daemon = await lab.step("start the daemon", () => startDaemon(lab, config, name === "mount"));
  await lab.until("the rehearsal ends", 120, async () => (await daemon.status()).captures !== undefined);
  await lab.sleep(settleSeconds);
  const meter = await meterOf(lab, daemon.process.pid, `quiet-${name}`);
  const before = meter.read();
  const beganNs = process.hrtime.bigint();
  await lab.step(`${seconds} s of quiet, ${name}`, () => lab.sleep(seconds));
  const duty = dutyBetween(before, meter.read());
  const elapsedNs = Number(process.hrtime.bigint() - beganNs);
  lab.writeJson(`status-${name}.json`, await daemon.status());
  await daemon.process.stop();
  return { phase: name, elapsedNs, duty };
}
