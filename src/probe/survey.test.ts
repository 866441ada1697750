import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  AOD_ERROR_SIZE,
  AOD_HELLO_SIZE,
  AOD_HOOK_SIZE,
  AOD_SMB_OP_SIZE,
  AodFrameType,
  AodRung,
  encodeAodError,
  encodeAodHello,
  encodeAodHook,
} from "./decoders.gen.ts";
import { frameOf } from "./frames.ts";
import { smbWire } from "./smb-wire.ts";
import { type ProbeSurvey, surveyProbe } from "./survey.ts";
import { FakeProcess } from "./testing/fake-process.ts";

interface RawHook {
  readonly name: string;
  readonly rung: number;
  readonly why?: string;
}

function hello(hooks: readonly RawHook[]): Buffer {
  const bytes = Buffer.alloc(AOD_HELLO_SIZE + hooks.length * AOD_HOOK_SIZE);
  encodeAodHello(
    {
      pid: 7,
      hooks: hooks.length,
      ring: 16384,
      opSize: AOD_SMB_OP_SIZE,
      probe: "smb_wire",
      module: "cifs",
      release: "6.12.0",
    },
    bytes,
    0,
  );
  for (const [i, { name, rung, why = "" }] of hooks.entries()) {
    encodeAodHook({ name, function: "f", rung, needed: 0, why }, bytes, AOD_HELLO_SIZE + i * AOD_HOOK_SIZE);
  }
  return frameOf(AodFrameType.FRAME_HELLO, bytes);
}

async function surveyOf(frame: Buffer, status: number): Promise<ProbeSurvey> {
  const start = (argv: readonly string[]): FakeProcess => {
    const fake = new FakeProcess(argv);
    fake.stdout.write(frame);
    if (status !== 0) void fake.exit({ code: status });
    return fake;
  };
  return surveyProbe(smbWire, { program: "/p", object: "/o", start });
}

describe("surveyProbe", () => {
  it("calls full what has every hook, on whatever rung, or does not need it", async () => {
    const hooks = [
      { name: "send", rung: AodRung.FENTRY },
      { name: "answer", rung: AodRung.KPROBE, why: "hidden" },
      { name: "write", rung: AodRung.NONE, why: "not needed: no such struct" },
    ];
    const survey = await surveyOf(hello(hooks), 0);
    assert.equal(survey.standing, "full");
    assert.deepEqual(survey.rungs, { fentry: 1, kprobe: 1 });
  });

  it("says what is missing without a hook", async () => {
    const survey = await surveyOf(hello([{ name: "send", rung: AodRung.NONE, why: "hidden" }]), 0);
    assert.equal(survey.standing, "degraded");
    assert.deepEqual(survey.lacks, ["operations have no send and wire phase"]);
  });

  it("tells a kernel that cannot from one that will not", async () => {
    for (const [code, standing] of [
      [3, "unsupported"],
      [1, "failed"],
    ] as const) {
      const bytes = Buffer.alloc(AOD_ERROR_SIZE);
      encodeAodError({ code, error: 0, text: "no BTF here" }, bytes, 0);
      const survey = await surveyOf(frameOf(AodFrameType.FRAME_ERROR, bytes), code);
      assert.deepEqual([survey.standing, survey.why], [standing, "no BTF here"]);
    }
  });
});
