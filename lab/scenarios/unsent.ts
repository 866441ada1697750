import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SmbOpJson } from "../../src/probe/op-json.ts";
import { startCapture } from "../guest/capture.ts";
import { mountCifs } from "../guest/cifs.ts";
import type { Lab } from "../guest/lab.ts";
import { waitForProbe } from "../guest/probe.ts";
import type { Background } from "../guest/process.ts";
import { freezeSamba, startSamba, thawSamba } from "../guest/samba.ts";
import { seenOn } from "../kernels.ts";
import type { Results } from "../results.ts";
import { defineScenario } from "../scenario.ts";

type SnoopJson = SmbOpJson & { readonly params?: Readonly<Record<string, string | number>> };

const mounted = "/mnt/share";
const writeBytes = 1 << 20;
/** Files that somebody asks for while another's request is stuck on its way into the socket. */
const names = { killed: "asked-for-by-the-killed", early: "asked-for-too-early" } as const;

/** Buffers of the sockets so small that a server that reads nothing holds up a single WRITE. */
function smallBuffers(lab: Lab): void {
  for (const [name, sizes] of [
    ["tcp_wmem", "4096 16384 65536"],
    ["tcp_rmem", "4096 16384 65536"],
  ] as const) {
    const file = `/proc/sys/net/ipv4/${name}`;
    const before = readFileSync(file, "utf8");
    lab.onEnd(`restore ${name}`, async () => writeFileSync(file, before));
    writeFileSync(file, sizes);
  }
}

/** The server is frozen, and a WRITE is stuck in the socket: its task holds the lock that every sender needs. */
async function stuckWriter(lab: Lab, name: string): Promise<Background> {
  const go = join(lab.work, `${name}.go`);
  // The file is open before the server freezes; one system call then writes all of it.
  const writer = lab.start([
    "sh",
    "-c",
    'exec 3>"$0"; : >"$1.open"; while [ ! -e "$1" ]; do sleep 0.2; done; exec dd if=/dev/zero bs=4M count=1 status=none >&3',
    `${mounted}/${name}`,
    go,
  ]);
  await lab.until("the file is open", 30, () => exists(`${go}.open`));
  freezeSamba(lab);
  writeFileSync(go, "");
  await lab.sleep(2);
  return writer;
}

function exists(path: string): boolean {
  try {
    readFileSync(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

/** Starts a task that asks for a file and waits for the lock of the senders, where nothing can interrupt it. */
async function behindTheWriter(lab: Lab, name: string): Promise<Background> {
  const task = lab.start(["stat", `${mounted}/${name}`]);
  const place = (): string => readFileSync(`/proc/${task.pid}/wchan`, "utf8");
  await lab.until(`${name}: waits for its turn`, 15, () => place() === "compound_send_recv");
  return task;
}

/** Killed while it waits: its turn comes, its request is made, and then the client does not begin to send for a dead task. */
async function killedBeforeItsTurn(lab: Lab): Promise<void> {
  const writer = await stuckWriter(lab, "first");
  const victim = await behindTheWriter(lab, names.killed);
  victim.signal("SIGKILL");
  thawSamba();
  lab.writeJson("killed.json", { writer: await writer.ended, victim: await victim.ended });
}

/** The sender gives up on a socket that takes nothing for 15 s; the connection is lost, and who waited for the lock is refused. */
async function givenUp(lab: Lab): Promise<void> {
  const writer = await stuckWriter(lab, "second");
  const waits = await behindTheWriter(lab, names.early);
  await lab.until("the client gives up", 120, async () => {
    const { stdout } = await lab.run(["dmesg"]);
    return stdout.includes("stuck for 15 seconds");
  });
  await lab.sleep(2);
  thawSamba();
  await lab.until("both go on with the next connection", 120, () => !writer.running && !waits.running);
  lab.writeJson("given-up.json", { writer: await writer.ended });
}

export default defineScenario({
  name: "unsent",
  summary: "requests that the client does not send, or cannot make: smbiosnoop shows them with errno and parameters",
  kernels: seenOn("6.1", "6.12"),
  timeLimitSeconds: 400,

  async setup(lab) {
    smallBuffers(lab);
    await startSamba(lab);
    await lab.run(["modprobe", "cifs"]);
  },

  async timeline(lab) {
    const tool = (name: string, ...args: readonly string[]) =>
      lab.start(lab.aodArgv(args, "smbiosnoop"), { stdout: `${name}.out`, stderr: `${name}.err` });
    const tools = [tool("json", "--json"), tool("text", "--errors"), tool("slower", "--errno", "EAGAIN", "--csv")];
    await waitForProbe(lab, tools.length);
    const capture = await startCapture(lab, "smb", 445);
    await mountCifs(lab, { options: { cache: "none", actimeo: 0, wsize: writeBytes, echo_interval: 600 } });
    await lab.step("killed before its request is sent", () => killedBeforeItsTurn(lab));
    await lab.step("a socket that takes nothing", () => givenUp(lab));
    await lab.sleep(2);
    await capture.stop();
    lab.writeJson("ended.json", await Promise.all(tools.map((one) => one.stop("SIGINT"))));
  },

  expect(results) {
    const done = { status: 0, signal: null };
    assert.deepEqual(results.json("ended.json"), [done, done, done]);
    const killed = results.json("killed.json") as Record<string, unknown>;
    assert.deepEqual(killed, { writer: done, victim: { status: null, signal: "SIGKILL" } });
    assert.deepEqual(results.json("given-up.json"), { writer: done });

    const ops = results.ndjson("json.out") as SnoopJson[];
    const ended = (end: string): SnoopJson[] => ops.filter((op) => op.end === end);
    const about = (op: SnoopJson, file: string): boolean => op.command === "SMB2_CREATE" && op.params?.file === file;

    const ofTheKilled = ended("send-failed").filter((op) => op.comm === "stat");
    assert.ok(
      ofTheKilled.some((op) => about(op, names.killed)),
      "the CREATE of the killed task",
    );
    for (const op of ofTheKilled) {
      assert.equal(op.errno, 512, `ERESTARTSYS: ${JSON.stringify(op)}`);
      assert.equal(op.status, undefined);
      assert.ok("send" in op.phases_us && !("wire" in op.phases_us), "it was never on the wire");
    }
    assert.ok(!onTheWire(results, names.killed), "the witness has never seen it");

    const write = ended("send-failed").find((op) => op.command === "SMB2_WRITE" && op.errno === 11);
    assert.ok(write, "the WRITE that the socket did not take");
    assert.equal(write.comm, "dd");
    assert.equal(write.params?.length, writeBytes);
    assert.ok(write.latency_us >= 15_000_000, "after three times 5 s");

    const early = ended("not-made").filter((op) => about(op, names.early));
    assert.ok(early.length > 0, "the CREATE that could not be made");
    for (const op of ended("not-made")) assert.equal(op.errno, 11, JSON.stringify(op));
    for (const op of early) assert.equal(op.comm, "stat");
    // It is asked for again once there is a connection.
    assert.ok(ops.some((op) => about(op, names.early) && op.status !== undefined));
    assert.ok(onTheWire(results, names.early));

    const errors = results.text("text.out");
    assert.match(errors, /^stat +\d+ +SMB2_CREATE +\(send-failed\) +ERESTARTSYS .*\|File=asked-for-by-the-killed$/m);
    assert.match(errors, /^stat +\d+ +SMB2_CREATE +\(not-made\) +EAGAIN .*\|File=asked-for-too-early$/m);
    assert.match(errors, /^dd +\d+ +SMB2_WRITE +\(send-failed\) +EAGAIN .*Length=1048576\|Offset=0\|/m);
    const eagain = results.text("slower.out").trimEnd().split("\n").slice(1);
    assert.equal(eagain.length, ops.filter((op) => op.errno === 11).length, "--errno EAGAIN: all of these, no others");
    for (const name of ["json", "text", "slower"]) assert.match(results.text(`${name}.err`), /Lost: nothing\n$/, name);
  },
});

/** Whether a name is anywhere in the capture. */
function onTheWire(results: Results, name: string): boolean {
  return readFileSync(results.path("smb.pcap")).includes(Buffer.from(name, "utf16le"));
}
