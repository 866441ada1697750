// From the programs of nfs_rpc over the helper's ticks to what is read of them, without a kernel.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { describe, test } from "node:test";
import fc from "fast-check";
import { FrameReader } from "../../src/probe/frames.ts";
import { nfsRpc, RpcDecoder } from "../../src/probe/rpc-wire.ts";
import { compile, runProgram, withoutCompiler } from "./compile.ts";

const skip = withoutCompiler || (existsSync("/usr/include/bpf/bpf.h") ? false : "libbpf-dev is not installed");

describe("nfs_rpc in one process", { skip }, () => {
  const parts = ["rpc/tick", "rpc/targets", "rpc/held", "rpc/outliers", "rpc/record", "failures", "clock", "out"];
  const program = skip === false ? compile("rpc-ticks", parts) : "";

  test("every failed RPC is counted once by its status, as that of its client, and the quiet are left alone", () => {
    for (const seed of fc.sample(fc.nat(), 3)) {
      const { status, stdout, stderr } = runProgram(program, [String(seed)]);
      assert.equal(status, 0, stderr);
      const reader = new FrameReader(nfsRpc.fits);
      const decoder = new RpcDecoder();
      const events = reader.push(stdout).flatMap((frame) => decoder.decode(frame, 0) ?? []);
      reader.end();
      assert.deepEqual([...reader.discarded, ...decoder.discarded], []);
      const ticks = events.flatMap((event) => (event.type === "tick" ? [event.tick] : []));
      const counts = new Map<string, number>();
      for (const { server, address, procedure, status: ended, count } of ticks.flatMap(({ failures }) => failures)) {
        assert.deepEqual([server, address, procedure], ["srv", "192.0.2.7", "FSINFO"]);
        const key = `${ended.nfs?.slice(3, 4)} ${ended.errno}`;
        counts.set(key, (counts.get(key) ?? 0) + count);
      }
      const told = [...counts].map(([key, count]) => `${key} ${count}`).sort();
      assert.deepEqual(told, stderr.trim().split("\n").sort());
      const errors = ticks.flatMap(({ entries }) => entries).reduce((sum, entry) => sum + entry.errors, 0);
      assert.equal(
        errors,
        [...counts.values()].reduce((sum, count) => sum + count, 0),
      );
      assert.equal(
        ticks.slice(-10).filter(({ entries }) => entries.length > 0).length,
        0,
        "ten of forty, and nothing in them",
      );
      assert.ok((ticks.at(-11)?.entries.length ?? 0) > 0, "the last that had something to tell");
    }
  });
});
