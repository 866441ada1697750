import assert from "node:assert/strict";
import { existsSync, mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setImmediate } from "node:timers/promises";
import { capture, createMessage, deliver, Secrets } from "../packets/testing/packets.ts";
import { withDir } from "../system/fixture.ts";
import type { Argv } from "../system/process.ts";
import type { Endpoint } from "../system/sockets.ts";
import { Packets, type PacketsOptions } from "./packets.ts";
import { put } from "./testing/tracefs.ts";

const S = 1e9;
const server = { address: "10.0.0.2", port: 445 };

class FakeTcpdump {
  readonly pid = 4242;
  readonly signals: string[] = [];
  readonly argv: Argv;
  readonly say: (text: string) => void;
  readonly end: (reason: string, missing: boolean) => void;

  constructor(argv: Argv, say: FakeTcpdump["say"], end: FakeTcpdump["end"]) {
    this.argv = argv;
    this.say = say;
    this.end = end;
  }

  signal(name: string): void {
    this.signals.push(name);
    if (name === "SIGTERM" || name === "SIGKILL") this.end(`ended by ${name}`, false);
  }
  /** Where its ring is. */
  get ring(): string {
    return this.argv[this.argv.indexOf("-w") + 1] ?? "";
  }
}

interface World {
  readonly packets: Packets;
  readonly started: FakeTcpdump[];
  readonly proc: string;
  servers: readonly Endpoint[];
  atNs: number;
  clock(seconds: number): void;
  /** So many beats, a second apart. */
  beats(count: number): Promise<void>;
}

/** SigCgt with SIGUSR1 and SIGUSR2. */
const status = "Name:\ttcpdump\nSigCgt:\t0000000000000a00\n";

const withPackets = (work: (world: World) => Promise<void>, change: Partial<PacketsOptions> = {}): Promise<void> =>
  withDir(async (dir) => {
    const proc = join(dir, "proc");
    put(proc, "4242/status", status);
    put(proc, "4242/stat", `4242 (tcpdump) S ${"0 ".repeat(10)}0 0 0`);
    put(proc, "net/dev", "Inter-|\n face |\n lo: 100 10 0 0 0 0 0 0 100 10 0 0 0 0 0 0\n");
    const started: FakeTcpdump[] = [];
    const world = { atNs: 1000 * S, servers: [server] as readonly Endpoint[], started, proc };
    const packets = new Packets({
      mode: "auto",
      directory: join(dir, "recorder/packets"),
      procRoot: proc,
      clock: { nowNs: () => world.atNs, wallMs: () => Date.now() },
      servers: async () => world.servers,
      snapLength: 256,
      maxBytes: 16e6,
      maxAgeNs: 600 * S,
      budget: 0.005,
      postNs: 60 * S,
      wait: async () => undefined,
      start: async (argv, onText, onEnd) => {
        const fake = new FakeTcpdump(argv, onText, onEnd);
        started.push(fake);
        return fake;
      },
      ...change,
    });
    const beats = async (count: number): Promise<void> => {
      for (let beat = 0; beat < count; beat++) {
        world.atNs += S;
        packets.beat();
        await setImmediate();
      }
    };
    const forward = (seconds: number): void => {
      world.atNs += seconds * S;
    };
    await work(Object.assign(world, { packets, beats, clock: forward }));
    packets.end();
    assert.ok(!existsSync(join(dir, "recorder/packets")), "packets that are not scrubbed do not stay");
  });

async function dump(packets: Packets, sessions: Iterable<bigint> = []): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of packets.dump(0, sessions)) pieces.push(piece);
  return Buffer.concat(pieces);
}

describe("the packet recorder", () => {
  it("runs tcpdump on the servers of the mounts, into a ring that only root can read", () =>
    withPackets(async ({ packets, started, beats }) => {
      await beats(1);
      assert.equal(started.length, 1);
      const [tcpdump] = started;
      const words = tcpdump?.argv.join(" ") ?? "";
      assert.match(
        words,
        /^tcpdump -i any -n -p -Z root -s 256 -B 2048 -C 2 -W 4 -w \S+\/packets\/1\/packets.pcap tcp and/,
      );
      assert.equal(tcpdump?.argv.at(-1), "tcp and ((host 10.0.0.2 and port 445))");
      assert.equal(statSync(join(tcpdump?.ring ?? "", "..")).mode & 0o777, 0o700);
      assert.deepEqual([packets.status().state, packets.status().pid], ["recording", 4242]);
    }));

  it("waits without a mount, and follows the mounts, keeping one earlier ring", () =>
    withPackets(async (world) => {
      world.servers = [];
      await world.beats(6);
      assert.deepEqual([world.started.length, world.packets.status().state], [0, "waiting"]);
      assert.match(world.packets.absent ?? "", /no mount/);
      for (const port of [445, 446, 447]) {
        world.servers = [{ ...server, port }];
        await world.beats(12);
        writeFileSync(`${world.started.at(-1)?.ring}0`, "x");
      }
      const rings = world.started.map(({ ring }) => existsSync(`${ring}0`));
      assert.deepEqual(rings, [false, true, true]);
      assert.equal(world.packets.status().why, undefined);
    }));

  it("gives what it has scrubbed, after tcpdump wrote what it held, and goes on", () =>
    withPackets(async ({ packets, started, beats }) => {
      await beats(3);
      const secrets = new Secrets(1);
      const how = {
        seed: 1,
        size: 1,
        cuts: [9000],
        begun: false,
        order: [],
        repeat: [],
        lose: [],
        snap: 256,
        linkType: 276,
      };
      const sent = deliver({ toServer: [createMessage(1n, secrets.take(900))], toClient: [], port: 445 }, how);
      const file = capture(sent, how);
      // Times of the capture are those of 1970.
      file.writeUInt32LE(Math.floor(Date.now() / 1000), 24);
      writeFileSync(`${started[0]?.ring}0`, file);
      const out = await dump(packets, [0x65n]);
      assert.equal(out.length, file.length);
      assert.ok(out.includes("\xfeSMB", 0, "latin1"));
      assert.deepEqual(secrets.foundIn(out), []);
      assert.deepEqual(started[0]?.signals, ["SIGUSR2"]);
      assert.equal(started.length, 1);
    }));

  it("has an old tcpdump write every packet at once, instead of ending it by a signal that it does not know", () =>
    withPackets(async ({ packets, started, proc, beats }) => {
      put(proc, "4242/status", "Name:\ttcpdump\nSigCgt:\t0000000000000200\n");
      await beats(8);
      assert.deepEqual([started.length, started[0]?.signals], [2, ["SIGTERM"]]);
      assert.ok(started[1]?.argv.includes("-U") && !started[0]?.argv.includes("-U"));
      await dump(packets);
      assert.ok(!started[1]?.signals.includes("SIGUSR2"));
      assert.equal(packets.status().why, undefined);
    }));

  it("stops when it costs too much, and starts at the first sign of trouble, for a time", () =>
    withPackets(async ({ packets, started, proc, beats }) => {
      await beats(3);
      // 30 ms within one second.
      put(proc, "4242/stat", `4242 (tcpdump) S ${"0 ".repeat(10)}3 0 0`);
      await beats(1);
      assert.deepEqual([packets.status().state, started.length, started[0]?.signals.at(-1)], ["armed", 1, "SIGTERM"]);
      assert.ok((packets.status().cost ?? 0) > 0.005);
      packets.trouble();
      await beats(1);
      assert.deepEqual([packets.status().state, started.length], ["triggered", 2]);
      await beats(61);
      assert.deepEqual([packets.status().state, started[1]?.signals.at(-1)], ["armed", "SIGTERM"]);
    }));

  it("looks at its cost more rarely while no requests are seen", () =>
    withPackets(async ({ packets, proc, clock, started }) => {
      for (let beat = 0; beat < 20; beat++) {
        clock(1);
        // As in each beat of a busy host it would be too dear.
        if (beat === 12) put(proc, "4242/schedstat", "30000000 0 1\n");
        packets.beat(true);
        await setImmediate();
        if (beat === 13) assert.equal(packets.status().state, "recording");
      }
      assert.equal(started.length, 1);
      assert.equal(packets.status().state, "recording", "30 ms of ten seconds are within the budget");
      put(proc, "4242/schedstat", "200000000 0 1\n");
      clock(1);
      packets.beat(true);
      assert.equal(packets.status().state, "recording");
      clock(1);
      packets.beat(false);
      assert.equal(packets.status().state, "armed");
    }));

  it("says why it cannot, and tries again later and later", () =>
    withPackets(async ({ packets, started, beats }) => {
      await beats(1);
      started[0]?.say("tcpdump: any: You don't have permission to capture on that device\n");
      started[0]?.end("exit status 1", false);
      assert.equal(packets.status().state, "unavailable");
      assert.match(packets.absent ?? "", /exit status 1: tcpdump: any: You don't have permission/);
      for (let tries = 0; tries < 30; tries++) {
        const before = started.length;
        await beats(1);
        if (started.length > before) started.at(-1)?.end("exit status 1", false);
      }
      assert.ok(started.length >= 4 && started.length <= 6, `${started.length} starts within 30 s`);
    }));

  it("counts what tcpdump took and lost", () =>
    withPackets(async ({ packets, started, beats }) => {
      await beats(12);
      assert.ok(started[0]?.signals.includes("SIGUSR1"));
      started[0]?.say("tcpdump: 12 packets captured, 14 packets received by filter, 2 packets dropped by kernel\n");
      assert.deepEqual([packets.status().captured, packets.status().dropped], [12, 2]);
    }));

  it("kills the recorder of a daemon that was killed, and nobody else's", () =>
    withDir(async (dir) => {
      const [proc, directory] = [join(dir, "proc"), join(dir, "packets")];
      for (const [pid, comm, file] of [
        [10, "tcpdump", join(directory, "1/packets.pcap0")],
        [11, "tcpdump", "/tmp/mine.pcap"],
        [12, "less", join(directory, "1/packets.pcap0")],
      ] as const) {
        put(proc, `${pid}/comm`, `${comm}\n`);
        mkdirSync(join(proc, `${pid}/fd`));
        symlinkSync(file, join(proc, `${pid}/fd/3`));
      }
      put(directory, "1/packets.pcap0", "left");
      const killed: number[] = [];
      const clock = { nowNs: () => 0, wallMs: () => 0 };
      const settings = { snapLength: 256, maxBytes: 1e6, maxAgeNs: S, budget: 1, postNs: S };
      const packets = new Packets({
        ...settings,
        ...{ mode: "auto", directory, procRoot: proc, clock, servers: async () => [], kill: (pid) => killed.push(pid) },
      });
      assert.deepEqual([killed, packets.status().leftovers_killed], [[10], [10]]);
      assert.ok(!existsSync(join(directory, "1")));
    }));

  it("does nothing when it is off", () =>
    withPackets(
      async ({ packets, started, beats }) => {
        await beats(20);
        packets.trouble();
        assert.deepEqual([started.length, packets.status().state], [0, "off"]);
        assert.match(packets.absent ?? "", /recorder.packets.mode is off/);
      },
      { mode: "off" },
    ));
});
