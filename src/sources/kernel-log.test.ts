import assert from "node:assert/strict";
import test from "node:test";
import type { RecordReader } from "../system/kernel-log.ts";
import { fakeMachine, only } from "./fixture.ts";
import { kernelLogSource } from "./kernel-log.ts";

/** A kernel's log that is written on. */
function kernelLog() {
  const records: (string | Error)[] = [];
  let seq = 0;
  const reader: RecordReader = {
    read(into) {
      const next = records.shift() ?? Object.assign(new Error("EAGAIN"), { code: "EAGAIN" });
      if (next instanceof Error) throw next;
      return into.write(next);
    },
    close() {},
  };
  return {
    open: () => reader,
    say: (atNs: number, text: string) => void records.push(`4,${seq++},${atNs / 1000},-;${text}\n`),
    overtake: (count: number) => {
      seq += count;
      records.push(Object.assign(new Error("EPIPE"), { code: "EPIPE" }));
    },
  };
}

const stalled = "CIFS: VFS: \\\\files has not responded in 6 seconds. Reconnecting...";

test("what was said before the start is not told; what is said later is, once", async (t) => {
  const machine = fakeMachine(t);
  const log = kernelLog();
  const source = kernelLogSource(machine.roots, log.open);
  log.say(900e9, stalled);
  assert.deepEqual(await machine.look(source), []);
  machine.seconds(1);
  log.say(1000.5e9, "usb 1-1: new device");
  log.say(1000.6e9, stalled);
  const { messages } = only(await machine.look(source), "kernel-messages");
  assert.deepEqual(
    messages.map(({ id, server, timeNs, level }) => [id, server, timeNs, level]),
    [["smb.not-responding", "files", 1000.6e9, 4]],
  );
  assert.deepEqual(await machine.look(source), []);
});

test("a clock of the kernel that has drifted places no message outside of the time between two looks", async (t) => {
  const machine = fakeMachine(t);
  const log = kernelLog();
  const source = kernelLogSource(machine.roots, log.open);
  await machine.look(source);
  machine.seconds(1);
  log.say(400e9, stalled);
  log.say(4000e9, stalled);
  const { messages } = only(await machine.look(source), "kernel-messages");
  assert.deepEqual(
    messages.map(({ timeNs }) => timeNs),
    [1000e9, 1001e9],
  );
});

test("what the kernel overwrote is counted", async (t) => {
  const machine = fakeMachine(t);
  const log = kernelLog();
  const source = kernelLogSource(machine.roots, log.open);
  log.say(1e9, "first");
  await machine.look(source);
  log.overtake(7);
  log.say(2e9, stalled);
  await machine.look(source);
  assert.deepEqual(source.losses?.(), { overwritten: 7 });
});

test("a storm of messages is bounded, and counted", async (t) => {
  const machine = fakeMachine(t);
  const log = kernelLog();
  const source = kernelLogSource(machine.roots, log.open);
  await machine.look(source);
  for (let count = 0; count < 300; count++) log.say(1e9, stalled);
  assert.equal(only(await machine.look(source), "kernel-messages").messages.length, 200);
  assert.deepEqual(source.losses?.(), { "over-limit": 100 });
});

test("without a log it is off", async (t) => {
  const machine = fakeMachine(t);
  const outcome = await machine.outcome(kernelLogSource(machine.roots));
  assert.ok("off" in outcome && outcome.off.startsWith("there is no "));
});
