import assert from "node:assert/strict";
import { join } from "node:path";
import type { SmbOpJson, WaiterJson } from "../../src/probe/op-json.ts";
import { mountCifs } from "../guest/cifs.ts";
import type { Lab } from "../guest/lab.ts";
import { waitForProbe } from "../guest/probe.ts";
import type { Background } from "../guest/process.ts";
import { freezeSamba, killSamba, restartSamba, startSamba, thawSamba } from "../guest/samba.ts";
import { replayed } from "../replayed.ts";
import { defineScenario } from "../scenario.ts";

const mounted = "/mnt/share";

/** Different output of one tool, each of its own run. */
const runs = {
  json: ["0", "--json"],
  text: ["0", "-v"],
  csv: ["1", "-j", "-x", "close", "--share", "share", "-v"],
} as const;

async function work(lab: Lab): Promise<void> {
  await lab.run(["dd", `of=${mounted}/plain`, "bs=4k", "conv=fsync", "status=none"], { input: "x".repeat(20_000) });
  await lab.run(["cat", `${mounted}/plain`]);
  await lab.run(["cat", `${mounted}/missing`], { anyStatus: true });
  await lab.run(["rm", `${mounted}/plain`]);
}

/** A request that waits, and then a task that waits for its connection. */
async function trouble(lab: Lab): Promise<void> {
  freezeSamba(lab);
  const waits = lab.start(["stat", `${mounted}/held`]);
  await lab.sleep(3);
  thawSamba();
  await waits.ended;
  freezeSamba(lab);
  const stuck = lab.start(["stat", `${mounted}/held`]);
  await lab.sleep(2);
  await killSamba();
  await lab.sleep(4);
  await restartSamba(lab);
  await lab.until("the reconnect lets the task go on", 60, () => !stuck.running);
}

export default defineScenario({
  name: "record",
  summary: "recordings, and the tools on them: on another machine they print what they printed live",
  timeLimitSeconds: 240,

  async setup(lab) {
    await startSamba(lab);
    await mountCifs(lab, { options: { actimeo: 0, echo_interval: 3 } });
  },

  async timeline(lab) {
    const recorder = lab.startAod(["record", "ops", join(lab.out, "ops.aodrec"), "smb_wire"], { name: "record" });
    const tools: Background[] = [];
    for (const [name, args] of Object.entries(runs)) {
      const argv = lab.aodArgv([...args, "--record", join(lab.out, `${name}.aodrec`)], "smbslower");
      tools.push(lab.start(argv, { stdout: `${name}.out`, stderr: `${name}.err` }));
      // One after the other: attaching takes its time on an emulated machine.
      await waitForProbe(lab, tools.length);
    }
    await waitForProbe(lab, tools.length + 1);
    await lab.step("ordinary work", () => work(lab));
    await lab.step("server frozen, then gone", () => trouble(lab));
    await lab.step("more work, one request in flight at the end", async () => {
      await work(lab);
      freezeSamba(lab);
      const open = lab.start(["stat", `${mounted}/held`]);
      await lab.sleep(3);
      const ended = await Promise.all([...tools, recorder].map((one) => one.stop("SIGINT")));
      lab.writeJson("ended.json", ended);
      thawSamba();
      await open.ended;
    });
    const refused = await lab.aod(["record", "ops", `${mounted}/inside`], { anyStatus: true });
    lab.writeJson("refused.json", { status: refused.status, stderr: refused.stderr });
  },

  expect(results) {
    const done = { status: 0, signal: null };
    assert.deepEqual(results.json("ended.json"), [done, done, done, done]);
    for (const [name, args] of Object.entries(runs)) {
      const again = replayed(results, ["smbslower", ...args], `${name}.aodrec`);
      const live = { status: 0, stdout: results.text(`${name}.out`), stderr: results.text(`${name}.err`) };
      assert.ok(live.stdout.split("\n").length > 5, name);
      assert.deepEqual(again, live, `${name}: a replay prints what the live run printed`);
    }
    const lines = results.ndjson("json.out") as (SmbOpJson | WaiterJson)[];
    assert.ok(
      lines.some((line) => "waiting" in line && line.waiting === "reconnect"),
      "a wait for the reconnect",
    );
    assert.ok(
      lines.some((line) => "state" in line && line.state === "open"),
      "a request in flight",
    );

    // A recording of everything gives any tool the same operations, though another helper has seen them.
    const whole = replayed(results, ["smbslower", "0", "--json"], "ops.aodrec");
    assert.equal(whole.status, 0);
    const all = whole.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as SmbOpJson | WaiterJson);
    assert.deepEqual(keysOf(all), keysOf(lines));
    const named = all.filter((line) => "command" in line && line.share !== undefined).length;
    assert.ok(named > all.length / 2, `${named} of ${all.length} have a share`);

    const { status, stderr } = results.json("refused.json") as { status: number; stderr: string };
    assert.equal(status, 2);
    assert.match(stderr, /^aod: \/mnt\/share\/inside lies on the (cifs|smb3) mount \/mnt\/share: .*\n$/);
  },
});

/** What tells requests apart, whoever has seen them. No ECHO: they come while the one or the other is still attaching. */
function keysOf(lines: readonly (SmbOpJson | WaiterJson)[]): readonly string[] {
  return lines
    .flatMap((line) => ("command" in line && line.state === undefined && line.command !== "SMB2_ECHO" ? [line] : []))
    .map(({ connection_id, mid, command, status }) => `${connection_id} ${mid} ${command} ${status}`)
    .sort();
}
