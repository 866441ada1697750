import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CommanderError } from "commander";
import { AOD_FRAME_SIZE, AodVfsFlag, AodVfsReturn, decodeAodVfsSettings } from "../probe/decoders.gen.ts";
import { startHelper } from "../probe/helper.ts";
import { fakeStarter } from "../probe/testing/fake-process.ts";
import { lostFrame, T0 } from "../probe/testing/make-frames.ts";
import {
  type CallbackInput,
  rawCallback,
  rawVfsOp,
  vfsHelloFrame,
  vfsInflightFrame,
  vfsOpsFrame,
} from "../probe/testing/make-vfs-frames.ts";
import { smbVfs } from "../probe/vfs-decoder.ts";
import type { VfsOp } from "../probe/vfs-op.ts";
import { HeldClock } from "../system/held-clock.ts";
import { filtersOf } from "../tools/filters.ts";
import { type Asked, toolCommand } from "../tools/run.ts";
import { Session } from "../tools/session.ts";
import type { ToolSpec } from "../tools/spec.ts";
import { findCommand } from "./dispatch.ts";
import { nfsvfsslower } from "./nfsvfsslower.ts";
import { smbvfsiosnoop } from "./smbvfsiosnoop.ts";
import { smbvfsslower } from "./smbvfsslower.ts";
import { commands } from "./table.ts";

async function parse(spec: ToolSpec<VfsOp>, ...argv: readonly string[]): Promise<Asked<VfsOp>> {
  let asked: Asked<VfsOp> | undefined;
  const run = async (given: Asked<VfsOp>): Promise<void> => {
    asked = given;
  };
  const command = toolCommand(spec, (name) => void findCommand(commands, name), run);
  command.exitOverride().configureOutput({ writeErr: () => {} });
  await command.parseAsync([...argv], { from: "user" });
  assert.ok(asked);
  return asked;
}

const settings = ({ plan }: Asked<VfsOp>) => decodeAodVfsSettings(plan.request ?? Buffer.alloc(0), AOD_FRAME_SIZE);
const never = 2 ** 64;

const mountinfo = `40 22 0:45 / /mnt/a rw - cifs //127.0.0.1/share rw,vers=3.1.1,addr=127.0.0.1
41 22 0:46 / /mnt/b rw - nfs4 srv:/export rw,vers=4.1,addr=10.0.0.9
42 22 0:47 / /mnt/c rw - nfs srv:/old rw,vers=3,addr=10.0.0.9
`;

const callbacks = [
  rawCallback(),
  rawCallback({ id: 1, function: "cifs_flush", member: "flush", args: ["FILE", "OTHER"] }),
  rawCallback({ id: 2, type: 2, function: "cifs_lookup", member: "lookup", args: ["INODE", "DENTRY", "NUMBER"] }),
];

/** Runs a tool on frames; what it prints. */
async function shown(asked: Asked<VfsOp>, frames: readonly Buffer[], more: readonly CallbackInput[] = []) {
  const { spec, common, plan } = asked;
  const { start, started } = fakeStarter();
  const [out, err]: [string[], string[]] = [[], []];
  const clock = new HeldClock(T0 + 3e9, new Date(2026, 10, 22, 20, 20, 3).getTime());
  const world = { clock, readProc: (path: string) => (path === "self/mountinfo" ? mountinfo : undefined) };
  const session = new Session<VfsOp>({
    plan,
    common,
    outcomes: spec.outcomes,
    filters: filtersOf({ ...common, replay: "x" }, spec.protocol, world, "/"),
    world,
    output: { out: (line) => out.push(line), err: (line) => err.push(line), finish: () => {} },
  });
  const options = { program: "/p", object: "/o", probe: smbVfs.name, start, clock };
  const helper = startHelper(
    options,
    smbVfs,
    (event) => session.take(event),
    () => {},
  );
  const [process] = started;
  assert.ok(process);
  await process.say(vfsHelloFrame([...callbacks, ...more.map(rawCallback)]), ...frames);
  session.end();
  await helper.stop();
  return { out, err, summary: session.summaryLines() };
}

const slow = vfsOpsFrame([
  rawVfsOp({ pos: 4096, size: 10, flags: AodVfsFlag.POS | AodVfsFlag.SIZE }),
  rawVfsOp({ callback: 1, started: T0 + 1, retval: -13, flags: AodVfsFlag.ERROR, comm: "数据 库" }),
]);

describe("smbvfsslower's command line", () => {
  it("without arguments: 10 ms, all groups, nothing shared", async () => {
    const asked = await parse(smbvfsslower);
    assert.deepEqual(asked.plan.args, ["--types", "file,inode,adspace,super"]);
    const { vfs, inflightNs } = settings(asked);
    assert.deepEqual([vfs.slowNs, vfs.errorTypes, vfs.tgid, inflightNs], [[10e6, 10e6, 10e6, 10e6], 0, 0, 10e6]);
    assert.equal(asked.plan.title, "Tracing SMB callbacks that are slower than 10 ms.");
  });

  it("only chosen groups are attached; -v and --json need paths", async () => {
    const asked = await parse(smbvfsslower, "0.5", "--inode", "--file", "--shared", "-p", "7", "-v");
    assert.deepEqual(asked.plan.args, ["--types", "file,inode", "--shared", "--paths"]);
    assert.deepEqual([settings(asked).vfs.slowNs[0], settings(asked).vfs.tgid], [5e5, 7]);
    assert.deepEqual((await parse(smbvfsslower, "--super", "--json")).plan.args, ["--types", "super", "--paths"]);
  });

  it("--stop-on sees what the limit would hide", async () => {
    const errors = settings(await parse(smbvfsslower, "1000", "--stop-on", "errno=EACCES"));
    assert.deepEqual([errors.vfs.slowNs[0], errors.vfs.errorTypes], [1e9, 0b1111]);
    const quick = settings(await parse(smbvfsslower, "1000", "--stop-on", "slow>=5ms", "--file"));
    assert.deepEqual([quick.vfs.slowNs[0], quick.vfs.errorTypes], [5e6, 0]);
  });

  it("what is not understood is refused", async () => {
    for (const argv of [["ten"], ["-1"], ["--frob"], ["1", "2"]]) {
      await assert.rejects(parse(smbvfsslower, ...argv), CommanderError, argv.join(" "));
    }
  });
});

describe("smbvfsslower's lines", () => {
  it("have the known columns", async () => {
    const { out } = await shown(await parse(smbvfsslower), [
      vfsOpsFrame([rawVfsOp({ ended: T0 + 12_345_678 }), rawVfsOp({ ended: T0 + 9_999_000 })]),
    ]);
    assert.deepEqual(out, [
      "Tracing SMB callbacks that are slower than 10 ms.",
      "ENDTIME    TASK                 PID     TYPE       FUNCTION                  LATENCY(ms)",
      "20:20:00   dd                   1234    FILE       cifs_open                      12.345",
    ]);
  });

  it("with -v have size, offset and the whole path; an absent fact is a dash", async () => {
    const { out } = await shown(await parse(smbvfsslower, "1", "-v"), [slow]);
    assert.match(out[1] ?? "", /LATENCY\(ms\) +SIZE +OFFSET PATH$/);
    assert.match(out[2] ?? "", /cifs_open +5\.000 +10 +4096 \/mnt\/a\/dir\/file$/);
    assert.match(out[3] ?? "", /^20:20:00 {3}数据 库 {14}1234 .* cifs_flush +4\.999 +- +- \/mnt\/a\/dir\/file$/);
  });

  it("in CSV have the known header and µs", async () => {
    const { out } = await shown(await parse(smbvfsslower, "1", "-j"), [slow]);
    assert.deepEqual(out, [
      "ENDTIME_us,TASK,PID,TYPE,FUNCTION,LATENCY_us",
      "1000005000,dd,1234,FILE,cifs_open,5000",
      "1000005000,数据 库,1234,FILE,cifs_flush,4999",
    ]);
  });

  it("in JSON have everything under stable names", async () => {
    const { out } = await shown(await parse(smbvfsslower, "1", "--json"), [slow]);
    const [line = ""] = out;
    const { time, ...rest } = JSON.parse(line);
    assert.match(time, /^2026-11-2.T..:..:..\.\d+Z$/);
    assert.deepEqual(rest, {
      layer: "vfs",
      protocol: "smb",
      type: "FILE",
      function: "cifs_open",
      member: "open",
      retval: 0,
      errno: 0,
      latency_us: 5000,
      args: { inode: "131", dname: "file" },
      path: "/mnt/a/dir/file",
      size: 10,
      offset: 4096,
      pid: 1234,
      tid: 1235,
      comm: "dd",
      uid: 1000,
      cgroup_id: "4097",
      server: "127.0.0.1",
      share: "\\\\127.0.0.1\\share",
      device: "0:45",
    });
  });

  it("show what still runs at the end", async () => {
    const { out } = await shown(await parse(smbvfsslower), [vfsInflightFrame([{}, { started: T0 + 1.995e9 }])]);
    assert.equal(out.length, 3);
    assert.match(out[2] ?? "", /cifs_open \(running\) +2000\.000$/);
  });

  it("are chosen by mount, and by share", async () => {
    const frames = [vfsOpsFrame([rawVfsOp(), rawVfsOp({ device: 99, started: T0 + 5 })])];
    for (const argv of [
      ["--mount", "/mnt/a"],
      ["--share", "share"],
      ["--server", "127.0.0.1"],
    ]) {
      const { out } = await shown(await parse(smbvfsslower, "1", "-j", ...argv), frames);
      assert.equal(out.length, 2, argv.join(" "));
    }
  });

  it("are of the chosen groups, also when there is more, as in a recording", async () => {
    const shared = { id: 3, function: "filemap_fault", member: "fault", module: "vmlinux", shared: 1 };
    const lookup = rawVfsOp({ callback: 2, started: T0 + 3 });
    const frames = [slow, vfsOpsFrame([lookup, rawVfsOp({ callback: 3, started: T0 + 4 })])];
    const functions = async (...argv: readonly string[]) => {
      const { out } = await shown(await parse(smbvfsslower, "1", "-j", ...argv), frames, [shared]);
      return out.slice(1).map((line) => line.split(",")[4]);
    };
    assert.deepEqual(await functions("--inode"), ["cifs_lookup"]);
    assert.deepEqual(await functions("--file", "--shared"), ["cifs_open", "cifs_flush", "filemap_fault"]);
    assert.deepEqual(await functions(), ["cifs_open", "cifs_flush", "cifs_lookup"]);
  });

  it("the summary counts by function and has every loss", async () => {
    const lost = lostFrame([{ kind: 16, detail: 0, count: 3 }]);
    const { summary } = await shown(await parse(smbvfsslower, "1"), [slow, lost]);
    assert.match(summary[0] ?? "", /^2 operations in .*, 1 failed$/);
    assert.match(summary.join("\n"), /cifs_flush +1 +1 +4\.999/);
    assert.equal(summary.at(-1), "Lost: 3 depth");
  });

  it("which callbacks are missing is said with -v, else how many", async () => {
    const more = [{ id: 3, rung: 0, function: "cifs_gone", member: "flock", why: "not in kallsyms" }];
    const short = await shown(await parse(smbvfsslower), [], more);
    assert.deepEqual(short.err, ["3 of 4 callbacks attached: -v says which not, and why"]);
    const long = await shown(await parse(smbvfsslower, "-v"), [], more);
    assert.deepEqual(long.err, [
      "3 of 4 callbacks attached",
      "cifs_gone (cifs_file_ops.flock): not attached: not in kallsyms",
    ]);
  });
});

describe("smbvfsiosnoop", () => {
  it("asks for every call; with --errors for those alone", async () => {
    const asked = await parse(smbvfsiosnoop, "-f", "-s");
    assert.deepEqual(asked.plan.args, ["--types", "file,super"]);
    assert.equal(settings(asked).vfs.slowNs[0], 0);
    const errors = settings(await parse(smbvfsiosnoop, "--errors"));
    assert.deepEqual([errors.vfs.slowNs[0], errors.vfs.errorTypes], [never, 0b1111]);
  });

  it("prints the known columns", async () => {
    const { out } = await shown(await parse(smbvfsiosnoop), [slow]);
    assert.deepEqual(out, [
      "TASK                 PID     TYPE       FUNCTION                  RETVAL     ARGS",
      "dd                   1234    FILE       cifs_open                 0          inode=131|oplock=_|dname=file",
      "数据 库              1234    FILE       cifs_flush                -13        inode=131|oplock=_|dname=file",
    ]);
    const csv = await shown(await parse(smbvfsiosnoop, "-j"), [slow]);
    assert.equal(csv.out[0], "TASK,PID,TYPE,FUNCTION,RETVAL,ARGS");
    assert.equal(csv.out[1], "dd,1234,FILE,cifs_open,0,inode=131|oplock=_|dname=file");
  });

  it("with -v says the error's name and whole paths", async () => {
    const { out } = await shown(await parse(smbvfsiosnoop, "-v"), [slow]);
    assert.match(out[2] ?? "", /cifs_flush +-13 +EACCES +4\.999 +inode=131\|oplock=_\|dname=\/mnt\/a\/dir\/file$/);
  });

  it("with --errors shows what failed; a permission that must be asked again has not", async () => {
    const permission: CallbackInput = { id: 3, type: 2, function: "cifs_permission", member: "permission" };
    const again = vfsOpsFrame([rawVfsOp({ callback: 3, retval: -10, flags: AodVfsFlag.ERROR, started: T0 + 9 })]);
    const { out } = await shown(await parse(smbvfsiosnoop, "--errors", "-j"), [slow, again], [permission]);
    assert.deepEqual(out.slice(1), ["数据 库,1234,FILE,cifs_flush,-13,inode=131|oplock=_|dname=file"]);
  });

  it("a name cannot break a line or a field", async () => {
    const name = 'a\nb|c,"d\u202e';
    const { out } = await shown(await parse(smbvfsiosnoop, "-j"), [vfsOpsFrame([rawVfsOp({ object: [name] })])]);
    assert.equal(out[1], 'dd,1234,FILE,cifs_open,0,"inode=131|oplock=0|dname=a\\x0ab\\x7cc,""d\\u{202e}"');
  });

  it("what returns nothing has no RETVAL", async () => {
    const evict = { id: 3, type: 4, function: "cifs_evict_inode", member: "evict_inode", returns: AodVfsReturn.VOID };
    const frame = vfsOpsFrame([rawVfsOp({ callback: 3, object: [] })]);
    const { out } = await shown(await parse(smbvfsiosnoop), [frame], [evict]);
    assert.match(out[1] ?? "", /cifs_evict_inode +- +inode=131$/);
  });
});

describe("nfsvfsslower", () => {
  it("-V chooses by the mount's version", async () => {
    const frames = [
      vfsOpsFrame([rawVfsOp({ device: 46 }), rawVfsOp({ device: 47, started: T0 + 1 }), rawVfsOp({ device: 99 })]),
    ];
    for (const [version, devices] of [
      ["4", ["0:46"]],
      ["4.1", ["0:46"]],
      ["4.2", []],
      ["3", ["0:47"]],
    ] as const) {
      const { out } = await shown(await parse(nfsvfsslower, "1", "-V", version, "--json"), frames);
      assert.deepEqual(
        out.map((line) => JSON.parse(line).device),
        devices,
        version,
      );
    }
    await assert.rejects(parse(nfsvfsslower, "-V", "5"), CommanderError);
  });
});
