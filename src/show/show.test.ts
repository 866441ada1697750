import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import type { SeenRequests } from "../daemon/requests.ts";
import { type Row, type Subject, subjects } from "./row.ts";
import { notesOf, rowsOf } from "./show.ts";
import { readState } from "./state.ts";
import { subjectJson, subjectText } from "./text.ts";

const fixtures = new URL("../../test/fixtures/", import.meta.url).pathname;

/** A tree of its own: files with their text, links with their targets. */
function treeOf(
  t: TestContext,
  files: Readonly<Record<string, string>>,
  links: Readonly<Record<string, string>> = {},
): string {
  const root = mkdtempSync(join(tmpdir(), "aod-test-show-"));
  t.after(() => rmSync(root, { recursive: true }));
  const place = (path: string): string => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    return join(root, path);
  };
  for (const [path, text] of Object.entries(files)) {
    if (text.startsWith("fixture:")) cpSync(join(fixtures, text.slice(8)), place(path));
    else writeFileSync(place(path), text);
  }
  for (const [path, target] of Object.entries(links)) symlinkSync(target, place(path));
  return root;
}

const shown = (root: string, subject: Subject, seen?: SeenRequests): readonly Row[] =>
  rowsOf(subject, readState({ root }, seen));
const problems = (rows: readonly Row[]): string => rows.flatMap(({ problems }) => problems).join("\n");

const cifs = (name: string): Record<string, string> => ({
  "proc/fs/cifs/DebugData": `fixture:proc/${name}`,
  "proc/self/mountinfo":
    "40 1 0:40 / /mnt/c rw - cifs //127.0.0.1/share rw,vers=3.1.1,username=anna,domain=CORP,addr=127.0.0.1,max_channels=4\n41 1 0:41 / /mnt/e rw - cifs //127.0.0.1/enc rw,seal,addr=127.0.0.1\n",
});

describe("aod show, of captured trees", () => {
  for (const kernel of ["6.1", "6.12"]) {
    it(`${kernel}: every subject of a healthy client, as text and JSON`, () => {
      const state = readState({ root: join(fixtures, "evidence", kernel) }, undefined);
      for (const subject of subjects) {
        const rows = rowsOf(subject, state);
        const text = subjectText(subject, rows, notesOf(subject, state));
        assert.ok(text.startsWith(subject) || text.includes(subject));
        for (const line of subjectJson(subject, rows, notesOf(subject, state)).trimEnd().split("\n")) {
          assert.equal((JSON.parse(line) as { subject: string }).subject, subject);
        }
      }
      assert.equal(rowsOf("servers", state)[0]?.json.state, "good");
      assert.doesNotMatch(notesOf("servers", state).join("\n"), /not known/);
    });
  }

  it("a server that is away: connection, sessions and trees are marked", (t) => {
    const root = treeOf(t, cifs("6.12/DebugData_down"));
    assert.match(problems(shown(root, "servers")), /the connection needs reconnect: requests wait/);
    assert.match(problems(shown(root, "sessions")), /its primary channel is disconnected/);
    assert.match(problems(shown(root, "shares")), /disconnected: the tree is connected again with the next request/);
  });

  it("dialect, capabilities, signing and encryption in words, and channels that are missing", (t) => {
    const root = treeOf(t, cifs("6.12/DebugData_reconn"));
    const [server] = shown(root, "servers");
    assert.deepEqual(
      [server?.json.dialect, server?.json.encryption, server?.json.capabilities],
      ["3.1.1", "of 1 of 2 shares", ["DFS", "leasing", "large MTU", "multichannel", "encryption"]],
    );
    assert.deepEqual(
      shown(root, "sessions").map(({ json }) => [json.user, json.channels, json.max_channels]),
      [
        [undefined, 2, 1],
        ["CORP\\anna", 1, 4],
      ],
    );
    assert.match(problems(shown(root, "sessions")), /1 of 4 channels that the mount asks for/);
    assert.match(problems(shown(root, "servers")), /made anew 1 times/);
  });

  it("requests: what the kernel says, and the age that the daemon's probe knows", (t) => {
    const root = treeOf(t, { ...cifs("6.12/hang/DebugData_hung"), "proc/322/comm": "cat\n" });
    const [first] = shown(root, "requests");
    assert.deepEqual(
      [first?.json.command, first?.json.state, first?.json.comm, first?.json.age_ms],
      ["SMB2_CREATE", "submitted", "cat", undefined],
    );
    assert.match(notesOf("requests", readState({ root }, undefined)).join("\n"), /does not tell the age/);
    const op = {
      time: "",
      layer: "wire",
      protocol: "smb",
      command: "SMB2_CREATE",
      latency_us: 9_000_000,
      phases_us: {},
      tid: 322,
      comm: "cat",
      uid: 0,
      connection_id: "0x2",
      session_id: "0x1",
      tree_id: "0x1",
      mid: "36",
      compound: true,
    } as const;
    const seen: SeenRequests = {
      open: 9,
      requests: [op],
      waiters: [{ time: "", layer: "wire", protocol: "smb", waiting: "reconnect", waited_us: 4_000_000, tid: 7 }],
    };
    const rows = shown(root, "requests", seen);
    assert.equal(rows[0]?.json.age_ms, 9000);
    assert.match(problems(rows), /the server has not answered within 9\.0 s\nno request could be made for 4\.0 s/);
  });

  it("files: whose they are, and handles that the server does not know", (t) => {
    const stats = "1) \\\\127.0.0.1\\share\nSMBs: 9\nOpen files: 4 total (local), 1 open on server\n";
    const root = treeOf(t, {
      ...cifs("6.12/DebugData"),
      "proc/fs/cifs/Stats": stats,
      "proc/fs/cifs/open_files": "fixture:proc/6.12/open_files",
      "proc/297/comm": "tail\n",
    });
    const big = shown(root, "files").find(({ json }) => json.pid === 297);
    assert.deepEqual(
      [big?.json.name, big?.json.share, big?.json.comm, big?.json.flags],
      ["big", "\\\\127.0.0.1\\share", "tail", ["O_RDONLY"]],
    );
    assert.match(problems(shown(root, "shares")), /3 of 4 open files are not open on the server/);
  });

  it("caches: directories and DFS referrals", (t) => {
    const root = treeOf(t, {
      ...cifs("6.12/DebugData"),
      "proc/fs/cifs/open_dirs":
        "# Version:1\nNum entries: 1, cached_dirents: 2 entries, 30 bytes\n0x80efadf 0x8c2843d 0x2 - a/b\tvalid file info, valid dirents, dirents: 2 entries, 30 bytes\n",
      "proc/fs/cifs/dfscache":
        "cache entry: path=\\a\\b,type=link,ttl=300,etime=1,hdr_flags=0x2,ref_flags=0x4,interlink=no,path_consumed=4,expired=yes\n  \\fs1\\a (target hint)\n",
      "sys/module/cifs/parameters/enable_oplocks": "N\n",
    });
    const text = subjectText("caches", shown(root, "caches"), []);
    assert.match(text, /directory a\/b: 2 entries, 30 bytes/);
    assert.match(text, /target \\fs1\\a \(in use\)/);
    assert.match(text, /enable_oplocks=N/);
  });

  it("lines that no reader knows are told", (t) => {
    const root = treeOf(t, { "proc/fs/cifs/DebugData": "Servers: \nFrobs: 7\n" });
    assert.match(
      notesOf("servers", readState({ root }, undefined)).join("\n"),
      /1 lines of DebugData are not known here, the first: Frobs: 7/,
    );
  });
});

const nfs = (options: string): Record<string, string> => ({
  "proc/self/mountinfo": `50 1 0:50 / /mnt/n rw - nfs4 files:/data rw,vers=4.1,proto=tcp,sec=sys,${options}\n`,
});
const row = (local: string, remote: string, state: string, inode: number): string =>
  `   0: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0 20 4 30 10 -1\n`;
const head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
const [client, tunnel, outside, far] = ["0100007F:D000", "0100007F:4E51", "0501000A:C000", "0900000A:0801"];

describe("NFS behind something else", () => {
  it("stunnel on loopback: the true server is where its process is connected to", (t) => {
    const tcp =
      head +
      row(tunnel, "00000000:0000", "0A", 501) +
      row(client, tunnel, "01", 500) +
      row(tunnel, client, "01", 502) +
      row(outside, far, "01", 503);
    const root = treeOf(
      t,
      { ...nfs("addr=127.0.0.1,port=20049"), "proc/net/tcp": tcp, "proc/77/comm": "stunnel4\n" },
      { "proc/77/fd/5": "socket:[501]", "proc/77/fd/6": "socket:[502]", "proc/77/fd/7": "socket:[503]" },
    );
    const [server] = shown(root, "servers");
    assert.deepEqual(server?.json.tunnel, {
      local: { address: "127.0.0.1", port: 20_049 },
      listening: true,
      process: { pid: 77, comm: "stunnel4" },
      true_servers: [{ address: "10.0.0.9", port: 2049 }],
    });
    assert.match(server?.lines.join("\n") ?? "", /true server 10\.0\.0\.9:2049/);
    assert.deepEqual(server?.problems, []);
  });

  it("the kernel's own server on this machine is no tunnel", (t) => {
    const local = "0100007F:0801";
    const tcp =
      head + row(local, "00000000:0000", "0A", 501) + row(client, local, "01", 500) + row(local, client, "01", 502);
    const [server] = shown(
      treeOf(t, { ...nfs("addr=127.0.0.1"), "proc/net/tcp": tcp, "proc/7/comm": "init\n" }),
      "servers",
    );
    assert.equal(server?.json.tunnel, undefined);
    assert.match(server?.title ?? "", / connected$/);
    assert.deepEqual(server?.problems, []);
  });

  it("stunnel that does not run: its configuration tells the true server", (t) => {
    const root = treeOf(t, {
      ...nfs("addr=127.0.0.1,port=20049"),
      "proc/net/tcp": head,
      "etc/stunnel/nfs/files.conf":
        "client = yes\n[other]\naccept = 127.0.0.1:9\nconnect = no:1\n[files]\naccept = 127.0.0.1:20049\nconnect = files.example:2049\n",
    });
    const [server] = shown(root, "servers");
    assert.match(
      server?.lines.join("\n") ?? "",
      /nobody listens there, true server files\.example:2049 \(configured, not connected\)/,
    );
    assert.match(
      problems(shown(root, "servers")),
      /nobody listens on 127\.0\.0\.1:20049: the tunnel \(stunnel\) does not run/,
    );
  });

  it("xprtsec=tls: the server is the true one, and tlshd runs or not", (t) => {
    const files = { ...nfs("addr=10.0.0.9,xprtsec=tls"), "proc/net/tcp": head };
    assert.match(problems(shown(treeOf(t, files), "servers")), /tlshd does not run/);
    const [server] = shown(treeOf(t, { ...files, "proc/9/comm": "tlshd\n" }), "servers");
    assert.deepEqual(
      [server?.json.tlshd, server?.json.address, server?.problems],
      [{ running: true, pid: 9 }, "10.0.0.9", []],
    );
  });

  it("RPCs that are not over, from debugfs", (t) => {
    const root = treeOf(t, {
      ...nfs("addr=10.0.0.9"),
      "sys/kernel/debug/sunrpc/rpc_clnt/3/tasks":
        "  107 0801      0 0x3 0x9d0c5a17    59840 nfs4_call_ops [nfsv4] nfsv4 READ a:call_status [sunrpc] q:xprt_pending\nnonsense\n",
    });
    const [task] = shown(root, "requests");
    assert.deepEqual(
      [task?.json.command, task?.json.version, task?.json.queue, task?.json.xid],
      ["READ", 4, "xprt_pending", "0x9d0c5a17"],
    );
    assert.match(
      notesOf("requests", readState({ root }, undefined)).join("\n"),
      /1 lines of sunrpc\/tasks are not known/,
    );
  });
});
