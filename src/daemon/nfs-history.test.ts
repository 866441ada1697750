import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { readItem, readManifest } from "../bundle/reader.ts";
import { op, rpc } from "../detect/fixture.ts";
import type { RpcOp } from "../probe/rpc-op.ts";
import { createWorld, S } from "./fixture.ts";
import { furtherKinds, type Hears } from "./probes/further-probes.ts";
import { rpcObservations } from "./probes/observations.ts";

/** A daemon of which nfs_rpc has a history too. */
async function worldWithNfs(t: TestContext) {
  const nfs = { ops: [] as RpcOp[], asked: 0, hears: undefined as Hears | undefined };
  const answer = (from: number, token: number) => {
    const ops = nfs.ops.filter((one) => one.seq >= from);
    const head = Math.max(0, ...nfs.ops.map((one) => one.seq));
    nfs.hears?.event({ type: "history", history: { head, oldest: 1, torn: 0, token, ops, done: true } });
  };
  const start = (_: unknown, hears: Hears) => {
    nfs.hears = hears;
    const history = (from: number): number => {
      const token = ++nfs.asked;
      queueMicrotask(() => answer(from, token));
      return token;
    };
    return { set: () => {}, history, stop: () => Promise.resolve() };
  };
  const kinds = furtherKinds.filter(({ name }) => name === "nfs_rpc");
  const worst: unknown[] = [];
  const world = createWorld(t, {
    deps: {
      further: { kinds, start },
      capture: async (_phase, _writer, _openedNs, _signal, worstOps) => {
        worst.splice(0, worst.length, ...worstOps());
      },
    },
  });
  await world.seconds(1);
  world.probe.hello();
  const hooks = { pid: 2, probe: "nfs_rpc", module: "nfs", release: "6.12.0", ring: 16_384, hooks: [] };
  nfs.hears?.event({ type: "hello", hello: hooks });
  const ended = (...ops: RpcOp[]): void => {
    nfs.ops.push(...ops);
    nfs.hears?.event({ type: "ops", ops });
    for (const one of rpcObservations({ type: "ops", ops }, world.clock.nowNs())) nfs.hears?.observed(one);
  };
  const closed = async () => {
    await world.seconds(70);
    const [incident] = world.daemon.incidents.list();
    assert.ok(incident?.bundle);
    const text = (await readItem(incident.bundle, "ops.ndjson")).toString().trimEnd();
    const ops = text.split("\n").map((line) => JSON.parse(line) as Record<string, unknown>);
    return { ops, manifest: await readManifest(incident.bundle) };
  };
  return { world, nfs, ended, closed, worst };
}

test("the bundle of an NFS incident has the operations of NFS from before it, with XID, address and export", async (t) => {
  const { world, nfs, ended, closed, worst } = await worldWithNfs(t);
  const target = { protocol: "nfs", server: "nas", export: "/home" } as const;
  const mount = { target, mountPoint: "/h", device: "0:45", type: "nfs4" };
  world.daemon.nfsOps.observed({ type: "mounts", nowNs: 0, all: [mount], mounted: [mount], unmounted: [] });
  const at = { clientId: 1, server: "nas", address: "192.0.2.2", device: "0:45" };
  const before = rpc({ seq: 1, latencyMs: 2, endedNs: world.clock.nowNs() - 20 * S, target: at, xid: 0xabc });
  nfs.ops.push(before);
  world.probe.ops = [op({ seq: 1, latencyMs: 2, endedNs: world.clock.nowNs() - S })];
  ended(rpc({ seq: 2, procedure: "READ", latencyMs: 1500, endedNs: world.clock.nowNs(), target: at, xid: 0xdef }));
  await world.daemon.incidents.idle();
  const { ops, manifest } = await closed();
  assert.deepEqual(
    ops.map(({ protocol, command, xid, address, share }) => [protocol, command, xid, address, share]),
    [
      ["nfs", "GETATTR", "0x00000abc", "192.0.2.2", "nas:/home"],
      ["nfs", "READ", "0x00000def", "192.0.2.2", "nas:/home"],
    ],
  );
  assert.match(manifest.ops_coverage ?? "", /^2 operations, from 20\.0 s before the incident opened: everything/);
  assert.deepEqual(
    worst.map((one) => (one as { xid: string }).xid),
    ["0x00000def", "0x00000abc"],
    "the slowest first",
  );
});

test("an SMB incident has no operations of NFS; a snapshot has both", async (t) => {
  const { world, nfs, closed } = await worldWithNfs(t);
  nfs.ops.push(rpc({ seq: 1, latencyMs: 2, endedNs: world.clock.nowNs() - S }));
  world.probe.completed(op({ seq: 1, latencyMs: 1500, endedNs: world.clock.nowNs() }));
  await world.daemon.incidents.idle();
  assert.deepEqual(
    (await closed()).ops.map(({ protocol }) => protocol),
    ["smb"],
  );
  const { id } = world.daemon.incidents.snapshot({ forNs: S });
  await world.seconds(5);
  const { bundle } = world.daemon.incidents.get(id) ?? {};
  assert.ok(bundle);
  const text = (await readItem(bundle, "ops.ndjson")).toString();
  assert.deepEqual([...text.matchAll(/"protocol":"(\w+)"/g)].map(([, name]) => name).sort(), ["nfs", "smb"]);
  assert.match((await readManifest(bundle)).ops_coverage ?? "", /^SMB: 1 operations.*; NFS: 1 operations/);
});

test("the end of nfs_rpc ends what is asked of it, and the bundle comes all the same", async (t) => {
  const { world, ended, closed } = await worldWithNfs(t);
  ended(rpc({ seq: 2, procedure: "READ", latencyMs: 1500, endedNs: world.clock.nowNs() }));
  world.daemon.nfsOps.probeEnded();
  const { ops } = await closed();
  assert.equal(ops.length, 1);
});
