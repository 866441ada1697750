import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { commandName } from "../../src/smb/commands.ts";
import { parseStats } from "../../src/smb/stats.ts";
import { statusName } from "../../src/smb/status.ts";
import { startCapture } from "../guest/capture.ts";
import { type MountOptions, mountCifs, readProcCifs, unmount } from "../guest/cifs.ts";
import type { Lab } from "../guest/lab.ts";
import { smbdPids, startSamba } from "../guest/samba.ts";
import { loadKsmbd } from "../guest/variants.ts";
import { type LoggedOp, WireLog, type WireSaid } from "../guest/wire-log.ts";
import { smbWireLines } from "../kernels.ts";
import { defineScenario } from "../scenario.ts";
import { missingOf, preemptsTasks } from "../witness/missing.ts";
import { countSmb2, flatCounts, smb2Witness } from "../witness/smb2.ts";

interface Variant {
  readonly options: MountOptions;
  /** Mount points; each asks for a connection of its own where the options say so. */
  readonly mounts?: number;
  readonly connections?: number;
  /** Nobody can look into its packets. */
  readonly sealed?: true;
  /** Kills the server's process of this client in the middle of the work. */
  readonly reconnect?: true;
}

const common = { closetimeo: 0, echo_interval: 600, actimeo: 0 };
const variants: Readonly<Record<string, Variant>> = {
  strict: { options: { cache: "strict" } },
  none: { options: { cache: "none" } },
  loose: { options: { cache: "loose" } },
  sign: { options: { sec: "ntlmsspi" } },
  seal: { options: { seal: true }, sealed: true },
  // Responses of at least this size are decrypted by kernel workers when more than one request is on the wire.
  esize: { options: { seal: true, esize: 8192, cache: "none", rsize: 65536 }, sealed: true },
  nosharesock: { options: { nosharesock: true }, mounts: 2, connections: 2 },
  multichannel: { options: { multichannel: true, max_channels: 2 }, connections: 2 },
  reconnect: { options: { cache: "none" }, reconnect: true },
};

/** Several processes at once: files written and read in blocks, directories made, listed and removed, names that are not there. */
async function work(lab: Lab, root: string, variant: Variant): Promise<void> {
  const blocks = variant.reconnect === true ? 60 : 12;
  const one = (n: number): string =>
    [
      `mkdir -p ${root}/d${n}`,
      `dd if=/dev/zero of=${root}/d${n}/file bs=64k count=${blocks} conv=fsync status=none`,
      `dd if=${root}/d${n}/file of=/dev/null bs=64k status=none`,
      `mv ${root}/d${n}/file ${root}/d${n}/renamed; ls -l ${root}/d${n} >/dev/null; stat ${root}/missing-${n} 2>/dev/null`,
      `rm -r ${root}/d${n}`,
    ].join("; ");
  const busy = [1, 2, 3, 4].map((n) => lab.run(["sh", "-c", one(n)], { anyStatus: true, timeoutMs: 120_000 }));
  if (variant.reconnect === true) {
    await lab.sleep(1);
    const [parent, ...children] = smbdPids().sort((left, right) => left - right);
    lab.tell(`killed: ${children.join(" ")} of ${parent}`);
    for (const pid of children) process.kill(pid, "SIGKILL");
  }
  await Promise.all(busy);
}

/** What /proc/fs/cifs/Stats says of each connection, the oldest first, once nothing moves any more. */
async function quietStats(lab: Lab): Promise<Record<string, number>[]> {
  let before = "";
  await lab.until("the connections are quiet", 60, async () => {
    const now = readProcCifs("Stats");
    const quiet = now === before;
    before = now;
    await lab.sleep(1.5);
    return quiet;
  });
  return parseStats(before)
    .connections.map(({ commands }) =>
      Object.fromEntries(
        commands.filter(({ number }) => number > 0).map(({ command, number }) => [commandName(command), number]),
      ),
    )
    .reverse();
}

interface Measured {
  readonly stats: readonly Record<string, number>[];
  /** Seqs: after the first, and up to this one Stats was read. */
  readonly from: number;
  readonly to: number;
  /** Of the last request after the unmount. */
  readonly end: number;
}

function countsOf(ops: readonly LoggedOp[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { command } of ops) counts[command] = (counts[command] ?? 0) + 1;
  return counts;
}

/** Command and status -> how often. */
function statusesOf(ops: readonly LoggedOp[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { command, status } of ops) {
    const key = `${command} ${status === undefined ? "none" : statusName(status)}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

/** The same from the packets. */
function captured(file: Buffer): Record<string, number> {
  const witness = smb2Witness(file);
  assert.deepEqual([witness.doubts, witness.encrypted], [[], 0]);
  return flatCounts(countSmb2(witness.exchanges));
}

/** Command -> how often, as the ticks count. */
function ticked(said: WireSaid): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const commands of Object.values(said.counted)) {
    for (const [code, count] of Object.entries(commands)) {
      const command = commandName(Number(code));
      counts[command] = (counts[command] ?? 0) + count;
    }
  }
  return counts;
}

/** Of each connection, the oldest first. */
function byConnection(ops: readonly LoggedOp[]): LoggedOp[][] {
  const found = new Map<string, LoggedOp[]>();
  for (const op of ops) found.set(op.connection, [...(found.get(op.connection) ?? []), op]);
  return [...found].sort(([left], [right]) => Number(left) - Number(right)).map(([, own]) => own);
}

export default defineScenario({
  name: "wire-variants",
  summary:
    "with every kind of mount, ksmbd loaded beside, each connection's requests are exactly those of /proc/fs/cifs/Stats and of a packet capture",
  kernels: smbWireLines,
  timeLimitSeconds: 700,
  settings: { only: "", fentry: "true" },

  async setup(lab) {
    await startSamba(lab, {
      global: { interfaces: '"lo;speed=1000000000,capability=RSS"', "server multi channel support": "yes" },
    });
    // Before the client: its own functions of the same file names must not be taken for the client's.
    lab.writeJson("ksmbd.json", await loadKsmbd(lab));
    await lab.run(["modprobe", "cifs"]);
  },

  async timeline(lab) {
    const log = await WireLog.start(lab, { fentry: lab.settings["fentry"] !== "false" });
    const measured: Record<string, Measured> = {};
    const only = (lab.settings["only"] ?? "").split(",").filter((name) => name !== "");
    for (const [name, variant] of Object.entries(variants)) {
      if (only.length > 0 && !only.includes(name)) continue;
      await lab.step(name, async () => {
        const from = log.last;
        const clear = variant.sealed !== true && variant.reconnect !== true;
        const capture = clear ? await startCapture(lab, name, 445) : undefined;
        const points = Array.from({ length: variant.mounts ?? 1 }, (_, n) => `/mnt/${name}${n}`);
        for (const mountPoint of points)
          await mountCifs(lab, { mountPoint, options: { ...common, ...variant.options } });
        // More channels are opened by a kernel worker.
        if (variant.connections !== undefined) await lab.sleep(2);
        await Promise.all(points.map((point) => work(lab, point, variant)));
        const stats = await quietStats(lab);
        const to = log.last;
        for (const point of points) await unmount(lab, point);
        await lab.until("the connection is gone", 30, () => parseStats(readProcCifs("Stats")).connections.length === 0);
        await capture?.stop();
        measured[name] = { stats, from, to, end: log.last };
      });
    }
    lab.writeJson("measured.json", measured);
    lab.writeJson("said.json", await log.stop(lab));
  },

  expect(results) {
    assert.equal(results.json("ksmbd.json"), true, "ksmbd is loaded beside the client");
    const said = results.json("said.json") as WireSaid;
    for (const { name, rung, why } of said.hooks) assert.ok(rung === "fentry" || why?.startsWith("not needed"), name);
    // A kernel with preemption may lose a run of a program; then it must be said, and only then may a request be missing.
    const kinds = preemptsTasks(results) ? ["recursion", "ghosts", "unseen"] : [];
    assert.deepEqual(
      said.losses.filter((loss) => !kinds.includes(loss.kind)),
      [],
    );
    const lost = said.losses.reduce((sum, loss) => sum + (loss.kind === "recursion" ? loss.count : 0), 0);
    let missing = 0;
    const same = (own: Record<string, number>, witness: Record<string, number>, what: string): void => {
      missing += missingOf(own, witness, lost, what);
    };
    for (const [name, one] of Object.entries(results.json("measured.json") as Record<string, Measured>)) {
      const { stats, from, to, end } = one;
      const variant = variants[name] ?? assert.fail(name);
      const ops = said.ops.filter((op) => op.seq > from && op.seq <= to);
      const made = byConnection(ops.filter((op) => op.end !== "not-made"));
      assert.deepEqual([made.length, stats.length], [variant.connections ?? 1, made.length], `${name}: connections`);
      for (const [n, own] of made.entries()) same(countsOf(own), stats[n] ?? {}, `${name}: connection ${n}`);
      if (variant.sealed !== true && variant.reconnect !== true) {
        const all = said.ops.filter((op) => op.seq > from && op.seq <= end);
        same(statusesOf(all), captured(readFileSync(results.path(`${name}.pcap`))), `${name}: the capture`);
      }
      for (const op of ops) {
        const what = `${name}: ${JSON.stringify(op)}`;
        if (lost === 0) assert.ok(!op.late, `an answer that no hook saw: ${what}`);
        assert.equal(op.status === undefined, op.end !== undefined, what);
        if (op.status !== undefined && lost === 0) assert.ok(op.phases.wire !== undefined, what);
        assert.equal(op.errno !== undefined, op.end === "not-made" || op.end === "send-failed", what);
      }
      const without = ops.filter((op) => op.end !== undefined);
      if (variant.reconnect === true) assert.ok(without.length > 0, "nothing was lost with the connection");
      else assert.deepEqual(without, [], name);
    }
    // Stats and the capture may each miss the same request.
    assert.ok(missing <= 2 * lost, `${missing} are missing, ${lost} are counted as lost`);
    same(ticked(said), countsOf(said.ops.filter((op) => op.end !== "not-made")), "the ticks");
  },

  present(results) {
    const said = results.json("said.json") as WireSaid;
    const ends = said.ops.filter((op) => op.end !== undefined).map((op) => `${op.end} ${op.errno ?? ""}`.trim());
    return `${said.ops.length} requests; losses ${JSON.stringify(said.losses)}; ended without a response: ${ends.sort().join(", ")}`;
  },
});
