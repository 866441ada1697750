import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, it } from "node:test";
import { fieldsOf, parseTraceLine } from "./event.ts";
import type { CallItem, Item, RequestItem } from "./item.ts";
import { kindOfBytes, linesOf } from "./source.ts";
import { itemText, totalsText } from "./text.ts";
import { type Filter, Timeline } from "./timeline.ts";

const traces = join(import.meta.dirname, "../../test/fixtures/traces");

function decoded(lines: readonly string[], filter: Filter = {}, limit?: number) {
  const items: Item[] = [];
  const timeline = new Timeline(filter, (item) => items.push(item), limit);
  for (const line of lines) timeline.line(line);
  timeline.finish();
  return { items, totals: timeline.totals };
}

const fixture = (name: string): readonly string[] => readFileSync(join(traces, name), "utf8").trimEnd().split("\n");
const requestsOf = (items: readonly Item[]): readonly RequestItem[] =>
  items.flatMap((item) => (item.type === "request" ? [item] : item.type === "call" ? item.requests : []));
const callsOf = (items: readonly Item[]): readonly CallItem[] => items.filter((item) => item.type === "call");

/** `TASK-PID at S: event: text` as the kernel prints it. */
const line = (time: number, task: string, text: string): string => `  ${task} [000] .....  ${time.toFixed(6)}: ${text}`;

describe("a line of a trace", () => {
  it("is read in the forms of the kernel and of trace-cmd", () => {
    for (const text of [
      "            bash-1       [001] .....    39.645676: smb3_enter: cifs_open: xid=229",
      "            bash-1     [001]    39.645676: smb3_enter:           cifs_open: xid=229",
      "            bash-1       (      1) [001] d..1.    39.645676: smb3_enter: cifs_open: xid=229",
      "            bash-1     [001] 39.645676: cifs:smb3_enter: cifs_open: xid=229",
      "            bash-1     [001] d... 39.645676000: smb3_enter: cifs_open: xid=229",
    ]) {
      const event = { time: 39.645676, comm: "bash", pid: 1, cpu: 1, name: "smb3_enter", text: "cifs_open: xid=229" };
      assert.deepEqual(parseTraceLine(text), { kind: "event", event });
    }
  });

  it("may name a task by anything", () => {
    const read = parseTraceLine(" a-1 [b] c-22    [003] .....     1.000001: nfs_x: y");
    assert.ok(read.kind === "event");
    assert.deepEqual([read.event.comm, read.event.pid, read.event.cpu], ["a-1 [b] c", 22, 3]);
  });

  it("may tell of a loss, or be something else", () => {
    assert.deepEqual(parseTraceLine("CPU:1 [LOST 1234 EVENTS]"), { kind: "lost", count: 1234, cpu: 1 });
    assert.deepEqual(parseTraceLine("CPU:0 [7 EVENTS DROPPED]"), { kind: "lost", count: 7, cpu: 0 });
    assert.deepEqual(parseTraceLine("CPU:0 [EVENTS DROPPED]"), { kind: "lost", count: 0, cpu: 0 });
    for (const text of ["", "# tracer: nop", "cpus=2"]) assert.equal(parseTraceLine(text).kind, "none");
    assert.deepEqual(parseTraceLine("what?"), { kind: "unknown", text: "what?" });
  });

  it("is read in one go, however many blanks it has", () => {
    const blanks = " ".repeat(1_000_000);
    assert.equal(parseTraceLine(`${blanks}x`).kind, "unknown");
    assert.deepEqual(
      [...fieldsOf(`a=1${blanks}b=2${blanks}`)],
      [
        ["a", "1"],
        ["b", "2"],
      ],
    );
  });

  it("may be damaged: a request without a number is told as it stands", () => {
    const enter = (mid: string): string => line(1, "cat-1", `smb3_cmd_enter: sid=0x1 tid=0x2 cmd=5 mid=${mid}`);
    const { items } = decoded([enter("7"), enter("8 39.6"), enter("")]);
    assert.deepEqual(
      items.map((item) => [item.type, item.type === "request" ? item.mid : undefined]),
      [
        ["event", undefined],
        ["event", undefined],
        ["request", "7"],
      ],
    );
  });

  it("has fields whose values may hold blanks", () => {
    assert.deepEqual(
      [...fieldsOf("xid=1 path=\\a b\\c cr_opts=0x40")],
      [
        ["xid", "1"],
        ["path", "\\a b\\c"],
        ["cr_opts", "0x40"],
      ],
    );
  });
});

describe("a trace of the SMB client", () => {
  it("becomes calls with their requests, joined from begin to end, of kernels 6.1 and 6.12", () => {
    for (const [name, count] of [
      ["6.12-smb.txt", 15],
      ["6.1-smb.txt", 13],
    ] as const) {
      const { items, totals } = decoded(fixture(name));
      assert.equal(totals.joined, count, name);
      assert.equal(requestsOf(items).length, count, name);
      assert.ok(requestsOf(items).every(({ ending }) => ending === "answered"));
      assert.equal(items.filter(({ type }) => type !== "call").length, 0);
      assert.deepEqual([totals.unknownEvents, totals.unknownLines], [0, 0]);
    }
  });

  it("shows chains, credits and what a call was for", () => {
    const { items, totals } = decoded(fixture("6.12-smb.txt"));
    const open = callsOf(items).find(({ name }) => name === "cifs_atomic_open");
    assert.equal(open?.latencyUs, 6613);
    assert.deepEqual(open?.steps, ["open \\zz cr_opts=0x40 des_access=0x40000080", "fid=0x23f6552"]);
    const [create] = open?.requests ?? [];
    assert.deepEqual(
      [create?.command, create?.latencyUs, create?.credits, create?.charge, create?.connection, create?.server],
      ["SMB2_CREATE", 5541, 4847, 1, "0x1", "127.0.0.1"],
    );
    const chain = requestsOf(items).filter(({ chain }) => chain?.first === "944");
    assert.deepEqual(
      chain.map(({ command, chain }) => [command, chain?.at, chain?.of]),
      [
        ["SMB2_CREATE", 1, 3],
        ["SMB2_SET_INFO", 2, 3],
        ["SMB2_CLOSE", 3, 3],
      ],
    );
    // The client tells the end of some parts of a chain twice.
    assert.equal(totals.repeatedEnds, 3);
  });

  it("says errors in words, and what has no end", () => {
    const { items, totals } = decoded([
      line(1, "cat-7", "smb3_enter: cifs_lookup: xid=5"),
      line(1.001, "cat-7", "smb3_query_info_compound_enter: xid=5 sid=0x1 tid=0x2 path=\\gone"),
      ...[5, 16, 6].map((cmd, at) => line(1.002, "cat-7", `smb3_cmd_enter: sid=0x1 tid=0x2 cmd=${cmd} mid=${10 + at}`)),
      line(1.004, "cat-7", "smb3_cmd_err: sid=0x1 tid=0x2 cmd=5 mid=10 status=0xc0000034 rc=-2"),
      line(1.005, "cat-7", "smb3_query_info_compound_err: xid=5 sid=0x1 tid=0x2 rc=-2"),
      line(1.006, "cat-7", "smb3_exit_err: cifs_lookup: xid=5 rc=-2"),
      line(2, "kworker/0:1-9", "smb3_cmd_enter: sid=0x1 tid=0x0 cmd=13 mid=13"),
    ]);
    const [call] = callsOf(items);
    assert.deepEqual([call?.ending, call?.errno, call?.rc, call?.latencyUs], ["failed", "ENOENT", -2, 6000]);
    assert.deepEqual(
      call?.requests.map(({ ending, status, errno }) => [ending, status, errno]),
      [
        ["failed", "STATUS_OBJECT_NAME_NOT_FOUND", "ENOENT"],
        ["no-end", undefined, undefined],
        ["no-end", undefined, undefined],
      ],
    );
    assert.deepEqual([totals.joined, totals.commands.get("SMB2_CREATE")?.errors], [1, 1]);
    const text = items.flatMap(itemText).join("\n");
    assert.match(text, /CREATE {2}mid 10 {2}chain 10 1\/3 {2}STATUS_OBJECT_NAME_NOT_FOUND ENOENT/);
    assert.match(text, /an earlier part of the chain failed/);
    assert.match(text, /ECHO {2}mid 13 {2}\(the client does not tell its answer\)/);
  });

  it("joins an asynchronous write with its end in another task, also when its call is over", () => {
    const { items } = decoded([
      line(1, "dd-7", "smb3_enter: cifs_writepages: xid=5"),
      line(1.001, "dd-7", "smb3_write_enter: xid=5 sid=0x1 tid=0x2 fid=0x3 offset=0x0 len=0x1000"),
      line(1.002, "dd-7", "smb3_cmd_enter: sid=0x1 tid=0x2 cmd=9 mid=20"),
      line(1.003, "dd-7", "smb3_exit_done: cifs_writepages: xid=5"),
      line(1.008, "cifsd-3", "smb3_cmd_done: sid=0x1 tid=0x2 cmd=9 mid=20"),
    ]);
    assert.deepEqual(
      requestsOf(items).map(({ command, latencyUs, comm, xid }) => [command, latencyUs, comm, xid]),
      [["SMB2_WRITE", 6000, "dd", "5"]],
    );
  });

  it("tells two channels with the same message number apart by the task", () => {
    const { items } = decoded([
      line(1, "a-7", "smb3_cmd_enter: sid=0x1 tid=0x2 cmd=5 mid=20"),
      line(1.001, "b-8", "smb3_cmd_enter: sid=0x1 tid=0x2 cmd=5 mid=20"),
      line(1.002, "b-8", "smb3_cmd_done: sid=0x1 tid=0x2 cmd=5 mid=20"),
      line(1.005, "a-7", "smb3_cmd_done: sid=0x1 tid=0x2 cmd=5 mid=20"),
    ]);
    assert.deepEqual(
      requestsOf(items).map(({ comm, latencyUs }) => [comm, latencyUs]),
      [
        ["b", 1000],
        ["a", 5000],
      ],
    );
  });

  it("knows the first requests of a session, whose number comes with the answer", () => {
    const { totals } = decoded([
      line(1, "mount-7", "smb3_cmd_enter: sid=0x0 tid=0x0 cmd=1 mid=1"),
      line(1.002, "mount-7", "smb3_cmd_err: sid=0x55 tid=0x0 cmd=1 mid=1 status=0xc0000016 rc=-5"),
    ]);
    assert.deepEqual([totals.joined, totals.commands.get("SMB2_SESSION_SETUP")?.errors], [1, 0]);
  });

  it("keeps a bounded number of what is open: the oldest is told without an end", () => {
    const lines = Array.from({ length: 100 }, (_, at) =>
      line(at, `t-${at + 1}`, `smb3_cmd_enter: sid=0x1 tid=0x2 cmd=9 mid=${at}`),
    );
    const { items } = decoded(lines, {}, 10);
    assert.equal(requestsOf(items).length, 100);
    assert.equal(requestsOf(items)[0]?.mid, "0");
  });
});

describe("a trace of the NFS client", () => {
  const rpc = (time: number, name: string, text: string) =>
    line(time, "cat-7", `${name}: task:0000001a@00000005 ${text}`);

  it("becomes RPCs with their times, status and retransmissions, and calls", () => {
    const { items } = decoded([
      line(1, "cat-7", "nfs_lookup_enter: flags=0x0 () name=00:2b:1/gone fileid=0"),
      rpc(1.001, "rpc_request", "nfsv4 LOOKUP (sync)"),
      rpc(1.002, "xprt_transmit", "xid=0x6a37ff4f seqno=0 status=0"),
      rpc(1.5, "xprt_transmit", "xid=0x6a37ff4f seqno=0 status=0"),
      rpc(1.6, "nfs4_xdr_status", "xid=0x6a37ff4f error=-2 (NOENT) operation=15"),
      rpc(1.601, "rpc_stats_latency", "xid=0x6a37ff4f nfsv4 LOOKUP backlog=5 rtt=598000 execute=600000"),
      rpc(1.602, "rpc_task_end", "flags=ASYNC runstate=ACTIVE status=-2 action=0x0"),
      line(1.7, "cat-7", "nfs_lookup_exit: error=2 (NOENT) flags=0x0 () name=00:2b:1/gone fileid=0"),
    ]);
    const [request] = requestsOf(items);
    assert.deepEqual(
      [
        request?.command,
        request?.ending,
        request?.latencyUs,
        request?.rttUs,
        request?.xid,
        request?.status,
        request?.transmissions,
      ],
      ["LOOKUP", "failed", 600_000, 598_000, "0x6a37ff4f", "NOENT", 2],
    );
    const [call] = callsOf(items);
    assert.deepEqual(
      [call?.name, call?.latencyUs, call?.errno, call?.steps],
      ["nfs_lookup", 700_000, "ENOENT", ["gone"]],
    );
  });

  it("tells an RPC that got no answer", () => {
    const { items } = decoded([rpc(1, "rpc_request", "nfsv4 READ (async)")]);
    assert.deepEqual(
      requestsOf(items).map(({ command, ending }) => [command, ending]),
      [["READ", "no-end"]],
    );
  });
});

describe("the time line", () => {
  it("shows events without a join as they are, the errno in words", () => {
    const { items, totals } = decoded(fixture("6.12-smb-reconnect.txt"));
    const text = items.flatMap(itemText).join("\n");
    assert.match(text, /smb3_reconnect: conn_id=0x1 server=127\.0\.0\.1 current_mid=960/);
    assert.match(text, /smb3_connect_err: rc=-111 .* ECONNREFUSED: /);
    assert.equal(totals.unknownEvents, 0);
  });

  it("keeps and counts what it does not know", () => {
    const { items, totals } = decoded([
      line(1, "cat-7", "sched_switch: prev_comm=cat"),
      "nonsense",
      "CPU:0 [LOST 5 EVENTS]",
      "CPU:0 [EVENTS DROPPED]",
    ]);
    assert.deepEqual(
      items.map(({ type }) => type),
      ["event", "line", "lost", "lost"],
    );
    assert.deepEqual([totals.unknownEvents, totals.unknownLines, totals.lostEvents, totals.lostUnknown], [1, 1, 5, 1]);
    assert.match(totalsText(totals).join("\n"), /lost: 5 events.*\n.*sched_switch 1.*\n.*1 lines are no events/);
  });

  it("filters by task, command, errors and status; the totals are of everything", () => {
    const names = (filter: Filter) => {
      const { items, totals } = decoded(fixture("6.12-smb.txt"), filter);
      assert.equal(totals.joined, 15);
      return callsOf(items).map(({ name }) => name);
    };
    assert.deepEqual(names({ comm: "cat" }), ["cifs_revalidate_dentry_attr", "cifs_open"]);
    assert.deepEqual(names({ pid: 427 }), ["_cifsFileInfo_put", "_cifsFileInfo_put", "cifs_unlink"]);
    assert.deepEqual(names({ commands: new Set(["SMB2_WRITE"]) }), ["cifs_prepare_write"]);
    assert.deepEqual(names({ errors: true }), []);
    assert.deepEqual(names({ statuses: new Set(["ENOENT"]) }), []);
  });
});

describe("sources", () => {
  it("are told by their first bytes", () => {
    assert.equal(kindOfBytes(Buffer.from("\x17\x08\x44tracing6\0", "latin1")), "trace.dat");
    assert.equal(kindOfBytes(Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0])), "bundle");
    assert.equal(kindOfBytes(Buffer.from("AOD-REC\n....")), "recording");
    assert.equal(kindOfBytes(Buffer.from("# tracer: nop")), "text");
  });

  it("give lines of any length, cut at a limit", async () => {
    const lines: string[] = [];
    const long = "x".repeat(200_000);
    for await (const one of linesOf(Readable.from(["a\nb", "c\n", long, `${long}\nend`]))) lines.push(one);
    assert.deepEqual(
      lines.map((one) => one.length),
      [1, 2, 65_536, 3],
    );
  });
});
