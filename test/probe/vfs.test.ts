// The VFS probes' half in aod-probe, as far as it needs no kernel.
import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import * as gen from "../../src/probe/decoders.gen.ts";
import { type Frame, FrameReader } from "../../src/probe/frames.ts";
import { compile, runProgram, withoutCompiler } from "./compile.ts";

const kallsyms = [
  "ffffffff81000040 T generic_read_dir",
  "ffffffff81000040 t another_name_of_it",
  "ffffffff82000000 D page_symlink_inode_operations",
  "no line at all",
  "ffffffffc0101000 r nfs_sops\t[nfs]",
  "ffffffffc0100010 t nfs_file_read\t[nfs]",
  "ffffffffc0202000 r nfs4_sops\t[nfsv4]",
  "ffffffffc0303000 r cifs_file_ops\t[cifs]",
].join("\n");

function framesOf(what: string): readonly Frame[] {
  const { status, stdout, stderr } = runProgram(compile("vfs_report", ["vfs/report", "out"]), [what]);
  assert.equal(status, 0, stderr);
  return new FrameReader().push(stdout);
}

const of = (frames: readonly Frame[], type: number): Buffer[] =>
  frames.filter((frame) => frame.type === type).map((frame) => frame.payload);

describe("the VFS probes in aod-probe", { skip: withoutCompiler }, () => {
  test("symbols are found by name in the protocol's modules, functions by address", () => {
    const file = join(mkdtempSync(join(tmpdir(), "aod-vfs-")), "kallsyms");
    writeFileSync(file, kallsyms);
    const { status, stderr } = runProgram(compile("vfs_symbols", ["vfs/symbols"]), [file]);
    assert.equal(status, 0, stderr);
  });

  test("every op arrives with its text, numbered, each at a multiple of 8", () => {
    let seq = 0;
    for (const payload of of(framesOf("ops"), gen.AodFrameType.FRAME_OPS)) {
      assert.ok(payload.length <= gen.AodLimit.FRAME_MAX);
      for (let at = 0; at < payload.length; ) {
        const op = gen.decodeAodVfsOp(payload, at);
        assert.equal(op.seq, ++seq);
        assert.equal(BigInt(op.textSize), op.inode);
        const end = at + gen.AOD_VFS_OP_SIZE + op.textSize;
        const text = payload.toString("latin1", at + gen.AOD_VFS_OP_SIZE, end);
        assert.match(text, /^namex*$/);
        at = end + (-op.textSize & 7);
        assert.ok(payload.subarray(end, at).every((byte) => byte === 0));
      }
    }
    assert.equal(seq, gen.AodLimit.VFS_TEXT + 1);
  });

  test("a tick has the differences, and what runs long enough is shown while it runs", () => {
    const frames = framesOf("tick");
    const ticks = of(frames, gen.AodFrameType.FRAME_TICK).map((payload) => {
      const { entries, recursionMisses } = gen.decodeAodVfsTick(payload, 0);
      assert.equal(recursionMisses, 3);
      return { entries, payload };
    });
    assert.deepEqual(
      ticks.map(({ entries }) => entries),
      [1, 1, 0],
      "what did not change is not told again",
    );
    const entries = ticks.slice(0, 2).map(({ payload }) => {
      const entry = gen.decodeAodVfsTickEntry(payload, gen.AOD_VFS_TICK_SIZE);
      const first = gen.AOD_VFS_TICK_SIZE + gen.AOD_VFS_TICK_ENTRY_SIZE;
      const buckets = Array.from({ length: entry.buckets }, (_, index) => {
        const { bucket, count } = gen.decodeAodBucket(payload, first + index * gen.AOD_BUCKET_SIZE);
        return [bucket, count];
      });
      return { device: entry.device, callback: entry.callback, count: entry.count, errors: entry.errors, buckets };
    });
    const both = { device: 45, callback: 9 };
    assert.deepEqual(entries, [
      {
        ...both,
        count: 5,
        errors: 2,
        buckets: [
          [4, 3],
          [8, 2],
        ],
      },
      { ...both, count: 1, errors: 0, buckets: [[8, 1]] },
    ]);
    const [inflight] = of(frames, gen.AodFrameType.FRAME_INFLIGHT);
    assert.ok(inflight);
    assert.deepEqual([gen.decodeAodInflight(inflight, 0).ops, gen.decodeAodInflight(inflight, 0).open], [1, 2]);
    const running = gen.decodeAodVfsRunning(inflight, gen.AOD_INFLIGHT_SIZE);
    assert.deepEqual([running.callback, running.device, running.inode, running.comm], [1, 45, 7n, "task"]);
    const lost = of(frames, gen.AodFrameType.FRAME_LOST);
    assert.equal(lost.length, 1, "told once");
    const kinds = Array.from({ length: (lost[0]?.length ?? 0) / gen.AOD_LOST_SIZE }, (_, index) => {
      const { kind, detail, count } = gen.decodeAodLost(lost[0] ?? Buffer.alloc(0), index * gen.AOD_LOST_SIZE);
      return [kind, detail, count];
    });
    const { GHOSTS, UNSEEN, RECURSION } = gen.AodLostKind;
    assert.deepEqual(kinds, [
      [GHOSTS, 0, 1],
      [UNSEEN, 6, 1],
      [RECURSION, 0, 3],
    ]);
  });
});
