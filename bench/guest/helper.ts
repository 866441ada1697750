import { join } from "node:path";
import { startProbe } from "../../src/probe/helper.ts";
import type { Hello, Tick } from "../../src/probe/op.ts";
import { AodError } from "../../src/system/error.ts";
import { build } from "./paths.ts";

const tenSecondsUs = 10_000_000;

/** aod-probe started and read as the daemon does it, with thresholds that nothing here reaches. */
export interface Helper {
  readonly hello: Hello;
  /** Ticks so far. */
  ticks(): number;
  /** Requests counted since the attach, as of a tick that began after this call. */
  counted(): Promise<number>;
  readonly stop: () => Promise<void>;
}

export async function startHelper(object = join(build, "bpf", "smb_wire.bpf.o")): Promise<Helper> {
  let total = 0;
  let ticks = 0;
  let waiting: ((tick: Tick) => void)[] = [];
  const greeted = Promise.withResolvers<Hello>();
  const probe = startProbe(
    { program: join(build, "aod-probe"), object, probe: "smb_wire" },
    (event) => {
      if (event.type === "hello") greeted.resolve(event.hello);
      if (event.type !== "tick") return;
      ticks += 1;
      total += event.tick.entries.reduce((sum, entry) => sum + entry.count, 0);
      for (const resolve of waiting.splice(0)) resolve(event.tick);
    },
    (exit) => {
      if (!exit.requested) greeted.reject(new AodError("failed", exit.message));
    },
  );
  const hello = await greeted.promise;
  probe.set({ slowUs: tenSecondsUs, inflightUs: tenSecondsUs });
  const nextTick = (): Promise<Tick> => new Promise((resolve) => waiting.push(resolve));
  return {
    hello,
    ticks: () => ticks,
    counted: async () => {
      const now = Number(process.hrtime.bigint());
      while ((await nextTick()).nowNs < now);
      return total;
    },
    stop: async () => {
      waiting = [];
      await probe.stop();
    },
  };
}
