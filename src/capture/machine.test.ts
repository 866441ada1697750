import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { withDir } from "../system/fixture.ts";
import { collectAll, contextOf, programs } from "./fixture.ts";
import { health } from "./health.ts";
import { network } from "./network.ts";
import { processes } from "./processes.ts";
import { kernelEvents, packets } from "./recordings.ts";
import { stacks } from "./stacks.ts";
import { systemState } from "./system-state.ts";
import { versions } from "./versions.ts";

async function put(root: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), text);
  }
}

const stat = (tid: number, comm: string, state: string, flags = 0): string =>
  `${tid} (${comm}) ${state} 1 ${tid} 1 0 -1 ${flags} 10 0 0 0 7 5 0 0 20 0 2 0 4242 0 0 0`;

/** Four tasks: one in D state below the SMB client, one of its threads, an ordinary one, one that runs. */
const withTasks = (work: (root: string) => Promise<void>): Promise<void> =>
  withDir(async (root) => {
    await put(root, {
      "30/task/30/stat": stat(30, "sleeper", "S"),
      "30/task/30/wchan": "do_select",
      "40/task/40/stat": stat(40, "runner", "R"),
      "40/task/40/wchan": "0",
      "200/task/200/stat": stat(200, "dd (copy) 1", "S"),
      "200/task/200/wchan": "futex_wait_queue",
      "200/task/201/stat": stat(201, "dd", "D"),
      "200/task/201/wchan": "cifs_wait_for_server_reconnect",
      "300/task/300/stat": stat(300, "cifsd", "S", 0x200040),
      "300/task/300/wchan": "sk_wait_data",
      "400/task/400/comm": "has no stat: it has ended",
    });
    await work(root);
  });

describe("captures of the machine", () => {
  it("list tasks without asking any that hangs, and arguments by a program that can be killed", () =>
    withTasks(async (procRoot) => {
      const run = programs({ ps: "PID ARGS\n12 mount.cifs //a/b /mnt -o password=hunter2\n" });
      const files = await collectAll(processes.collect(contextOf({ procRoot, run })));
      const tasks = (files.get("tasks.ndjson")?.text ?? "")
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line));
      assert.deepEqual(
        tasks.map(({ pid, tid, comm, state, wchan, kernel }) => [pid, tid, comm, state, wchan, kernel]).sort(),
        [
          [200, 200, "dd (copy) 1", "S", "futex_wait_queue", undefined],
          [200, 201, "dd", "D", "cifs_wait_for_server_reconnect", undefined],
          [30, 30, "sleeper", "S", "do_select", undefined],
          [300, 300, "cifsd", "S", "sk_wait_data", true],
          [40, 40, "runner", "R", undefined, undefined],
        ],
      );
      const [task] = tasks;
      assert.deepEqual([task.ppid, task.cpu_ticks, task.start_ticks], [1, 12, 4242]);
      assert.deepEqual(run.asked, [
        "ps -ww -e -o pid=PID,ppid=PPID,uid=UID,stat=STAT,etimes=SECONDS,rss=RSS,wchan:32=WCHAN,args=ARGS",
      ]);
    }));

  it("take kernel stacks of what hangs in the clients first, never of what runs", () =>
    withTasks(async (procRoot) => {
      const run = programs({ head: "==> stack <==\n[<0>] cifs_wait_for_server_reconnect+0x1/0x2\n" });
      const files = await collectAll(stacks.collect(contextOf({ procRoot, run })));
      const order = run.asked.flatMap((argv) => [...argv.matchAll(/task\/(\d+)\/stack/g)].map(([, tid]) => tid));
      assert.deepEqual(order, ["201", "300", "30", "200"]);
      assert.match(run.asked[0] ?? "", /^head -v -n 48 -- /);
      assert.match(files.get("stacks.txt")?.text ?? "", /cifs_wait_for_server_reconnect/);
    }));

  it("keep the stacks that came, and say that a batch hung", () =>
    withTasks(async (procRoot) => {
      const half = { status: "timeout" as const, code: null, stdout: Buffer.from("==> first <==\n"), reason: "killed" };
      const files = await collectAll(stacks.collect(contextOf({ procRoot, run: programs({ head: half }) })));
      const { text, status, reason } = files.get("stacks.txt") ?? {};
      assert.deepEqual([text, status], ["==> first <==\n", "failed"]);
      assert.match(reason ?? "", /did not answer/);
    }));

  it("read the counters of the system", async () => {
    const files = await collectAll(systemState.collect(contextOf()));
    assert.match(files.get("system/meminfo")?.text ?? "", /^MemTotal:/);
    assert.match(files.get("system/pressure-memory")?.text ?? "", /^some avg10=/);
    assert.equal(files.get("system/interrupts")?.status, "absent");
  });

  it("ask programs for their versions, in one of the two ways for packages", () =>
    withDir(async (fsRoot) => {
      await put(fsRoot, { "etc/os-release": "ID=debian\n", "etc/fstab": "//a/b /mnt cifs password=x 0 0\n" });
      const none = { status: "failed" as const, code: 1, reason: "exit status 1" };
      const some = { ...none, stdout: Buffer.from("cifs-utils\t2:7.0\n") };
      const run = programs({ "mount.cifs": "mount.cifs version: 7.0\n", "modinfo cifs": none, "dpkg-query": some });
      const files = await collectAll(versions.collect(contextOf({ fsRoot, run })));
      assert.equal(files.get("versions/os-release")?.text, "ID=debian\n");
      assert.equal(files.get("versions/mount.cifs.txt")?.text, "mount.cifs version: 7.0\n");
      assert.deepEqual(
        ["modinfo-cifs", "keyctl", "packages"].map((name) => files.get(`versions/${name}.txt`)?.status),
        ["absent", "absent", undefined],
      );
      assert.ok(!run.asked.some((argv) => argv.startsWith("rpm")));
      const rpm = programs({ "rpm -q": "cifs-utils-7.0-1\n" });
      const again = await collectAll(versions.collect(contextOf({ fsRoot, run: rpm })));
      assert.equal(again.get("versions/packages.txt")?.text, "cifs-utils-7.0-1\n");
    }));

  it("look the servers up by name and by route, and give no option to a program", async () => {
    const run = programs({ "getent ahosts": "10.0.0.2 STREAM nas\n", "ip -s route get": "10.0.0.2 dev eth0\n" });
    const servers = async () => [
      { address: "10.0.0.2", port: 2049 },
      { address: "-V", port: 1 },
    ];
    const files = await collectAll(network.collect(contextOf({ run, servers })));
    assert.deepEqual(run.asked.slice(0, 3), [
      "getent ahosts files.example",
      "getent ahosts nas",
      "ip -s route get 10.0.0.2",
    ]);
    assert.equal(files.get("routes.txt")?.text, "==> ip -s route get 10.0.0.2 <==\n10.0.0.2 dev eth0\n");
  });

  it("tell of the daemon itself, where there is one", async () => {
    const [with_, without] = await Promise.all([
      collectAll(health.collect(contextOf({ health: async () => ({ losses: 3 }) }))),
      collectAll(health.collect(contextOf())),
    ]);
    assert.deepEqual(JSON.parse(with_.get("aod-status.json")?.text ?? ""), { losses: 3 });
    assert.equal(without.get("aod-status.json")?.status, "absent");
  });

  it("give what the flight recorder has as it is, and count what it lacks", async () => {
    async function* content() {
      yield Buffer.from([0, 1, 2]);
    }
    const lost: unknown[] = [];
    const context = contextOf({
      packets: () => ({ source: "tcpdump", content: content(), losses: () => ({ "packets.dropped": 4 }) }),
      kernelEvents: () => ({ source: "tracefs", absent: "there is no tracefs" }),
      lost: (kind, count) => void lost.push([kind, count]),
    });
    const files = [];
    for await (const file of packets.collect(context)) files.push(file);
    for await (const file of kernelEvents.collect(context)) files.push(file);
    assert.deepEqual(
      files.map(({ name, binary, status, reason }) => [name, binary, status, reason]),
      [
        ["packets.pcap", true, undefined, undefined],
        ["kernel-events.dat", undefined, "absent", "there is no tracefs"],
      ],
    );
    assert.deepEqual(lost, [["packets.dropped", 4]]);
  });
});
