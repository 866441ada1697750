import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { commandName } from "../../src/smb/commands.ts";
import { parseStats } from "../../src/smb/stats.ts";
import { mountCifs, readProcCifs } from "../guest/cifs.ts";
import type { Lab } from "../guest/lab.ts";
import { mountNfs, startNfsd } from "../guest/nfs.ts";
import { pidsByComm } from "../guest/proc.ts";
import { startSamba } from "../guest/samba.ts";
import { linesIn } from "../replayed.ts";
import type { Results } from "../results.ts";
import { defineScenario } from "../scenario.ts";

const smb = "/mnt/share";
const nfs = "/mnt/nfs";
const instances = "/sys/kernel/tracing/instances";
const control = "/proc/dynamic_debug/control";
const numbers = ["fs/cifs/cifsFYI", "sys/sunrpc/rpc_debug", "sys/sunrpc/nfs_debug", "sys/sunrpc/nlm_debug"];
const files = 5;
const bin = resolve(import.meta.dirname, "../../bin/aod");

interface Switches {
  readonly numbers: readonly string[];
  readonly on: number;
  readonly lines: number;
  /** Of every line of the client with its flags. */
  readonly digest: string;
}

function switches(): Switches {
  const lines = readFileSync(control, "utf8")
    .split("\n")
    .filter((line) => line.includes(" [cifs]") || line.includes("[cifs]"));
  return {
    numbers: numbers.map((name) => readFileSync(join("/proc", name), "utf8").trim()),
    on: lines.filter((line) => / =[a-z]*p[a-z]* "/.test(line)).length,
    lines: lines.length,
    digest: createHash("sha256").update(lines.join("\n")).digest("hex"),
  };
}

const allOn = ({ on, lines, numbers: [fyi, rpc] }: Switches): boolean =>
  on === lines && fyi === "7" && rpc === "0x7fff";

/** Some lines and one bit are on already, by somebody else. */
function beforeUs(): void {
  writeFileSync("/proc/fs/cifs/cifsFYI", "1\n");
  writeFileSync("/proc/sys/sunrpc/rpc_debug", "0x0001\n");
  const own = readFileSync(control, "utf8")
    .split("\n")
    .filter((line) => line.includes("[cifs]"));
  for (const line of own.slice(3, 8)) {
    const [, file, number] = /^(\S+):(\d+) /.exec(line) ?? [];
    writeFileSync(control, `file ${file} line ${number} +pm\n`);
  }
}

async function debugTools(lab: Lab): Promise<void> {
  beforeUs();
  const states: Record<string, unknown> = { before: switches() };
  const stateFile = join(lab.aodEnvironment["AOD_STATE_DIR"] ?? "", "switches.json");
  const on = lab.startAod(["debug", "on", "--for", "3s"], { name: "debug-on" });
  await lab.until("everything is on", 60, () => allOn(switches()));
  states["during"] = switches();
  states["status"] = JSON.parse((await lab.aod(["debug", "status", "--json"])).stdout);
  states["exit"] = (await on.ended).status;
  states["after"] = switches();

  const killed = lab.startAod(["debug", "on", "--for", "8s"], { name: "debug-killed" });
  await lab.until("everything is on", 60, () => allOn(switches()));
  await killed.stop("SIGKILL");
  states["killed"] = switches();
  await lab.until("the keeper has put it back", 60, () => !existsSync(stateFile));
  states["after_kill"] = switches();

  const interrupted = lab.startAod(["debug", "on", "--for", "10m"], { name: "debug-interrupted" });
  await lab.until("everything is on", 60, () => allOn(switches()));
  await interrupted.stop("SIGINT");
  states["after_interrupt"] = switches();

  await lab.aod(["debug", "on", "--smb"]);
  states["stays"] = switches();
  const { holders } = JSON.parse(readFileSync(stateFile, "utf8")) as { holders: { pid: number }[] };
  for (const { pid } of holders) process.kill(pid, "SIGKILL");
  await lab.aod(["show", "servers"]);
  states["after_both"] = switches();
  states["left"] = existsSync(stateFile);
  lab.writeJson("switches.json", states);
}

/** Of each: a file made, written and read past the caches; then a name that is not there. */
async function work(lab: Lab, path: string): Promise<void> {
  for (let at = 0; at < files; at++)
    await lab.run(["dd", "if=/dev/zero", `of=${path}/known-${at}`, "bs=4k", "count=1", "status=none", "oflag=direct"]);
  await lab.run(["cat", `${path}/known-0`]);
  await lab.run(["cat", `${path}/missing`], { anyStatus: true });
  for (let at = 0; at < files; at++) await lab.run(["rm", `${path}/known-${at}`]);
}

/** Until nothing of a command is released any more. */
async function quiet(lab: Lab): Promise<void> {
  let before = "";
  await lab.until("the connection is quiet", 30, async () => {
    const now = readProcCifs("Stats");
    const same = now === before;
    before = now;
    await lab.sleep(2);
    return same;
  });
}

async function recordEvents(lab: Lab): Promise<void> {
  const wrong = await lab.aod(["record", "events", "-e", "smb3_reconect", "-o", join(lab.work, "x.dat")], {
    anyStatus: true,
  });
  lab.writeJson("wrong.json", { status: wrong.status, stderr: wrong.stderr });
  const file = join(lab.work, "events.dat");
  await quiet(lab);
  const recording = lab.startAod(["record", "events", "-o", file], { name: "record-events" });
  const err = join(lab.out, "record-events.err");
  await lab.until("events are recorded", 120, () => existsSync(err) && /are recorded/.test(readFileSync(err, "utf8")));
  lab.writeJson("instances.json", readdirSync(instances));
  lab.write("stats-before.txt", readProcCifs("Stats"));
  await work(lab, smb);
  await work(lab, nfs);
  await quiet(lab);
  lab.write("stats-after.txt", readProcCifs("Stats"));
  await recording.stop("SIGINT", 120_000);
  lab.write("events.dat", readFileSync(file));
  lab.writeJson("events-file.json", { mode: (statSync(file).mode & 0o777).toString(8), left: readdirSync(instances) });
}

/** What a person has who uses tracefs by hand. */
async function tracePipe(lab: Lab): Promise<void> {
  const tracing = "/sys/kernel/tracing";
  writeFileSync(`${tracing}/events/cifs/enable`, "1");
  await lab.run(["cat", `${smb}/missing`], { anyStatus: true });
  const pipe = lab.start(["cat", `${tracing}/trace_pipe`], { stdout: "trace_pipe.txt" });
  await lab.sleep(3);
  await pipe.stop("SIGKILL");
  writeFileSync(`${tracing}/events/cifs/enable`, "0");
}

async function recordPackets(lab: Lab): Promise<void> {
  const file = join(lab.work, "packets.pcap");
  const recording = lab.startAod(["record", "packets", "-o", file], { name: "record-packets" });
  const err = join(lab.out, "record-packets.err");
  await lab.until("packets are recorded", 120, () => existsSync(err) && /are recorded/.test(readFileSync(err, "utf8")));
  await work(lab, smb);
  await work(lab, nfs);
  await recording.stop("SIGINT", 120_000);
  lab.write("packets.pcap", readFileSync(file));
  lab.writeJson("packets-file.json", {
    mode: (statSync(file).mode & 0o777).toString(8),
    left: readdirSync(lab.work).filter((name) => name.includes("ring")),
    tcpdumps: pidsByComm((comm) => comm === "tcpdump").length,
  });
}

export default defineScenario({
  name: "debug-tools",
  summary:
    "aod debug on puts everything back exactly, also after kill -9; recorded events decoded count what Stats counts; trace_pipe; packets",
  timeLimitSeconds: 600,

  async setup(lab) {
    await startSamba(lab);
    await mountCifs(lab, { options: { actimeo: 0, closetimeo: 0, echo_interval: 600, cache: "none" } });
    await startNfsd(lab);
    await mountNfs(lab, { mountPoint: nfs, options: { noac: true } });
  },

  async timeline(lab) {
    await lab.step("switches", () => debugTools(lab));
    await lab.step("events", () => recordEvents(lab));
    await lab.step("trace_pipe", () => tracePipe(lab));
    await lab.step("packets", () => recordPackets(lab));
  },

  expect(results) {
    checkSwitches(results);
    checkEvents(results);
    checkPackets(results);
  },

  present: (results) => decoded(results, "events.dat", []),
});

function checkSwitches(results: Results): void {
  const states = results.json("switches.json") as Record<string, Switches> & { exit: number; left: boolean };
  const before = states["before"];
  assert.equal(before?.on, 5, "lines that were on");
  for (const name of ["after", "after_kill", "after_interrupt", "after_both"])
    assert.deepEqual(states[name], before, `${name}: exactly as before`);
  assert.ok(states["during"] && allOn(states["during"]));
  assert.ok(states["killed"] && allOn(states["killed"]), "kill -9 of the command leaves the keeper");
  assert.equal(states["stays"]?.on, before?.lines);
  assert.deepEqual([states.exit, states.left], [0, false]);
}

interface Decoded {
  readonly type: string;
  readonly protocol?: string;
  readonly command?: string;
  readonly latency_us?: number;
  readonly ending?: string;
  readonly errno?: string;
  readonly status?: string;
  readonly requests?: readonly Decoded[];
  readonly events?: number;
  readonly unknown_events?: number;
  readonly commands?: Readonly<Record<string, { readonly count: number }>>;
}

function decoded(results: Results, file: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(bin, ["decode", results.path(file), ...args], {
    encoding: "utf8",
    maxBuffer: 64 << 20,
  });
  assert.equal(status, 0, stderr);
  return stdout;
}

/** Command -> how many were released between the two readings. */
function fromStats(results: Results): Map<string, number> {
  const [old, now] = ["stats-before.txt", "stats-after.txt"].map((name) => parseStats(results.text(name)));
  const commands = now?.connections[0]?.commands ?? [];
  return new Map(
    commands.flatMap(({ command, number }) => {
      const more = number - (old?.connections[0]?.commands.find((one) => one.command === command)?.number ?? 0);
      return more > 0 ? [[commandName(command), more] as const] : [];
    }),
  );
}

function checkEvents(results: Results): void {
  const wrong = results.json("wrong.json") as { status: number; stderr: string };
  assert.equal(wrong.status, 2, wrong.stderr);
  assert.match(wrong.stderr, /there is no event "smb3_reconect": did you mean "smb3_reconnect"/);
  assert.match(results.text("instances.json"), /"aod-\d+-\d+"/);
  assert.deepEqual(results.json("events-file.json"), { mode: "600", left: [] });
  const items = linesIn(decoded(results, "events.dat", ["--json"])) as Decoded[];
  const summary = items.at(-1);
  const requests = items.flatMap((item) => (item.type === "request" ? [item] : (item.requests ?? [])));
  const ofSmb = requests.filter(({ protocol }) => protocol === "smb");
  const stats = fromStats(results);
  // 5.10 does not count commands.
  if (stats.size > 0) {
    const counted = new Map(
      [...Map.groupBy(ofSmb, ({ command }) => command ?? "")].map(([name, all]) => [name, all.length]),
    );
    assert.deepEqual([...counted].sort(), [...stats].sort(), "as many of each command as Stats has");
  }
  for (const command of ["SMB2_CREATE", "SMB2_WRITE", "SMB2_READ", "SMB2_CLOSE"]) {
    const all = ofSmb.filter((one) => one.command === command);
    assert.ok(all.length >= 1 && all.some(({ latency_us }) => latency_us !== undefined), `${command} is joined`);
  }
  assert.ok(ofSmb.filter(({ ending }) => ending === "no-begin").length === 0, "every begin is there");
  assert.ok(
    ofSmb.some(({ status }) => status === "STATUS_OBJECT_NAME_NOT_FOUND"),
    "the missing name",
  );
  const ofNfs = requests.filter(({ protocol }) => protocol === "nfs");
  const writes = ofNfs.filter(({ command }) => command === "WRITE");
  assert.equal(writes.length, files, "NFS writes");
  assert.equal(summary?.unknown_events, 0, "every event is of a known kind");
  // trace-cmd by itself reads as many.
  const report = spawnSync("trace-cmd", ["report", "-N", "-i", results.path("events.dat")], {
    encoding: "utf8",
    maxBuffer: 64 << 20,
  });
  const lines = report.stdout.split("\n").filter((line) => /^\s*\S.*-\d+\s+\[\d+\]/.test(line));
  assert.equal(summary?.events, lines.length, "every event that trace-cmd reports");
  assert.ok(decoded(results, "events.dat", ["--errors"]).includes("ENOENT"));
  const pipe = linesIn(decoded(results, "trace_pipe.txt", ["--json"])) as Decoded[];
  const calls = pipe.flatMap((item) => item.requests ?? []);
  assert.ok(
    calls.some(({ command, status }) => command === "SMB2_CREATE" && status === "STATUS_OBJECT_NAME_NOT_FOUND"),
  );
}

function checkPackets(results: Results): void {
  assert.deepEqual(results.json("packets-file.json"), { mode: "600", left: [], tcpdumps: 0 });
  assert.match(results.text("record-packets.err"), /dropped by the kernel: none/);
  const { status, stdout, stderr } = spawnSync(bin, ["packets", results.path("packets.pcap"), "--json"], {
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
  assert.match(stdout, /SMB2_CREATE|CREATE/);
  assert.match(stdout, /"NFS 4\.2"/);
}
