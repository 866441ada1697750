import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CommanderError } from "commander";
import { AOD_FRAME_SIZE, decodeAodSettings } from "../probe/decoders.gen.ts";
import type { SmbOp } from "../probe/op.ts";
import { smbOpOf } from "../probe/smb-op.ts";
import { rawOp, T0 } from "../probe/testing/make-frames.ts";
import { AodError } from "../system/error.ts";
import { type Asked, toolCommand } from "../tools/run.ts";
import { findCommand } from "./dispatch.ts";
import { smbslower } from "./smbslower.ts";
import { commands } from "./table.ts";

async function parse(...argv: readonly string[]): Promise<Asked<SmbOp>> {
  let asked: Asked<SmbOp> | undefined;
  const command = toolCommand(
    smbslower,
    (name) => void findCommand(commands, name),
    async (given) => {
      asked = given;
    },
  );
  command.exitOverride().configureOutput({ writeErr: () => {} });
  await command.parseAsync([...argv], { from: "user" });
  assert.ok(asked);
  return asked;
}

const settings = ({ plan }: Asked<SmbOp>) => decodeAodSettings(plan.request ?? Buffer.alloc(0), AOD_FRAME_SIZE);

function op(command: number, latencyMs: number): SmbOp {
  const found = smbOpOf(rawOp({ command, closed: T0 + latencyMs * 1e6, queueNs: 0 }), T0);
  assert.ok(found);
  return found;
}

describe("smbslower's command line", () => {
  it("without arguments: 10 ms, every command", async () => {
    const asked = await parse();
    assert.equal(asked.plan.title, "Tracing SMB operations that are slower than 10 ms.");
    assert.deepEqual(asked.common, { format: "text", verbose: false });
    assert.deepEqual(new Set(settings(asked).smb.slowNs), new Set([10e6]));
    assert.deepEqual(
      [asked.plan.wants(op(13, 10), {}), asked.plan.wants(op(99, 11), {}), asked.plan.wants(op(13, 9.9), {})],
      [true, true, false],
    );
  });

  it("takes everything that is documented", async () => {
    const asked = await parse("0.5", "-p", "77", "-c", "read,SMB2_WRITE,5", "-d", "2.5", "-n", "3", "-j", "-v");
    assert.deepEqual(asked.common, { pid: 77, count: 3, durationS: 2.5, format: "csv", verbose: true });
    const { smb, inflightNs } = settings(asked);
    assert.deepEqual([smb.slowNs[5], smb.slowNs[7], smb.slowNs[9], inflightNs], [5e5, 2 ** 64, 5e5, 5e5]);
    assert.deepEqual(
      [8, 9, 5, 6].map((command) => asked.plan.wants(op(command, 1), {})),
      [true, true, true, false],
    );
  });

  it("-x leaves commands out; -c leaves out what has none", async () => {
    const waiter = { kind: "credits", tid: 1, sinceNs: 0 } as const;
    const without = (await parse("-x", "echo,change_notify")).plan;
    assert.deepEqual(
      [13, 15, 9].map((command) => without.wants(op(command, 50), {})),
      [false, false, true],
    );
    assert.equal(without.wantsWaiter?.(waiter, 1e9), true);
    assert.equal((await parse("-c", "echo")).plan.wantsWaiter?.(waiter, 1e9), false);
  });

  it("--stop-on makes the probe report what it needs", async () => {
    const needs = async (condition: string) => {
      const { smb } = settings(await parse("100", "-c", "read", "--stop-on", condition));
      return [smb.slowNs[8], smb.slowNs[9] === 2 ** 64, smb.errorCommands];
    };
    assert.deepEqual(await needs("slow>=20ms"), [20e6, true, 0]);
    assert.deepEqual(await needs("slow>=1s"), [100e6, true, 0]);
    assert.deepEqual(await needs("errors>=10/1s"), [100e6, true, 1 << 8]);
    assert.deepEqual(await needs("status=access_denied"), [100e6, true, 1 << 8]);
    assert.deepEqual(await needs("status=no_more_files"), [0, true, 0]);
  });

  it("a wrong name of a command is answered with the nearest", async () => {
    await assert.rejects(parse("-c", "wirte"), (error: unknown) => {
      assert.ok(error instanceof CommanderError);
      assert.match(error.message, /there is no command "wirte": did you mean "WRITE"\?/);
      return true;
    });
  });

  it("what is not understood is refused", async () => {
    const wrong = [["ten"], ["-1"], [""], ["-p", "x"], ["-p", "0"], ["-n", "0"], ["-n", "1.5"], ["-d", "soon"]];
    for (const argv of [...wrong, ["-c", "99"], ["--frob"], ["1", "2"]]) {
      await assert.rejects(parse(...argv), CommanderError, argv.join(" "));
    }
  });

  it("what contradicts itself is refused", async () => {
    for (const argv of [
      ["-c", "5", "-x", "6"],
      ["--csv", "--json"],
      ["--mount", "/mnt", "--share", "x"],
      ["--mount", "/mnt", "--server", "x"],
      ["--then", "status"],
      ["--then", "status", "--stop-on", "slow>=1s", "--replay", "file"],
      ["--stop-on", "slow>=1s", "--then", "sttaus"],
      ["--stop-on", "slow>=1s", "--then", "'"],
      ["--stop-on", "slow>=1parsec"],
      ["--stop-on", "status=STATUS_ACESS_DENIED"],
    ]) {
      await assert.rejects(parse(...argv), (error: unknown) => error instanceof AodError && error.code === "usage");
    }
  });
});
