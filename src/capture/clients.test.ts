import assert from "node:assert/strict";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { withDir } from "../system/fixture.ts";
import { collectAll, contextOf, programs } from "./fixture.ts";
import { journal } from "./journal.ts";
import { nfsRatesCapture } from "./nfs-rates.ts";
import { nfsState } from "./nfs-state.ts";
import { serverSide } from "./server-side.ts";
import { mountUnit } from "./unit-name.ts";

const mountstats = fileURLToPath(new URL("../../test/fixtures/proc/7.2/mountstats", import.meta.url));

describe("captures of the clients", () => {
  it("take mountstats of process 1, else their own, and the tasks of each RPC client", () =>
    withDir(async (root) => {
      await mkdir(join(root, "self"));
      await cp(mountstats, join(root, "self/mountstats"));
      const client = join(root, "sys/kernel/debug/sunrpc/rpc_clnt/4");
      await mkdir(client, { recursive: true });
      await writeFile(
        join(client, "tasks"),
        " 2115 0881 -11 0x4 0x0 60000 rpc_default_ops nfsv4 READ a:call_status q:xprt_pending\n",
      );
      const own = await collectAll(nfsState.collect(contextOf({ procRoot: root, sysRoot: join(root, "sys") })));
      assert.equal(own.get("mountstats")?.source, join(root, "self/mountstats"));
      assert.match(own.get("rpc-tasks.txt")?.text ?? "", /==> .*\/4\/tasks <==\n 2115 .*q:xprt_pending\n/);
      assert.deepEqual([own.get("nfsstat.txt")?.status, own.get("nfs-servers")?.status], ["absent", "absent"]);
      await mkdir(join(root, "1"));
      await cp(mountstats, join(root, "1/mountstats"));
      const first = await collectAll(nfsState.collect(contextOf({ procRoot: root, sysRoot: root })));
      assert.equal(first.get("mountstats")?.source, join(root, "1/mountstats"));
    }));

  it("count the NFS operations of two seconds", () =>
    withDir(async (root) => {
      await mkdir(join(root, "self"));
      const path = join(root, "self/mountstats");
      const before = await readFile(mountstats, "utf8");
      await writeFile(path, before);
      // The first READ row is that of the version 3 mount: 10 more, 1 of them sent again, 100 ms of round trips, 2 failed.
      const after = before.replace("READ: 2 2 0 216 26256 1 18 22 0", "READ: 12 13 1 1240 1050256 1 118 222 2");
      const capture = nfsRatesCapture(async () => await writeFile(path, after));
      const files = await collectAll(capture.collect(contextOf({ procRoot: root })));
      const lines = (files.get("nfs-rates.ndjson")?.text ?? "")
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line));
      assert.equal(lines.length, 1);
      const { mount, operation, operations, retransmissions, major_timeouts, errors, received_kib, rtt_ms } = lines[0];
      assert.deepEqual(
        [mount, operation, operations, retransmissions, major_timeouts, errors, received_kib, rtt_ms],
        ["/mnt/nfs-3", "READ", 10, 1, 1, 2, 1000, 10],
      );
    }));

  it("say that there is no NFS mount", async () => {
    const wait = (): never => assert.fail("nothing to wait for");
    const files = await collectAll(nfsRatesCapture(wait).collect(contextOf()));
    assert.equal(files.get("nfs-rates.ndjson")?.status, "absent");
  });

  it("ask the journal for the lines that concern network mounts, from before at the opening and since at the close", async () => {
    for (const [phase, since] of [
      ["open", 600],
      ["close", 0],
    ] as const) {
      const run = programs({ journalctl: "2026-11-22T13:05:00+0000 host cifs.upcall[1]: key description\n" });
      const context = contextOf({ run, phase });
      const files = await collectAll(journal.collect(context));
      assert.deepEqual([...files.keys()], ["journal.txt"]);
      const argv = (run.asked[0] ?? "").split(" ");
      const openedMs = context.clock.wallMs() - (context.clock.nowNs() - context.openedNs) / 1e6;
      assert.ok(argv.includes(`--since=@${Math.floor(openedMs / 1000 - since)}`));
      assert.ok(argv.includes("SYSLOG_IDENTIFIER=cifs.upcall"));
      assert.deepEqual(argv.slice(argv.indexOf("+")), ["+", "_PID=1", "UNIT=mnt-c.mount", "UNIT=srv-my\\x20nfs.mount"]);
    }
  });

  it("take the same programs' lines of syslog where there is no journal", async () => {
    const log = [
      "Nov 22 13:05:11 host cifs.upcall[9]: ticket expired",
      "Nov 22 13:05:12 host sshd[9]: Accepted publickey for bob",
      "2026-11-22T13:05:13.123+00:00 host rpc.gssd[7]: ERROR: no credentials",
      "Nov 22 13:05:14 host cron[9]: mount.nfs: not its name",
    ];
    const run = programs({ "tail -n 5000 -- /var/log/messages": `${log.join("\n")}\n` });
    const files = await collectAll(journal.collect(contextOf({ run })));
    assert.equal(files.get("journal.txt")?.status, "absent");
    assert.equal(files.get("syslog.txt")?.text, `${log[0]}\n${log[2]}\n`);
    const nothing = await collectAll(journal.collect(contextOf()));
    assert.equal(nothing.get("syslog.txt")?.status, "absent");
  });

  it("tell the server's support what it needs", async () => {
    const worst = {
      time: "2026-11-22T13:05:11.000000Z",
      command: "SMB2_WRITE",
      status: "STATUS_IO_TIMEOUT",
      mid: "41",
    };
    const context = contextOf({
      run: programs({ "chronyc -n tracking": "System time     : 0.000012 seconds fast of NTP time\n" }),
      worstOps: () => [{ ...worst, latency_us: 30412, session_id: "0x1b80118000065", tree_id: "0x5" }],
      phase: "close",
    });
    const text = (await collectAll(serverSide.collect(context))).get("server-side.txt")?.text ?? "";
    assert.match(text, /^from {2}2026-.*Z .*\nuntil 2026-.*Z {2}it closed$/m);
    assert.match(text, /seconds fast of NTP time/);
    assert.match(text, /127\.0\.0\.1 port \d+ -> 127\.0\.0\.1 port 445 {2}ESTABLISHED/);
    assert.match(text, /session 0x[0-9a-f]+ {2}address 127\.0\.0\.1\n {4}tree 0x[0-9a-f]+ {2}\\\\127\.0\.0\.1\\/);
    assert.match(text, /SMB2_WRITE {2}STATUS_IO_TIMEOUT {2}30412 .*0x1b80118000065 +0x5 +41 /);
  });

  it("say what they do not know for the server's support", async () => {
    const text = (await collectAll(serverSide.collect(contextOf({ procRoot: "/nowhere" })))).get(
      "server-side.txt",
    )?.text;
    assert.match(text ?? "", /offset is not known. chronyc: chronyc is not installed/);
    assert.match(
      text ?? "",
      /none in this network namespace\n[\s\S]*module cifs is not loaded\n[\s\S]*none was seen\n/,
    );
  });

  it("name the unit of a mount point as systemd does", () => {
    assert.deepEqual(["/", "/mnt/share", "/mnt//a-b/", "/srv/my nfs", "/.hidden/x.y"].map(mountUnit), [
      "-.mount",
      "mnt-share.mount",
      "mnt-a\\x2db.mount",
      "srv-my\\x20nfs.mount",
      "\\x2ehidden-x.y.mount",
    ]);
  });
});
