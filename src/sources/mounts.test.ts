import assert from "node:assert/strict";
import test from "node:test";
import { fakeMachine, only } from "./fixture.ts";
import { mountsSource } from "./mounts.ts";

const root = "22 1 0:20 / / rw - ext4 /dev/vda1 rw\n";
const smb = "40 22 0:45 / /mnt/s rw - cifs //files/data rw,vers=3.1.1,addr=10.0.0.1,soft\n";
const nfs = "41 22 0:46 / /mnt/n rw - nfs4 nas:/export rw,vers=4.2,hard,addr=10.0.0.2\n";

test("mounts of PID 1 that come and go", async (t) => {
  const machine = fakeMachine(t);
  const source = mountsSource(machine.roots);
  machine.write("proc/1/mountinfo", root + smb);
  const first = only(await machine.look(source), "mounts");
  assert.deepEqual(first.mounted, [
    {
      target: { protocol: "smb", server: "files", address: "10.0.0.1", share: "\\\\files\\data" },
      mountPoint: "/mnt/s",
      device: "0:45",
      type: "cifs",
      version: "3.1.1",
      hard: false,
    },
  ]);
  assert.deepEqual(await machine.look(source), []);
  machine.write("proc/1/mountinfo", root + nfs);
  const second = only(await machine.look(source), "mounts");
  assert.deepEqual(
    [second.mounted.map(({ target }) => target), second.unmounted.map(({ mountPoint }) => mountPoint)],
    [[{ protocol: "nfs", server: "nas", export: "/export", address: "10.0.0.2" }], ["/mnt/s"]],
  );
  assert.equal(source.mounts.length, 2);
});

test("a change of other mounts is no news", async (t) => {
  const machine = fakeMachine(t);
  const source = mountsSource(machine.roots);
  machine.write("proc/1/mountinfo", root);
  const [first, ...more] = await machine.look(source);
  assert.deepEqual([first?.type === "mounts" && first.all, more], [[], []], "that there are none is told once");
  machine.write("proc/1/mountinfo", `${root}50 22 0:50 / /tmp rw - tmpfs tmpfs rw\n`);
  assert.deepEqual(await machine.look(source), []);
});

test("where PID 1 cannot be seen it is the own namespace, and it says so", async (t) => {
  const machine = fakeMachine(t);
  machine.write("proc/self/mountinfo", smb);
  const outcome = await machine.outcome(mountsSource(machine.roots));
  assert.ok("observations" in outcome && outcome.observations.length === 1);
  assert.equal(outcome.degraded, "mounts of this process, not of PID 1: it is not there");
});
