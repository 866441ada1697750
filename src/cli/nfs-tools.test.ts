import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CommanderError } from "commander";
import { AOD_FRAME_SIZE, type AodRpcOp, AodRpcState, decodeAodRpcSettings } from "../probe/decoders.gen.ts";
import { type RpcOp, rpcOpOf } from "../probe/rpc-op.ts";
import { T0 } from "../probe/testing/make-frames.ts";
import { rawRpc, rawTarget } from "../probe/testing/make-rpc-frames.ts";
import { AodError } from "../system/error.ts";
import { csvHeading, csvLine, textHeading, textLine } from "../tools/columns.ts";
import type { Row } from "../tools/op.ts";
import { type Asked, toolCommand } from "../tools/run.ts";
import type { ToolSpec } from "../tools/spec.ts";
import { nfsiosnoop } from "./nfsiosnoop.ts";
import { nfsslower } from "./nfsslower.ts";

async function parse(spec: ToolSpec<RpcOp>, ...argv: readonly string[]): Promise<Asked<RpcOp>> {
  let asked: Asked<RpcOp> | undefined;
  const command = toolCommand(
    spec,
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

function op(changes: Partial<AodRpcOp> = {}, path?: string): RpcOp {
  const found = rpcOpOf(rawRpc(changes), T0 + 9e6, rawTarget(), path);
  assert.ok(found);
  return found;
}

const clock = { nowNs: () => T0, wallMs: () => 0 };
const world = { clock, readProc: () => "45 32 0:38 / /mnt/a rw - nfs4 srv:/ rw,vers=4.2\n" };

/** Each row as lines of text or CSV. */
async function lines(spec: ToolSpec<RpcOp>, ops: readonly RpcOp[], ...argv: readonly string[]): Promise<string[]> {
  const { plan } = await parse(spec, ...argv);
  const names = plan.names(world);
  const csv = argv.includes("-j");
  const rows = ops.map((one): Row<RpcOp> => ({ kind: "op", op: one, target: names.of(one), clock }));
  const line = csv ? csvLine<RpcOp> : textLine<RpcOp>;
  return [(csv ? csvHeading : textHeading)(plan.columns), ...rows.map((row) => line(plan.columns, row))];
}

const read = op({ procedure: 1, name: "READ", flags: 0x16, offset: 8192, count: 4096, file: "f" }, "d/f");
const denied = op({ status: -13, version: 3, minor: 0, name: "ACCESS", procedure: 4 });
const timedOut = op({ status: -110, flags: 4, rttSum: 0 });
const retried = op({ attempts: 3, transmissions: 4, closed: T0 + 20e6 });
const held = op({ state: AodRpcState.HELD, status: -10008 });

describe("nfsslower", () => {
  it("asks for what it shows", async () => {
    const { plan } = await parse(nfsslower, "5");
    const { rpc, inflightNs } = decodeAodRpcSettings(plan.request ?? Buffer.alloc(0), AOD_FRAME_SIZE);
    assert.deepEqual([new Set(rpc.slowNs), inflightNs, rpc.paths], [new Set([5e6]), 5e6, 1]);
    const some = await parse(nfsslower, "5", "-c", "read,OPEN");
    const only = decodeAodRpcSettings(some.plan.request ?? Buffer.alloc(0), AOD_FRAME_SIZE).rpc.slowNs;
    assert.equal(only.filter((ns) => ns === 5e6).length, 3);
    const stop = await parse(nfsslower, "5", "--stop-on", "status=delay");
    assert.deepEqual(
      new Set(decodeAodRpcSettings(stop.plan.request ?? Buffer.alloc(0), AOD_FRAME_SIZE).rpc.errors),
      new Set([1]),
    );
  });

  it("shows what was asked for", async () => {
    const shown = async (...argv: readonly string[]): Promise<readonly string[]> => {
      const { plan } = await parse(nfsslower, ...argv);
      const names = plan.names(world);
      return [read, denied, retried].flatMap((one) => (plan.wants(one, names.of(one)) ? [one.procedure] : []));
    };
    assert.deepEqual(await shown("0"), ["READ", "ACCESS", "OPEN"]);
    assert.deepEqual(await shown("10"), ["OPEN"]);
    assert.deepEqual(await shown("0", "-V", "3"), ["ACCESS"]);
    assert.deepEqual(await shown("0", "-V", "4.2"), ["READ", "OPEN"]);
    assert.deepEqual(await shown("0", "-V", "4.1,3"), ["ACCESS"]);
    assert.deepEqual(await shown("0", "-x", "read"), ["ACCESS", "OPEN"]);
  });

  it("has its columns in text and CSV", async () => {
    const [heading = "", ...rows] = await lines(nfsslower, [read, retried, held], "-j");
    assert.equal(heading, "ENDTIME_us,TASK,PID,VERS,PROC,BYTES,OFFSET,LATENCY_us,RETRIES,FILENAME");
    assert.deepEqual(rows, [
      "1000006500,cat,1234,4.2,READ,4096,8192,6500,0,/mnt/a/d/f",
      "1000020000,cat,1234,4.2,OPEN,,,20000,3,x",
      "1000009000,cat,1234,4.2,OPEN (retry),,,9000,0,x",
    ]);
    const [text = "", line = ""] = await lines(nfsslower, [read]);
    for (const [title, value] of [
      ["TASK", "cat"],
      ["PROC", "READ"],
      ["FILENAME", "/mnt/a/d/f"],
    ] as const) {
      assert.equal(text.indexOf(title), line.indexOf(value), title);
    }
  });

  it("-v adds the phases, the retries, the status and the export", async () => {
    const [, line = ""] = await lines(nfsslower, [retried], "-v", "-j");
    assert.match(line, /,20000,3,1000,5000,500,13500,2,1,NFS4_OK,srv:\/,x$/);
  });

  it("has in JSON what is documented", async () => {
    const { plan } = await parse(nfsslower, "--json");
    const names = plan.names(world);
    const json = (one: RpcOp) =>
      JSON.parse(JSON.stringify(plan.json({ kind: "op", op: one, target: names.of(one), clock }))) as Record<
        string,
        unknown
      >;
    const { protocol, layer, version, command, xid, path, share, restarts } = json(read);
    assert.deepEqual(
      [protocol, layer, version, command, xid, path, share, restarts],
      ["nfs", "wire", "4.2", "READ", "0x1e2a20bc", "/mnt/a/d/f", "srv:/", 0],
    );
    assert.deepEqual([json(denied)["status"], json(denied)["errno"]], ["NFS3ERR_ACCES", 13]);
    assert.deepEqual(["status" in json(timedOut), json(timedOut)["errno"]], [false, 110]);
    assert.equal(json(held)["state"], "held");
    assert.equal("state" in json(read), false);
  });
});

describe("nfsiosnoop", () => {
  it("shows the status of the server or the errno of the client, never one for the other", async () => {
    const [heading = "", ...rows] = await lines(nfsiosnoop, [read, denied, timedOut, retried], "-j");
    assert.equal(heading, "TASK,PID,VERS,PROC,STATUS,ERRNO,XID,SERVER,PARAMS");
    assert.deepEqual(rows, [
      "cat,1234,4.2,READ,NFS4_OK,0,0x1e2a20bc,files.example,file=/mnt/a/d/f|offset=8192|count=4096",
      "cat,1234,3,ACCESS,NFS3ERR_ACCES,13,0x1e2a20bc,files.example,file=x",
      "cat,1234,4.2,OPEN,,110,0x1e2a20bc,files.example,file=x",
      "cat,1234,4.2,OPEN,NFS4_OK,0,0x1e2a20bc,files.example,file=x|restarts=2|retransmissions=1",
    ]);
    const [, text = ""] = await lines(nfsiosnoop, [timedOut]);
    assert.match(text, / OPEN +- +ETIMEDOUT /);
  });

  it("filters by status, errno and failure", async () => {
    const shown = async (...argv: readonly string[]): Promise<readonly number[]> => {
      const { plan } = await parse(nfsiosnoop, ...argv);
      const names = plan.names(world);
      return [read, denied, timedOut].flatMap((one, index) => (plan.wants(one, names.of(one)) ? [index] : []));
    };
    assert.deepEqual(await shown(), [0, 1, 2]);
    assert.deepEqual(await shown("--errors"), [1, 2]);
    assert.deepEqual(await shown("--status", "acces,ok"), [0, 1]);
    assert.deepEqual(await shown("--errno", "ETIMEDOUT"), [2]);
    assert.deepEqual(await shown("--errno", "0"), [0]);
  });

  it("refuses what contradicts itself or does not exist", async () => {
    const usage = (error: unknown) => error instanceof AodError && error.code === "usage";
    await assert.rejects(parse(nfsiosnoop, "--errors", "--status", "ok"), usage);
    await assert.rejects(parse(nfsiosnoop, "--errors", "--errno", "0"), usage);
    await assert.rejects(parse(nfsiosnoop, "-c", "read", "-x", "write"), usage);
    const says = (text: RegExp) => (error: unknown) => error instanceof CommanderError && text.test(error.message);
    await assert.rejects(parse(nfsiosnoop, "-c", "wirte"), says(/did you mean "WRITE"/));
    await assert.rejects(parse(nfsiosnoop, "--status", "stael"), says(/did you mean "STALE"/));
    await assert.rejects(parse(nfsiosnoop, "-V", "4.7"), says(/versions are 3, 4, 4\.0, 4\.1 and 4\.2/));
  });
});
