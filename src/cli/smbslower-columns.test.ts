import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type AodSmbOp, AodOpFlag as F, AodOpState as S } from "../probe/decoders.gen.ts";
import type { SmbOp } from "../probe/op.ts";
import { smbOpOf } from "../probe/smb-op.ts";
import { rawOp, T0 } from "../probe/testing/make-frames.ts";
import { csvHeading, csvLine, textHeading, textLine } from "../tools/columns.ts";
import type { Row } from "../tools/op.ts";
import type { RowFormat } from "../tools/options.ts";
import { smbJson } from "../tools/smb.ts";
import { columnsOf } from "./smbslower-columns.ts";

const noon = new Date(2026, 10, 22, 20, 20, 1).getTime();
const clock = { nowNs: () => T0 + 5_140_000, wallMs: () => noon };
const style = (format: RowFormat, verbose = false) => ({ format, verbose });

function lineOf(
  row: Row<SmbOp>,
  { format, verbose }: { readonly format: RowFormat; readonly verbose: boolean },
): string {
  if (format === "json") return JSON.stringify(smbJson(row));
  return format === "csv" ? csvLine(columnsOf(verbose), row) : textLine(columnsOf(verbose), row);
}

function opRow(changes: Partial<AodSmbOp> = {}): Row<SmbOp> {
  const op: SmbOp | undefined = smbOpOf(rawOp(changes), T0 + 5_140_000);
  assert.ok(op);
  return { kind: "op", op, target: { server: "127.0.0.1", share: "\\\\127.0.0.1\\share" }, clock };
}

const waiterRow: Row<SmbOp> = {
  kind: "waiter",
  waiter: { kind: "reconnect", tid: 7, pid: 6, comm: "ls", sinceNs: T0 },
  untilNs: T0 + 5_140_000,
  target: {},
  clock,
};

describe("smbslower's lines", () => {
  it("begin with the known header", () => {
    assert.equal(
      textHeading(columnsOf(false)),
      "ENDTIME  TASK           PID     TYPE                      LATENCY(ms)       SESSIONID        COMPOUND_RQST ASYNC_RQST TREE_ID/ASYNC_ID",
    );
    assert.equal(
      csvHeading(columnsOf(true)),
      "ENDTIME_us,TASK,PID,TYPE,LATENCY_us,SESSIONID,COMPOUND_RQST,ASYNC_RQST,TREEID/ASYNCID,QUEUE_us,SEND_us,WIRE_us,WAKE_us,STATUS,SHARE",
    );
  });

  it("have the known columns", () => {
    assert.equal(
      lineOf(opRow({ comm: "t4", tgid: 34_168 }), style("text")),
      "20:20:01 t4             34168   SMB2_CREATE               5.150            0x1b80118000065             0            0            5",
    );
    assert.equal(
      lineOf(opRow({ flags: F.COMPOUND }), style("csv")),
      "1000005140,dd,1234,SMB2_CREATE,5140,0x1b80118000065,1,0,5",
    );
  });

  it("show the id of an asynchronous response instead of the tree's", () => {
    assert.match(lineOf(opRow({ flags: F.WIRE_ASYNC, asyncId: 77n }), style("text")), / 0 {12}1 {11}77$/);
  });

  it("with -v have the phases, the status and the share", () => {
    const header = textHeading(columnsOf(true));
    const line = lineOf(opRow({ status: 0xc000_0022 }), style("text", true));
    for (const [name, value] of [
      ["QUEUE(ms)", "0.010"],
      ["WIRE(ms)", "5.000"],
      ["WAKE(ms)", "0.040"],
    ] as const) {
      assert.equal(line.indexOf(value) + value.length, header.indexOf(name) + name.length, name);
    }
    assert.equal(line.indexOf("STATUS_ACCESS_DENIED"), header.indexOf("STATUS "));
    assert.equal(line.indexOf("\\\\127.0.0.1\\share"), header.indexOf("SHARE"));
  });

  it("show an absent fact as a dash, in CSV as nothing", () => {
    const row = opRow({ flags: F.RETRY, answered: 0, comm: "kworker/0:1", command: 9 });
    assert.match(lineOf(row, style("text", true)), /kworker\/0:1 {4}- .* {2}0\.100 {10}- {10}- \(reconnect\)/);
    assert.equal(
      lineOf(row, style("csv", true)),
      "1000005140,kworker/0:1,,SMB2_WRITE,5140,0x1b80118000065,0,0,5,,100,,,(reconnect),\\\\127.0.0.1\\share",
    );
  });

  it("mark what is still open", () => {
    assert.match(lineOf(opRow({ state: S.OPEN, answered: 0, closed: 0 }), style("text")), /SMB2_CREATE \(open\) {8}/);
  });

  it("show who waits for a reconnect", () => {
    assert.match(
      lineOf(waiterRow, style("text")),
      /^20:20:01 ls {13}6 {7}\(waiting: reconnect\) {6}5\.140 {12}- +- +- +-$/,
    );
    assert.equal(lineOf(waiterRow, style("csv")), "1000005140,ls,6,(waiting: reconnect),5140,,,,");
    assert.equal(JSON.parse(lineOf(waiterRow, style("json"))).waiting, "reconnect");
  });

  it("stay one line each, whatever a task is called", () => {
    for (const comm of ["a\nb", "a\r", "a b", "\u202eabc", "数据库", "", "a,b"]) {
      assert.doesNotMatch(lineOf(opRow({ comm }), style("json")), /[\n\r]/, comm);
      for (const format of ["text", "csv"] as const) {
        const line = lineOf(opRow({ comm }), style(format));
        assert.doesNotMatch(line, /[\n\r\u202e]/, comm);
      }
    }
    const wide = lineOf(opRow({ comm: "数据" }), style("text"));
    assert.ok(wide.startsWith("20:20:01 数据           1234 "));
  });
});
