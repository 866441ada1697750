import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import type { ProbeStatus, Status } from "../../src/daemon/status.ts";
import type { SmbOpJson } from "../../src/probe/op-json.ts";
import { commandName } from "../../src/smb/commands.ts";
import { parseStats } from "../../src/smb/stats.ts";
import { statusName } from "../../src/smb/status.ts";
import { type DaemonBeside, startBeside, untilProbe } from "../guest/beside.ts";
import { type Capture, startCapture } from "../guest/capture.ts";
import { keepProcCifs, mountCifs, readProcCifs } from "../guest/cifs.ts";
import type { Lab } from "../guest/lab.ts";
import { primes, primeWorkload } from "../guest/primes.ts";
import { waitForProbe } from "../guest/probe.ts";
import { freezeSamba, killSamba, restartSamba, startSamba, thawSamba } from "../guest/samba.ts";
import type { Results } from "../results.ts";
import { defineScenario } from "../scenario.ts";
import { type Smb2Exchange, smb2Witness } from "../witness/smb2.ts";

const mounted = "/mnt/share";
// As if the module had no BTF; on 5.10 it has none.
const env = { AOD_PROBE_HIDE: "btf" };
let daemon: DaemonBeside;
let capture: Capture;

/** Waits until nothing is on the wire any more, and keeps what is counted. */
async function keep(lab: Lab, when: string): Promise<void> {
  let before = "";
  await lab.until("the connection is quiet", 30, async () => {
    const now = readProcCifs("Stats");
    const quiet = now === before;
    before = now;
    await lab.sleep(2);
    return quiet;
  });
  keepProcCifs(lab, "Stats", `stats-${when}.txt`);
  lab.writeJson(`status-${when}.json`, await daemon.status());
  lab.writeJson(`time-${when}.json`, Date.now() / 1000);
}

/** A request whose caller is killed while the server is frozen. */
async function cancelled(lab: Lab): Promise<void> {
  freezeSamba(lab);
  const victim = lab.start(["stat", `${mounted}/held`]);
  await lab.sleep(3);
  await victim.stop("SIGKILL");
  thawSamba();
}

/** Requests in flight when the connection breaks: one of a task that waits for its answer, and READs. */
async function reconnect(lab: Lab): Promise<void> {
  freezeSamba(lab);
  const tasks = [
    lab.start(["stat", `${mounted}/held`]),
    lab.start(["dd", `if=${mounted}/held`, "of=/dev/null", "bs=4k", "iflag=direct", "status=none"]),
  ];
  await lab.sleep(2);
  await killSamba();
  await lab.sleep(4);
  await restartSamba(lab);
  await lab.until("the reconnect lets the tasks go on", 60, () => tasks.every((task) => !task.running));
  await lab.until("the share answers again", 60, async () => {
    const again = await lab.run(["stat", `${mounted}/held`], { timeoutMs: 20_000, anyStatus: true });
    return again.status === 0;
  });
}

async function nothingInFlight(lab: Lab, when: string): Promise<void> {
  await lab.until("what was left is not taken for a hang", 15, async () => {
    const status = await daemon.status();
    lab.writeJson(`status-${when}.json`, status);
    return status.probes[0]?.open_requests === 0;
  });
}

function probeOf(results: Results, when: string): ProbeStatus {
  return (results.json(`status-${when}.json`) as Status).probes[0] ?? assert.fail(`${when}: no probe`);
}

const lossOf = (probe: ProbeStatus, kind: string): number =>
  probe.losses.filter((loss) => loss.kind === kind).reduce((sum, { count }) => sum + count, 0);

/** Command -> how many, between two moments. */
function between(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): Record<string, number> {
  const grown = [...after].map(([command, count]) => [command, count - (before.get(command) ?? 0)] as const);
  return Object.fromEntries(grown.filter(([, count]) => count > 0).sort());
}

function tally(names: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

const countsOf = ({ counts = [] }: ProbeStatus): Map<string, number> =>
  tally(counts.flatMap(({ command, count }) => Array<string>(count).fill(command)));

/** Requests that were released; undefined where the kernel does not count them by command (5.10: no CIFS_STATS2). */
function released(text: string): Map<string, number> | undefined {
  const { commands = [] } = parseStats(text).connections[0] ?? {};
  if (commands.length === 0) return undefined;
  return new Map(commands.map(({ command, number }) => [commandName(command), number]));
}

const keyOf = (command: string, mid: bigint | string): string => `${command} ${mid}`;

/** An op and the packets of its request say the same. */
function agree(op: SmbOpJson, { request, response }: Smb2Exchange, chain: readonly Smb2Exchange[]): void {
  const what = JSON.stringify(op);
  assert.equal(op.compound, request.members > 1, what);
  if (op.status !== undefined) {
    assert.equal(op.status, statusName(response?.status ?? -1), what);
    return;
  }
  // Behind a member that fails the client evaluates nothing: that alone is why an answer's status is not told.
  const failed = chain.some((one) => one.request.member < request.member && (one.response?.status ?? 0) >= 0xc000_0000);
  assert.ok(failed, `no status though nothing before it failed: ${what}`);
}

export default defineScenario({
  name: "no-module-btf",
  summary: "a kernel whose modules have no BTF: the wire tools work from trace points and say what they lack",
  timeLimitSeconds: 400,

  async setup(lab) {
    await startSamba(lab);
    capture = await startCapture(lab, "smb", 445);
    await mountCifs(lab, { options: { actimeo: 0, echo_interval: 3 } });
  },

  async timeline(lab) {
    const tool = (args: readonly string[], name: string, program = "smbslower") =>
      lab.start(lab.aodArgv(args, program), { stdout: `${name}.out`, stderr: `${name}.err`, env });
    const tools = [tool(["0", "--json"], "json"), tool(["0", "-v"], "text"), tool([], "snoop", "smbiosnoop")];
    await waitForProbe(lab, tools.length);
    daemon = startBeside(lab, { name: "daemon", env });
    await untilProbe(lab, daemon, "daemon", (probe) => probe.state === "running");
    await lab.step("base line", async () => {
      writeFileSync(`${mounted}/held`, "x".repeat(40_000));
      await keep(lab, "before");
    });
    await lab.step("workload of primes", () => {
      mkdirSync(`${mounted}/work`);
      primeWorkload(`${mounted}/work`);
    });
    await lab.step("count", () => keep(lab, "after"));
    await lab.step("server frozen, caller killed, server thawed", () => cancelled(lab));
    await lab.step("the killed caller's request is given up", () => nothingInFlight(lab, "cancelled"));
    await lab.step("connection broken, server restarted", () => reconnect(lab));
    await lab.step("what the reconnect ended is given up", () => nothingInFlight(lab, "reconnected"));
    keepProcCifs(lab, "DebugData");
    const { stdout } = await lab.aod(["status"], { env: { AOD_RUN_DIR: `${lab.work}/daemon/run` } });
    lab.write("status.txt", stdout);
    lab.writeJson("ended.json", await Promise.all(tools.map((one) => one.stop("SIGINT"))));
    await capture.stop();
  },

  expect(results) {
    const [before, after] = [probeOf(results, "before"), probeOf(results, "after")];
    const mine = between(countsOf(before), countsOf(after));
    assert.deepEqual(after.losses, [], "nothing is lost, and nothing given up, while all goes well");
    assert.equal(after.open_requests, 0);
    assert.equal(mine["SMB2_FLUSH"], primes.files, "one FLUSH per fsync");

    // The known difference: ECHO is never evaluated.
    const witness = smb2Witness(readFileSync(results.path("smb.pcap")));
    assert.deepEqual(witness.doubts, []);
    const [from, to] = [results.json("time-before.json") as number, results.json("time-after.json") as number];
    const asked = witness.exchanges.filter(({ command }) => command !== "SMB2_ECHO");
    const work = asked.filter(({ request }) => request.time > from && request.time < to);
    assert.deepEqual(mine, between(new Map(), tally(work.map(({ command }) => command))), "as on the wire");
    const [old, now] = [released(results.text("stats-before.txt")), released(results.text("stats-after.txt"))];
    if (old !== undefined && now !== undefined) {
      const { SMB2_ECHO: _, ...counted } = between(old, now);
      assert.deepEqual(mine, counted, "as in Stats");
    }

    const ops = results
      .text("json.out")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as SmbOpJson)
      .filter((one) => "command" in one && one.state === undefined);
    const byKey = new Map(work.map((exchange) => [keyOf(exchange.command, exchange.request.messageId), exchange]));
    let agreed = 0;
    for (const op of ops) {
      const exchange = byKey.get(keyOf(op.command, op.mid));
      if (exchange === undefined || Date.parse(op.time) / 1000 > to) continue;
      agree(
        op,
        exchange,
        work.filter(({ request }) => request.time === exchange.request.time),
      );
      agreed++;
    }
    assert.equal(agreed, work.length, "each request on the wire is one operation");
    for (const op of ops) {
      assert.deepEqual([op.phases_us, op.connection_id], [{}, undefined]);
      assert.notEqual(op.comm, "cifsd", "the issuer, not the thread that receives");
    }
    assert.ok(ops.some(({ server, share }) => server === "127.0.0.1" && share === "\\\\127.0.0.1\\share"));

    const cancelledProbe = probeOf(results, "cancelled");
    assert.ok(lossOf(cancelledProbe, "ghosts") > 0, "the killed caller's request");
    const last = probeOf(results, "reconnected");
    assert.ok(lossOf(last, "ghosts") > lossOf(cancelledProbe, "ghosts"), "what the reconnect ended");
    assert.equal(lossOf(last, "unseen"), 0, "nothing was given up that went on");
    assert.match(last.without.join("; "), /no send and wire phase.*ECHO is not seen/);
    assert.deepEqual([...new Set((last.hooks ?? []).map(({ rung }) => rung))].sort(), ["none", "trace"]);
  },
});
