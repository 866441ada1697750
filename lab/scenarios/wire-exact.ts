import assert from "node:assert/strict";
import { closeSync, fsyncSync, mkdirSync, openSync, readSync, rmdirSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { parseStats } from "../../src/smb/stats.ts";
import { mountCifs, readProcCifs } from "../guest/cifs.ts";
import type { Lab } from "../guest/lab.ts";
import { shareDirectory, startSamba } from "../guest/samba.ts";
import { WireLog, type WireSaid } from "../guest/wire-log.ts";
import { smbWireLines } from "../kernels.ts";
import { defineScenario } from "../scenario.ts";

const block = 4096;
const instance = "/sys/kernel/tracing/instances/wire-exact";
const events = ["smb3_cmd_enter", "smb3_cmd_done", "smb3_cmd_err"];
const options = { cache: "none", rsize: block, closetimeo: 0, echo_interval: 600, actimeo: 0 };

/** Requests one by one, each outside a compound: CREATE, WRITE, FLUSH, READ, CLOSE. */
function oneByOne(root: string, files: number): void {
  const buffer = Buffer.alloc(block, "x");
  for (let n = 0; n < files; n++) {
    const fd = openSync(join(root, `one-${n}`), "w+");
    writeSync(fd, buffer);
    fsyncSync(fd);
    readSync(fd, buffer, 0, block, 0);
    closeSync(fd);
  }
}

/** What the kernel's own trace points say meanwhile, with the clock that the probe uses. */
async function traced(lab: Lab, action: () => void): Promise<void> {
  mkdirSync(instance);
  lab.onEnd("remove the tracing instance", async () => rmdirSync(instance));
  writeFileSync(`${instance}/trace_clock`, "mono");
  for (const event of events) writeFileSync(`${instance}/events/cifs/${event}/enable`, "1");
  action();
  for (const event of events) writeFileSync(`${instance}/events/cifs/${event}/enable`, "0");
  lab.keep(`${instance}/trace`, "trace.txt");
}

/** `SESSION MID` -> µs from smb3_cmd_enter to the first end. */
function tracedLatencies(text: string): Map<string, number> {
  const entered = new Map<string, number>();
  const took = new Map<string, number>();
  const pattern = / (\d+\.\d+): smb3_cmd_(enter|done|err):.*sid=(0x[0-9a-f]+) tid=0x[0-9a-f]+ cmd=\d+ mid=(\d+)/;
  for (const line of text.split("\n")) {
    const [, time = "", event, session, mid] = pattern.exec(line) ?? [];
    if (event === undefined) continue;
    const key = `${session} ${mid}`;
    const at = Number(time) * 1e6;
    const began = entered.get(key);
    if (event === "enter") entered.set(key, at);
    else if (began !== undefined && !took.has(key)) took.set(key, at - began);
  }
  return took;
}

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((left, right) => left - right)[Math.floor(numbers.length / 2)] ?? Number.NaN;

export default defineScenario({
  name: "wire-exact",
  summary: "latencies agree with the kernel's trace points; of a burst every request is shown, or counted as lost",
  kernels: smbWireLines,
  timeLimitSeconds: 1_800,
  settings: { requests: "50000", files: "40" },

  async setup(lab) {
    await startSamba(lab);
    const big = join(shareDirectory("share"), "big");
    const blocks = lab.number("requests");
    await lab.run(["dd", "if=/dev/zero", `of=${big}`, `bs=${block}`, `count=${blocks}`, "status=none"]);
    await lab.run(["modprobe", "cifs"]);
  },

  async timeline(lab) {
    const one = await WireLog.start(lab);
    const { path } = await mountCifs(lab, { options });
    await lab.step("one by one", () => traced(lab, () => oneByOne(path, lab.number("files"))));
    await lab.sleep(1);
    lab.writeJson("one.json", await one.stop(lab));
    const burst = await WireLog.start(lab, { params: true });
    const reads = (): number =>
      parseStats(readProcCifs("Stats")).connections[0]?.commands.find(({ command }) => command === 8)?.number ?? 0;
    const before = reads();
    await lab.step("burst", () =>
      lab.run(["dd", `if=${path}/big`, "of=/dev/null", "bs=2M", "status=none"], { timeoutMs: 1_500_000 }),
    );
    await lab.sleep(1);
    const after = reads();
    const { ops, losses, counted, unclaimed } = await burst.stop(lab);
    const { length: shown } = ops.filter((op) => op.command === "SMB2_READ");
    lab.writeJson("burst.json", {
      released: after - before,
      shown,
      named: ops.filter((op) => op.fixed !== undefined).length,
      all: ops.length,
      counted: Object.values(counted).reduce((sum, commands) => sum + (commands[8] ?? 0), 0),
      unclaimed,
      losses,
    });
  },

  expect(results) {
    const said = results.json("one.json") as WireSaid;
    const took = tracedLatencies(results.text("trace.txt"));
    const pairs = said.ops.flatMap((op) => {
      const traced = op.compound ? undefined : took.get(`${op.session} ${op.mid}`);
      return traced === undefined ? [] : [{ own: op.latencyUs - (op.phases.queue ?? 0), traced, command: op.command }];
    });
    const files = Number(results.settings["files"]);
    assert.ok(pairs.length >= 5 * files, `${pairs.length} requests were traced`);
    for (const command of ["SMB2_CREATE", "SMB2_WRITE", "SMB2_FLUSH", "SMB2_READ", "SMB2_CLOSE"]) {
      const own = pairs.filter((pair) => pair.command === command);
      const difference = median(own.map((pair) => Math.abs(pair.own - pair.traced)));
      const allowed = 0.05 * median(own.map((pair) => pair.traced)) + 50;
      assert.ok(difference <= allowed, `${command}: ${difference} µs apart, ${allowed} allowed`);
    }

    const burst = results.json("burst.json") as {
      readonly released: number;
      readonly shown: number;
      readonly named: number;
      readonly all: number;
      readonly counted: number;
      readonly unclaimed: number;
      readonly losses: readonly { kind: string; count: number }[];
    };
    const lost = (kind: string): number => burst.losses.find((loss) => loss.kind === kind)?.count ?? 0;
    assert.ok(burst.released >= Number(results.settings["requests"]), `${burst.released} READs`);
    assert.equal(burst.counted, burst.released, "the ticks count every READ");
    assert.equal(burst.shown + lost("ringbuf"), burst.released, "shown or lost");
    assert.equal(burst.named + burst.unclaimed + lost("params"), burst.all + lost("ringbuf"), "parameters");
  },

  present(results) {
    return results.text("burst.json");
  },
});
