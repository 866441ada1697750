import assert from "node:assert/strict";
import { test } from "node:test";
import { Blindness } from "./blind.ts";
import type { MountedFileSystem, Protocol, SourceState } from "./observation.ts";

const make = () =>
  new Blindness([
    { source: "smb_wire", without: "no request" },
    { source: "nfs_rpc", without: "no RPC" },
    { source: "kernel-log", without: "no message" },
    { source: "tickets", without: "no ticket" },
  ]);
const tell = (blindness: Blindness, source: string, state: SourceState, why = "why") =>
  blindness.observe({ type: "source", nowNs: 0, source, state, why });
const mounted = (blindness: Blindness, ...all: Protocol[]) => {
  const mounts = all.map(
    (protocol): MountedFileSystem => ({ target: { protocol }, mountPoint: "/m", device: "0:1", type: protocol }),
  );
  blindness.observe({ type: "mounts", nowNs: 0, all: mounts, mounted: mounts, unmounted: [] });
};

test("what does not tell is what is not seen, with the reason, until it tells", () => {
  const blindness = make();
  assert.deepEqual(blindness.blind(), [], "not heard of yet");
  tell(blindness, "smb_wire", "off", "BPF is refused");
  tell(blindness, "kernel-log", "failed", "EACCES");
  tell(blindness, "nfs_rpc", "degraded", "without a hook");
  assert.deepEqual(blindness.blind(), [
    "no request (smb_wire is off: BPF is refused)",
    "nfs_rpc tells less than it could: without a hook",
    "no message (kernel-log is failed: EACCES)",
  ]);
  assert.deepEqual(
    ["smb_wire", "nfs_rpc", "kernel-log"].map((source) => blindness.lacks(source)),
    [true, false, true],
  );
  tell(blindness, "smb_wire", "ok");
  assert.equal(blindness.lacks("smb_wire"), false);
  assert.equal(blindness.blind().length, 2);
});

test("where nothing is mounted there is nothing to see", () => {
  const blindness = make();
  for (const source of ["smb_wire", "nfs_rpc", "kernel-log", "tickets"]) tell(blindness, source, "off");
  assert.equal(blindness.blind().length, 3, "whoever knows of no mounts says all; tickets that nothing needs are none");
  mounted(blindness);
  assert.deepEqual(blindness.blind(), []);
  mounted(blindness, "nfs");
  assert.deepEqual(blindness.blind(), ["no RPC (nfs_rpc is off: why)", "no message (kernel-log is off: why)"]);
  tell(blindness, "tickets", "failed");
  assert.equal(blindness.blind().length, 3);
});
