// The built aod-probe where it must refuse: every answer is an error frame whose code is the exit status.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { FrameReader } from "../../src/probe/frames.ts";
import { SmbWireDecoder } from "../../src/probe/smb-wire.ts";

const build = join(import.meta.dirname, "../../build");
const program = join(build, "aod-probe");
const object = join(build, "bpf/smb_wire.bpf.o");
const root = process.geteuid?.() === 0;
const nobody = root ? { uid: 65534, gid: 65534 } : {};

interface Answer {
  readonly status: number | null;
  readonly message: string;
}

/** Starts it, gives it `input`, and expects one error frame and nothing else. */
function refusal(
  args: readonly string[],
  user: { uid?: number; gid?: number } = {},
  input: Buffer | string = "",
): Answer {
  const { status, stdout, stderr } = spawnSync(program, args, { input, timeout: 20_000, ...user });
  assert.equal(stderr.toString(), "");
  const reader = new FrameReader();
  const events = reader.push(stdout).map((frame) => new SmbWireDecoder().decode(frame, 0));
  reader.end();
  assert.deepEqual([...reader.discarded], []);
  assert.equal(events.length, 1);
  const [event] = events;
  assert.equal(event?.type, "error");
  assert.equal(status, event.unsupported ? 3 : 1);
  return { status, message: event.message };
}

describe("aod-probe", { skip: existsSync(program) ? false : "aod-probe is not built" }, () => {
  test("not as root: status 1, and what it needs", () => {
    assert.deepEqual(refusal(["--probe", "smb_wire", "--object", object], nobody), {
      status: 1,
      message: "loading BPF programs into the module cifs needs root",
    });
  });

  test("not as root, with rubbish on stdin: the same", () => {
    const { status, message } = refusal(
      ["--probe", "smb_wire", "--object", object],
      nobody,
      Buffer.alloc(100_000, 0xff),
    );
    assert.equal(status, 1);
    assert.match(message, /needs root/);
  });

  test("without its module: what to do, or that this kernel cannot", { skip: !root && "not root" }, () => {
    const { status, message } = refusal(["--probe", "smb_wire", "--object", object, "--module", "aod_none"]);
    if (existsSync("/sys/kernel/btf/vmlinux")) {
      assert.equal(status, 1);
      assert.match(message, /the module aod_none is not loaded; mount a share or run: modprobe aod_none/);
    } else {
      assert.equal(status, 3);
      assert.match(message, /no BTF/);
    }
  });

  for (const [what, args] of [
    ["no object", []],
    ["an unknown option", ["--probe", "smb_wire", "--object", object, "--no-such-option"]],
    ["a tick that is no number", ["--probe", "smb_wire", "--object", object, "--tick-ms", "soon"]],
    ["a further argument", ["--probe", "smb_wire", "--object", object, "now"]],
  ] as const) {
    test(`${what}: status 2 and how it is used, no frame`, () => {
      const { status, stdout, stderr } = spawnSync(program, args, { input: "", timeout: 20_000 });
      assert.equal(status, 2);
      assert.equal(stdout.length, 0);
      assert.match(stderr.toString(), /usage: aod-probe --probe NAME --object FILE/);
    });
  }
});
