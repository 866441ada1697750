import assert from "node:assert/strict";
import { closeSync, openSync, writeFileSync, writeSync } from "node:fs";
import type { SmbOpJson, WaiterJson } from "../../src/probe/op-json.ts";
import { keepProcCifs, mountCifs } from "../guest/cifs.ts";
import type { Lab } from "../guest/lab.ts";
import { heldByProbes, probes, waitForProbe } from "../guest/probe.ts";
import { freezeSamba, killSamba, restartSamba, startSamba, thawSamba } from "../guest/samba.ts";
import { smbWireLines } from "../kernels.ts";
import { defineScenario } from "../scenario.ts";

const mounted = "/mnt/share";

async function ordinary(lab: Lab): Promise<void> {
  await lab.run(["dd", `of=${mounted}/plain`, "bs=4k", "conv=fsync", "status=none"], { input: "x".repeat(20_000) });
  writeFileSync("/proc/sys/vm/drop_caches", "3");
  await lab.run(["dd", `if=${mounted}/plain`, "of=/dev/null", "iflag=direct", "bs=4k", "status=none"]);
  await lab.run(["rm", `${mounted}/plain`]);
  await lab.run(["cat", `${mounted}/missing`], { anyStatus: true });
}

/** A page that this process dirtied, written by a kernel worker while the file is open. */
async function writeback(lab: Lab): Promise<void> {
  // Started before the file is open: a child that inherits it would flush when it closes it.
  const sync = lab.start(["sh", "-c", "sleep 2; sync"]);
  const fd = openSync(`${mounted}/held`, "w");
  writeSync(fd, Buffer.alloc(4096, "w"));
  await sync.ended;
  closeSync(fd);
}

/** A request whose caller is killed while the server is frozen. */
async function cancelled(lab: Lab): Promise<void> {
  freezeSamba(lab);
  const victim = lab.start(["stat", `${mounted}/held`]);
  await lab.sleep(3);
  await victim.stop("SIGKILL");
  thawSamba();
  await lab.sleep(2);
}

/** A request in flight when the connection breaks; its task then waits for the reconnect. */
async function reconnect(lab: Lab): Promise<void> {
  freezeSamba(lab);
  const waits = lab.start(["stat", `${mounted}/held`]);
  await lab.sleep(2);
  await killSamba();
  await lab.sleep(4);
  await restartSamba(lab);
  await lab.until("the reconnect lets the task go on", 60, () => !waits.running);
  // It may have been given up on; then the next one makes the new session.
  await lab.until("the share answers again", 60, async () => {
    const again = await lab.run(["stat", `${mounted}/held`], { timeoutMs: 20_000, anyStatus: true });
    return again.status === 0;
  });
}

export default defineScenario({
  name: "smbslower",
  summary: "every kind of request with its phases, its issuer and its end, as smbslower shows it",
  kernels: smbWireLines,
  thin: true,
  timeLimitSeconds: 240,

  async setup(lab) {
    await startSamba(lab);
    await mountCifs(lab, { options: { actimeo: 0, echo_interval: 3 } });
  },

  async timeline(lab) {
    const tool = (args: readonly string[], name: string) =>
      lab.start(lab.aodArgv(args, "smbslower"), { stdout: `${name}.out`, stderr: `${name}.err` });
    const json = tool(["0", "--json"], "json");
    const text = tool(["0", "-v"], "text");
    await waitForProbe(lab, 2);
    lab.writeJson("pids.json", { driver: process.pid });
    lab.writeJson("held.json", heldByProbes());
    await lab.step("ordinary work", () => ordinary(lab));
    await lab.step("writeback", () => writeback(lab));
    await lab.step("idle, so that the client sends an ECHO", () => lab.sleep(7));
    await lab.step("server frozen, caller killed, server thawed", () => cancelled(lab));
    await lab.step("connection broken, server restarted", () => reconnect(lab));
    keepProcCifs(lab, "DebugData");
    const ended = await Promise.all([json.stop("SIGINT"), text.stop("SIGINT")]);
    lab.writeJson("ended.json", ended);
    await lab.step("a tool is killed, and its helper goes with it", async () => {
      const killed = tool(["1000"], "killed");
      await waitForProbe(lab);
      await killed.stop("SIGKILL");
      await lab.until("no helper is left", 10, () => probes().length === 0);
    });
  },

  expect(results) {
    const lines = results.text("json.out").trim().split("\n");
    const all = lines.map((line) => JSON.parse(line) as SmbOpJson | WaiterJson);
    const ops = all.filter((one) => "command" in one);
    const waiters = all.filter((one) => "waiting" in one);
    const find = (what: string, test: (op: SmbOpJson) => boolean): SmbOpJson =>
      ops.find(test) ?? assert.fail(`not seen: ${what}`);
    const { driver } = results.json("pids.json") as { driver: number };

    for (const op of ops) assert.notEqual(op.comm, "cifsd", "the issuer, not the thread that receives");
    for (const op of ops.filter((one) => one.status === "STATUS_SUCCESS" && one.state === undefined)) {
      const sum = Object.values(op.phases_us).reduce((total: number, us) => total + (us ?? 0), 0);
      // A member of a compound also waits, after its own answer, for that of the last one.
      if (!op.compound) assert.ok(Math.abs(op.latency_us - sum) <= 4, `phases add up: ${JSON.stringify(op)}`);
    }
    const flush = find("FLUSH of fsync", (op) => op.command === "SMB2_FLUSH" && op.comm === "dd");
    assert.ok(flush.share?.endsWith("\\share") && flush.server === "127.0.0.1");
    assert.deepEqual(Object.keys(flush.phases_us), ["queue", "send", "wire", "wake"]);
    const write = find("WRITE", (op) => op.command === "SMB2_WRITE" && op.comm === "dd");
    assert.equal(write.phases_us.wake, undefined, "an asynchronous call has no wake phase");
    find(
      "READ with its status",
      (op) => op.command === "SMB2_READ" && op.comm === "dd" && op.status === "STATUS_SUCCESS",
    );
    find("READ at the end of the file", (op) => op.command === "SMB2_READ" && op.status === "STATUS_END_OF_FILE");
    const missing = find(
      "a failing open",
      (op) => op.command === "SMB2_CREATE" && op.status === "STATUS_OBJECT_NAME_NOT_FOUND",
    );
    assert.equal(missing.errno, 2);
    const member = find("a compound", (op) => op.compound && op.status === "STATUS_SUCCESS");
    assert.ok(member.phases_us.wake !== undefined);
    find("an ECHO", (op) => op.command === "SMB2_ECHO");
    const worker = find(
      "writeback by a kernel worker",
      (op) => op.command === "SMB2_WRITE" && op.comm.startsWith("kworker"),
    );
    assert.equal(worker.pid, driver, "writeback belongs to who opened the file");
    find("a cancelled request", (op) => op.end === "cancelled");
    find("a request killed by a reconnect", (op) => op.end === "reconnect");
    find("the new session", (op) => op.command === "SMB2_SESSION_SETUP" || op.command === "SMB2_NEGOTIATE");
    assert.ok(
      waiters.some((waiter) => waiter.waiting === "reconnect" && waiter.waited_us > 1_000_000),
      "who waits for the reconnect",
    );

    const held = results.json("held.json") as ReturnType<typeof heldByProbes>;
    assert.equal(held.length, 2);
    for (const { status, files } of held) {
      for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"])
        assert.match(status, new RegExp(`^${set}:\\s+0+$`, "m"), set);
      assert.match(status, /^NoNewPrivs:\s+1$/m);
      assert.match(status, /^Groups:\s*$/m);
      const kinds = /^(socket|pipe):|^anon_inode:(\[eventpoll\]|\[timerfd\]|bpf_link|bpf-prog|bpf-map)$/;
      assert.deepEqual(
        files.filter((file) => !kinds.test(file)),
        [],
        "files of a helper that has attached",
      );
      assert.equal(files.filter((file) => file === "anon_inode:bpf-map").length, 1, "only the ring buffer");
    }

    const text = results.text("text.out").split("\n");
    assert.equal(text[0], "Tracing SMB operations that are slower than 0 ms.");
    assert.match(
      text[1] ?? "",
      /^ENDTIME +TASK +PID +TYPE +LATENCY\(ms\) +SESSIONID +COMPOUND_RQST +ASYNC_RQST +TREE_ID\/ASYNC_ID +QUEUE\(ms\)/,
    );
    assert.deepEqual(results.json("ended.json"), [
      { status: 0, signal: null },
      { status: 0, signal: null },
    ]);
  },
});
