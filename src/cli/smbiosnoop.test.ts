import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CommanderError } from "commander";
import { AOD_FRAME_SIZE, type AodSmbOp, decodeAodSettings, AodOpFlag as F } from "../probe/decoders.gen.ts";
import type { SmbOp } from "../probe/op.ts";
import { smbOpOf } from "../probe/smb-op.ts";
import { rawOp, T0 } from "../probe/testing/make-frames.ts";
import { csvHeading, csvLine, textHeading, textLine } from "../tools/columns.ts";
import type { Row } from "../tools/op.ts";
import { type Asked, toolCommand } from "../tools/run.ts";
import { smbiosnoop } from "./smbiosnoop.ts";

async function parse(...argv: readonly string[]): Promise<Asked<SmbOp>> {
  let asked: Asked<SmbOp> | undefined;
  const command = toolCommand(
    smbiosnoop,
    () => {},
    async (given) => {
      asked = given;
    },
  );
  command.exitOverride().configureOutput({ writeErr: () => {} });
  await command.parseAsync([...argv], { from: "user" });
  assert.ok(asked);
  return asked;
}

function op(changes: Partial<AodSmbOp> = {}): SmbOp {
  const found = smbOpOf(rawOp(changes), T0);
  assert.ok(found);
  return found;
}

const clock = { nowNs: () => T0, wallMs: () => 0 };
const rowOf = (one: SmbOp): Row<SmbOp> => ({ kind: "op", op: one, target: { server: "srv" }, clock });

const ops = {
  good: op(),
  denied: op({ status: 0xc000_0022 }),
  ended: op({ status: 0x8000_0006, command: 14 }),
  reconnect: op({ flags: F.RETRY, answered: 0 }),
  notMade: op({ flags: F.NOT_MADE, answered: 0, error: -12 }),
  cancelled: op({ flags: F.CANCELLED, answered: 0 }),
};

async function shown(...argv: readonly string[]): Promise<readonly string[]> {
  const { plan } = await parse(...argv);
  return Object.entries(ops).flatMap(([name, one]) => (plan.wants(one, {}) ? [name] : []));
}

describe("smbiosnoop", () => {
  it("asks for every request and its parameters", async () => {
    const { plan } = await parse();
    assert.deepEqual(plan.args, ["--params"]);
    const { smb } = decodeAodSettings(plan.request ?? Buffer.alloc(0), AOD_FRAME_SIZE);
    assert.deepEqual(new Set(smb.slowNs), new Set([0]));
    const one = await parse("-c", "create");
    const only = decodeAodSettings(one.plan.request ?? Buffer.alloc(0), AOD_FRAME_SIZE).smb.slowNs;
    assert.deepEqual([only[5], only[6]], [0, 2 ** 64]);
  });

  it("shows what was asked for", async () => {
    assert.deepEqual(await shown(), Object.keys(ops));
    assert.deepEqual(await shown("--errors"), ["denied", "reconnect", "notMade"]);
    assert.deepEqual(await shown("--status", "access_denied,0x80000006"), ["denied", "ended"]);
    assert.deepEqual(await shown("--status", "3221225506"), ["denied"]);
    assert.deepEqual(await shown("--errno", "EACCES,12,-11"), ["denied", "reconnect", "notMade"]);
    assert.deepEqual(await shown("--errno", "0"), ["good"]);
    assert.deepEqual(await shown("-x", "create"), ["ended"]);
  });

  it("has the known columns, PARAMS last", async () => {
    const { plan } = await parse();
    assert.equal(
      textHeading(plan.columns),
      "TASK            PID     COMMAND              STATUS                         ERRNO       SESSIONID          CONN_ID PARAMS",
    );
    assert.equal(csvHeading(plan.columns), "TASK,PID,COMMAND,STATUS,ERRNO,SESSIONID,CONN_ID,PARAMS");
    const fixed = Buffer.alloc(56);
    fixed.writeUInt16LE(10, 46);
    const text = Buffer.from("a,\n\u202e|", "utf16le");
    plan.stage?.take({ type: "params", params: [{ seq: 1, commandCode: 5, fixed, text }] });
    const line = textLine(plan.columns, rowOf(ops.denied));
    assert.match(
      line,
      /^dd {14}1234 {4}SMB2_CREATE {10}STATUS_ACCESS_DENIED {11}EACCES {6}0x1b80118000065 {4}0x1 {5}Req/,
    );
    assert.match(line, /\|File=a,\\x0a\\u\{202e\}\\x7c$/);
    const csv = csvLine(plan.columns, rowOf(ops.denied));
    assert.match(
      csv,
      /^dd,1234,SMB2_CREATE,STATUS_ACCESS_DENIED,13,0x1b80118000065,0x1,"RequestedOplockLevel=NONE\|.*"$/,
    );
    const json = plan.json(rowOf(ops.denied)) as { params?: Record<string, unknown>; errno?: number };
    assert.deepEqual([json.errno, json.params?.disposition], [13, "FILE_SUPERSEDE"]);
  });

  it("shows why there is no response, and no errno where none is known", async () => {
    const { plan } = await parse("-v");
    const cells = (one: SmbOp) => csvLine(plan.columns, rowOf(one)).split(",").slice(3, 6).join(",");
    assert.equal(cells(ops.notMade), "SMB2_CREATE,(not-made),12");
    assert.equal(cells(ops.reconnect), "SMB2_CREATE,(reconnect),11");
    assert.equal(cells(ops.cancelled), "SMB2_CREATE,(cancelled),");
    assert.match(textLine(plan.columns, rowOf(ops.cancelled)), / srv +-$/);
  });

  it("wrong names are answered with the nearest, contradictions refused", async () => {
    for (const [argv, message] of [
      [["--status", "acess_denied"], /did you mean "STATUS_ACCESS_DENIED"/],
      [["--errno", "EACESS"], /did you mean "EACCES"/],
      [["-c", "craete"], /did you mean "CREATE"/],
    ] as const) {
      await assert.rejects(parse(...argv), (error) => error instanceof CommanderError && message.test(error.message));
    }
    for (const argv of [
      ["--errors", "--status", "success"],
      ["--errors", "--errno", "0"],
      ["-c", "read", "-x", "read"],
    ]) {
      await assert.rejects(parse(...argv), { code: "usage" });
    }
  });
});
