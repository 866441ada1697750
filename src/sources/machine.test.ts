// What the machine shows, as sources: sockets, tasks, pressure.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type FakeMachine, fakeMachine, only, printed, withMounts } from "./fixture.ts";
import { pressureSource } from "./pressure.ts";
import { socketsSource } from "./sockets.ts";
import { stuckTasksSource } from "./stuck-tasks.ts";

describe("sockets", () => {
  const row = (port: number, retrans: number, more = "") =>
    `ESTAB 0 0 10.0.0.9:${port} 10.0.0.1:445${more}\n\t rto:204 rtt:0.5/0.1 segs_out:${100 + retrans} retrans:0/${retrans}\n`;
  const snmp = (reset: number) =>
    `Tcp: OutSegs RetransSegs EstabResets OutRsts AttemptFails\nTcp: 100 2 ${reset} 0 0\n`;

  it("have a server, and what changed", async (t) => {
    let text = row(50000, 1);
    const argvs: string[][] = [];
    const { machine, mounts } = await withMounts(t, async (argv) => {
      argvs.push([...argv]);
      return printed(text);
    });
    machine.write("proc/self/net/snmp", snmp(1));
    const source = socketsSource(machine.roots, mounts);
    const [first] = only(await machine.look(source), "sockets").sockets;
    assert.deepEqual(argvs[0], ["ss", "-tinmoH", "dport", "=", ":445", "or", "dport", "=", ":2049"]);
    assert.deepEqual(first?.target, { protocol: "smb", server: "files", address: "10.0.0.1" });
    assert.deepEqual([first.state, first.rttMs, first.delta], ["ESTABLISHED", 0.5, undefined]);
    machine.seconds(2);
    machine.write("proc/self/net/snmp", snmp(3));
    text = row(50000, 4, " timer:(persist,200ms,2)");
    const second = await machine.outcome(source);
    assert.ok("observations" in second && second.trouble);
    const { sockets, tcp } = only(second.observations, "sockets");
    assert.deepEqual(sockets[0]?.delta, { intervalNs: 2e9, retransmits: 3, segmentsOut: 3 });
    assert.equal(sockets[0].zeroWindow, true);
    assert.equal(tcp?.resetsReceived, 2);
  });

  it("one that is gone is told, with whether another stands in its place", async (t) => {
    let text = row(50000, 0);
    const { machine, mounts } = await withMounts(t, async () => printed(text));
    const source = socketsSource(machine.roots, mounts);
    await machine.look(source);
    text = row(50001, 0);
    const { gone } = only(await machine.look(source), "sockets");
    assert.deepEqual(
      gone.map(({ local, replaced }) => [local.port, replaced]),
      [[50000, true]],
    );
    text = "";
    assert.equal(only(await machine.look(source), "sockets").gone[0]?.replaced, false);
  });

  it("without ss there are queues and timers, and it says what is missing", async (t) => {
    const { machine, mounts } = await withMounts(t);
    machine.write(
      "proc/self/net/tcp",
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n" +
        "   0: 0900000A:C350 0100000A:01BD 01 003B2B79:00000000 04:00000012 00000002     0        0 0 2 0 20 0 0 11 -1\n" +
        "   1: 0900000A:C350 0100000A:0016 01 00000000:00000000 00:00000000 00000000     0        0 0 2 0 20 0 0 11 -1\n",
    );
    const outcome = await machine.outcome(socketsSource(machine.roots, mounts));
    assert.ok("observations" in outcome);
    const { sockets } = only(outcome.observations, "sockets");
    assert.deepEqual(
      sockets.map(({ target, sendQueue, zeroWindow, rttMs }) => [target.server, sendQueue, zeroWindow, rttMs]),
      [["files", 0x3b2b79, true, undefined]],
    );
    assert.match(outcome.degraded ?? "", /no round trip times/);
  });
});

describe("stuck tasks", () => {
  const stat = (name: string) => `9 (${name}) D 1\n`;
  const write = (machine: FakeMachine, tid: number, stack: string | undefined, wchan = "0") => {
    const directory = `proc/${tid}/task/${tid}`;
    machine.write(`${directory}/stat`, stat(`t${tid}`));
    machine.write(`${directory}/stack`, stack);
    machine.write(`${directory}/wchan`, wchan);
    machine.write(`${directory}/status`, "Uid:\t1000\t0\t0\t0\n");
  };

  it("those within the clients are told with their stack, since they were seen first, until they are gone", async (t) => {
    const { machine, mounts } = await withMounts(t);
    const source = stuckTasksSource(machine.roots, mounts);
    assert.deepEqual(await machine.look(source), []);
    write(machine, 100, "[<0>] wait_for_response+0x5a/0x90 [cifs]\n[<0>] vfs_read+0x1/0x2\n", "wait_for_response");
    write(machine, 200, "[<0>] folio_wait_bit+0x1/0x2\n[<0>] nfs_wb_all+0x1/0x2 [nfs]\n");
    write(machine, 300, "[<0>] jbd2_log_wait_commit+0x1/0x2 [jbd2]\n");
    write(machine, 400, "[<0>] ext4_x+0x1/0x2 [ext4]\n[<0>] svc_process+0x1/0x2 [sunrpc]\n[<0>] nfsd+0x1/0x2 [nfsd]\n");
    machine.seconds(1);
    await machine.look(source);
    machine.seconds(1);
    const { tasks } = only(await machine.look(source), "stuck-tasks");
    assert.deepEqual(tasks, [
      {
        pid: 100,
        tid: 100,
        comm: "t100",
        uid: 1000,
        sinceNs: 1001e9,
        wchan: "wait_for_response",
        layer: "cifs",
        stack: ["wait_for_response [cifs]", "vfs_read"],
        target: { protocol: "smb", server: "files", address: "10.0.0.1", share: "\\\\files\\data" },
      },
      {
        pid: 200,
        tid: 200,
        comm: "t200",
        uid: 1000,
        sinceNs: 1001e9,
        layer: "nfs",
        stack: ["folio_wait_bit", "nfs_wb_all [nfs]"],
        target: { protocol: "nfs", server: "nas", address: "10.0.0.2", export: "/export" },
      },
    ]);
    const trouble = async (): Promise<boolean | undefined> => {
      const outcome = await machine.outcome(source);
      return "trouble" in outcome ? outcome.trouble : undefined;
    };
    assert.equal(await trouble(), true);
    for (const tid of [100, 200]) machine.write(`proc/${tid}/task/${tid}/stat`, "9 (x) S 1\n");
    write(machine, 500, "[<0>] wait_for_response+0x5a/0x90 [cifs]\n[<0>] SMB2_change_notify+0x1/0x2 [cifs]\n");
    assert.equal(await trouble(), false, "it waits for a change");
    machine.write("proc/500/task/500/stat", "9 (x) S 1\n");
    assert.deepEqual(only(await machine.look(source), "stuck-tasks").tasks, []);
    assert.deepEqual(await machine.look(source), []);
  });

  it("whoever has run since the last look is no trouble: it asks one request after the other", async (t) => {
    const { machine, mounts } = await withMounts(t);
    const source = stuckTasksSource(machine.roots, mounts);
    const trouble = async (ran: string): Promise<boolean | undefined> => {
      machine.write("proc/100/task/100/schedstat", ran);
      machine.seconds(5);
      const outcome = await machine.outcome(source);
      return "trouble" in outcome ? outcome.trouble : undefined;
    };
    const situation = { trouble: false, idle: true, blindSmb: false, blindNfs: true, smb: true, nfs: false };
    assert.equal(source.everyNs(situation), 30e9);
    write(machine, 100, "[<0>] wait_for_response+0x5a/0x90 [cifs]\n");
    assert.equal(await trouble("1000 5 3\n"), false);
    assert.equal(source.everyNs(situation), 5e9, "it is looked at again soon");
    assert.equal(await trouble("2000 6 4\n"), false);
    assert.equal(await trouble("2000 6 4\n"), true);
  });

  it("where stacks may not be read the function they sleep in decides, and it says so", async (t) => {
    const { machine, mounts } = await withMounts(t);
    write(machine, 100, undefined, "rpc_wait_bit_killable");
    write(machine, 101, undefined, "jbd2_log_wait_commit");
    const outcome = await machine.outcome(stuckTasksSource(machine.roots, mounts));
    assert.ok("observations" in outcome);
    assert.deepEqual(
      only(outcome.observations, "stuck-tasks").tasks.map(({ pid, layer, stack }) => [pid, layer, stack]),
      [[100, "sunrpc", undefined]],
    );
    assert.match(outcome.degraded ?? "", /kernel stacks may not be read/);
  });
});

describe("pressure", () => {
  const write = (machine: FakeMachine, busy: number, total: number) => {
    machine.write("proc/stat", `cpu  ${busy} 0 0 ${1000 - busy} 0 0 0 0\nprocs_blocked 1\n`);
    machine.write("proc/meminfo", "MemTotal: 100 kB\nMemAvailable: 40 kB\n");
    machine.write("proc/pressure/io", `some avg10=0 avg60=0 avg300=0 total=${total}\n`);
  };

  it("is the share of the time between two looks", async (t) => {
    const machine = fakeMachine(t);
    const source = pressureSource(machine.roots);
    write(machine, 100, 1_000_000);
    assert.deepEqual(await machine.look(source), []);
    machine.seconds(5);
    machine.write("proc/stat", "cpu  150 0 0 1050 0 0 0 0\nprocs_blocked 1\n");
    machine.write("proc/pressure/io", "some avg10=0 avg60=0 avg300=0 total=2000000\n");
    const { sample } = only(await machine.look(source), "pressure");
    assert.deepEqual(sample, {
      intervalNs: 5e9,
      cpuBusy: 0.25,
      cpuIoWait: 0,
      tasksBlocked: 1,
      memoryTotalBytes: 102_400,
      memoryAvailableBytes: 40_960,
      ioSome: 0.2,
    });
  });

  it("a kernel that counts no pressure is said to", async (t) => {
    const machine = fakeMachine(t);
    machine.write("proc/stat", "cpu  1 0 0 1 0 0 0 0\n");
    const outcome = await machine.outcome(pressureSource(machine.roots));
    assert.match("degraded" in outcome ? (outcome.degraded ?? "") : "", /does not count pressure/);
  });
});
