import assert from "node:assert/strict";
import { test } from "node:test";
import type { MountedFileSystem, Protocol } from "../../detect/observation.ts";
import { ProbeDemand } from "./demand.ts";

const S = 1e9;

function setUp() {
  const machine = {
    nowNs: 0,
    lingerNs: 60 * S,
    loaded: new Set(["cifs", "nfs"]),
    users: { cifs: 0, nfs: 0 } as Record<string, number | undefined>,
    incident: false,
    /** Their helper has not ended. */
    attached: new Set<string>(),
  };
  const demand = new ProbeDemand({
    lingerNs: () => machine.lingerNs,
    nowNs: () => machine.nowNs,
    loaded: (module) => machine.loaded.has(module),
    users: (module) => machine.users[module],
  });
  const seconds = (count: number): void => {
    for (let second = 0; second < count; second++) {
      machine.nowNs += S;
      demand.beat({ incident: machine.incident, attached: (module) => machine.attached.has(module) });
    }
  };
  const mounted = (...protocols: Protocol[]): void => {
    const all = protocols.map(
      (protocol): MountedFileSystem => ({ target: { protocol }, mountPoint: "/m", device: "0:1", type: protocol }),
    );
    demand.mounted(all);
  };
  return { machine, demand, seconds, mounted };
}

test("a while after the last mount of a protocol went nobody needs its probes, and the next mount does", () => {
  const { demand, seconds, mounted } = setUp();
  mounted("smb", "nfs");
  seconds(1000);
  assert.deepEqual([demand.unneeded("cifs"), demand.unneeded("nfs")], [undefined, undefined]);
  mounted("nfs");
  seconds(59);
  assert.equal(demand.unneeded("cifs"), undefined);
  seconds(1);
  assert.equal(demand.unneeded("cifs"), "no SMB mount for 60 s; the next one attaches it again");
  assert.equal(demand.unneeded("nfs"), undefined);
  seconds(1000);
  assert.match(demand.unneeded("cifs") ?? "", /^no SMB mount/, "the time is that of the decision: it does not change");
  mounted("nfs", "smb");
  seconds(1);
  assert.equal(demand.unneeded("cifs"), undefined);
});

test("where the mounts are not known, and where the module cannot be unloaded, they stay attached", () => {
  const { machine, demand, seconds, mounted } = setUp();
  seconds(1000);
  assert.equal(demand.unneeded("cifs"), undefined);
  machine.users["cifs"] = undefined;
  mounted();
  seconds(1000);
  assert.equal(demand.unneeded("cifs"), undefined);
  assert.equal(demand.unneeded("nfs"), "no NFS mount for 60 s; the next one attaches it again");
});

test("requests that are still seen, and an incident, put it off", () => {
  const { machine, demand, seconds, mounted } = setUp();
  mounted();
  for (let round = 0; round < 10; round++) {
    seconds(50);
    demand.busy("cifs");
  }
  assert.equal(demand.unneeded("cifs"), undefined);
  machine.incident = true;
  seconds(1000);
  assert.equal(demand.unneeded("cifs"), undefined);
  machine.incident = false;
  seconds(60);
  assert.match(demand.unneeded("cifs") ?? "", /SMB/);
  machine.incident = true;
  seconds(10);
  assert.match(demand.unneeded("cifs") ?? "", /SMB/, "but nothing is attached for an incident");
});

test("a module that appears has its time anew, and so has whoever asks for it", () => {
  const { machine, demand, seconds, mounted } = setUp();
  mounted();
  seconds(60);
  machine.loaded.delete("cifs");
  seconds(1);
  assert.equal(demand.unneeded("cifs"), undefined, "that it is not loaded says enough");
  seconds(1000);
  machine.loaded.add("cifs");
  seconds(59);
  assert.equal(demand.unneeded("cifs"), undefined);
  seconds(1);
  assert.match(demand.unneeded("cifs") ?? "", /SMB/);
  demand.renew();
  assert.equal(demand.unneeded("cifs"), undefined);
  seconds(60);
  assert.match(demand.unneeded("cifs") ?? "", /SMB/);
});

test("who uses the module without a mount in the table, as a container, has the probes back for an hour", () => {
  const { machine, demand, seconds, mounted } = setUp();
  const needed = (): boolean => demand.unneeded("cifs") === undefined;
  mounted();
  machine.attached.add("cifs");
  machine.users["cifs"] = 2;
  seconds(100);
  assert.equal(needed(), false, "while the helper has not ended, what uses the module is the probe");
  machine.attached.delete("cifs");
  seconds(20);
  assert.equal(needed(), false, "the kernel lets go later");
  machine.users["cifs"] = 1;
  seconds(10);
  assert.equal(needed(), true);
  seconds(3600);
  assert.equal(needed(), true);
  seconds(60);
  assert.equal(needed(), false, "looked at again");
  machine.users["cifs"] = 0;
  seconds(1000);
  assert.equal(needed(), false);
  machine.users["cifs"] = 1;
  seconds(1);
  assert.equal(needed(), true);
  mounted("smb");
  seconds(1);
  machine.users["cifs"] = 0;
  mounted();
  seconds(60);
  assert.equal(needed(), false, "a mount that came and went ends the hour");
});

test("off is off, also by a reload", () => {
  const { machine, demand, seconds, mounted } = setUp();
  mounted();
  seconds(60);
  machine.lingerNs = Number.POSITIVE_INFINITY;
  seconds(1);
  assert.equal(demand.unneeded("cifs"), undefined);
  seconds(1000);
  assert.equal(demand.unneeded("cifs"), undefined);
});
