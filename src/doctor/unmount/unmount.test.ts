import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { mountAt } from "../../holders/mount-at.ts";
import { parseMountinfo } from "../../system/mountinfo.ts";
import type { Run } from "../../system/process.ts";
import { type FakeHost, fakeHost, share, table } from "./fixture.ts";
import { examineUnmount, type UnmountAnswer } from "./unmount.ts";

const examined = (t: TestContext, host: FakeHost, path = "/mnt/share"): Promise<UnmountAnswer> =>
  examineUnmount(fakeHost(t, host), path, "/");

const said = ({ verdict, holders }: UnmountAnswer) => ({
  cause: verdict.cause,
  confidence: verdict.confidence,
  holders: holders.map(({ kind, effect, pid, path }) => [kind, effect, pid, path]),
});

describe("who holds a mount", () => {
  const cases: readonly [string, FakeHost, readonly unknown[]][] = [
    [
      "a descriptor, by the mount that it was opened through",
      {
        mounts: table,
        processes: {
          100: {
            comm: "dd",
            fds: {
              0: ["/dev/null", 22],
              3: ["/mnt/share/a", 40],
              4: ["socket:[7]", 9],
              5: ["/mnt/share/gone (deleted)", 40],
            },
          },
          // The text alone does not make it a file of the mount.
          101: { comm: "other", fds: { 3: ["/mnt/share/b", 22] } },
        },
      },
      [["file", "refuses", 100, "/mnt/share/a"]],
    ],
    [
      "a working directory, also of a thread, a root directory and a program",
      {
        mounts: table,
        processes: {
          100: { comm: "bash", cwd: "/mnt/share/dir" },
          101: { comm: "go", threads: { 102: "/mnt/share" } },
          103: { comm: "jail", root: "/mnt/share/jail" },
          104: { comm: "tool", exe: "/mnt/share/bin/tool" },
          105: { comm: "sh", cwd: "/mnt/shared" },
        },
      },
      [
        ["cwd", "refuses", 100, "/mnt/share/dir"],
        ["cwd", "refuses", 101, "/mnt/share"],
        ["root", "refuses", 103, "/mnt/share/jail"],
        ["exe", "refuses", 104, "/mnt/share/bin/tool"],
      ],
    ],
    [
      "a mapping whose descriptor is closed",
      {
        mounts: table,
        processes: { 100: { comm: "db", maps: "7f00-7f01 rw-s 00000000 00:28 42          /mnt/share/a b" } },
      },
      [["mapping", "refuses", 100, "/mnt/share/a b"]],
    ],
    [
      "mounts on it, the deepest first",
      {
        mounts: `${table}50 40 0:50 / /mnt/share/t rw - tmpfs t rw\n51 50 0:51 / /mnt/share/t/u rw - tmpfs u rw\n`,
      },
      [
        ["mount", "refuses", undefined, "/mnt/share/t/u"],
        ["mount", "refuses", undefined, "/mnt/share/t"],
      ],
    ],
    [
      "a loop device and swap",
      {
        mounts: `${table}60 22 7:0 / /mnt/image rw - ext4 /dev/loop0 rw\n`,
        files: {
          "sys/block/loop0/loop/backing_file": "/mnt/share/disk image\n",
          "sys/block/loop1/loop/backing_file": "/var/other.img\n",
          "sys/block/sda/size": "1\n",
          "proc/swaps":
            "Filename\tType\tSize\tUsed\tPriority\n/mnt/share/swap\\040file file 1024 0 -2\n/dev/vda2 partition 1 0 -3\n",
        },
      },
      [
        ["loop", "refuses", undefined, "/mnt/share/disk image"],
        ["swap", "refuses", undefined, "/mnt/share/swap file"],
      ],
    ],
    [
      "an export, and file systems that lie on it",
      {
        mounts: `${table}61 22 0:61 / /merged rw - overlay overlay rw,lowerdir=/usr:/mnt/share/low,upperdir=/up\n62 22 0:62 / /plain rw - ecryptfs /mnt/share/enc rw\n`,
        files: {
          "proc/fs/nfsd/exports": "# Version 1.1\n# Path Client(Flags) # IPs\n/mnt/share\t10.0.0.0/8(rw,fsid=3)\n",
        },
        processes: { 100: { comm: "init" } },
      },
      [
        ["export", "refuses", undefined, "/mnt/share"],
        ["layer", "outlives", undefined, "/mnt/share/low"],
        ["layer", "refuses", undefined, "/mnt/share/enc"],
      ],
    ],
  ];
  for (const [name, host, holders] of cases) {
    it(name, async (t) => {
      assert.deepEqual(said(await examined(t, host)), { cause: "mount.busy", confidence: "certain", holders });
    });
  }

  it("nothing", async (t) => {
    const answer = await examined(t, { mounts: table, processes: { 100: { comm: "init" } } });
    assert.deepEqual(said(answer), { cause: "ok", confidence: "certain", holders: [] });
    assert.ok(answer.steps.every(({ result }) => result === "ok" || result === "skip"));
  });

  it("a task that waits for the server has it without a descriptor", async (t) => {
    const answer = await examined(t, {
      mounts: table,
      processes: {
        100: { comm: "ls", state: "D", wchan: "wait_for_response" },
        101: { comm: "cat", state: "S", wchan: "cifs_wait_for_server_reconnect" },
        102: { comm: "dd", state: "D", wchan: "rpc_wait_bit_killable" },
        103: { comm: "kworker", state: "D", wchan: "wait_for_response", kernel: true },
      },
    });
    assert.deepEqual(said(answer), {
      cause: "mount.busy",
      confidence: "likely",
      holders: [
        ["task", "may", 100, undefined],
        ["task", "may", 101, undefined],
      ],
    });
    assert.match(
      answer.verdict.summary,
      /is busy as long as ls \(100\) waits for \/\/srv\/share, in wait_for_response\(\)/,
    );
  });

  it("the cache of fscache, and watches, which hold nothing", async (t) => {
    const answer = await examined(t, {
      mounts: table,
      files: { "etc/cachefilesd.conf": "# where\ndir /mnt/share/fscache\ntag mycache\n" },
      processes: {
        100: { comm: "cachefilesd" },
        101: {
          comm: "systemd",
          fds: {
            5: [
              "anon_inode:inotify",
              "flags:\t02004000\ninotify wd:1 ino:2 sdev:28 mask:fc6 ignored_mask:0 fhandle-bytes:8\n",
            ],
          },
        },
        102: { comm: "other", fds: { 5: ["anon_inode:inotify", "inotify wd:1 ino:2 sdev:fe00001 mask:fc6\n"] } },
      },
    });
    assert.deepEqual(said(answer).holders, [["layer", "refuses", 100, "/mnt/share/fscache"]]);
    const told = answer.steps.find(({ name }) => name === "watches");
    assert.equal(told?.evidence, "watched by systemd (101) by inotify: that keeps nobody from unmounting");
  });

  it("one that stays longer than the client keeps it holds the mount, though no process has it", async (t) => {
    const header =
      "# Version:1\n# Format:\n# <tree id> <ses id> <persistent fid> <flags> <count> <pid> <uid> <filename>\n";
    const answer = await examined(t, {
      mounts: table.replace("closetimeo=1", "closetimeo=0"),
      files: { "proc/fs/cifs/open_files": `${header}0x1 0x2 0x3 0x8000 1 900 0 report.txt\n` },
      processes: { 100: { comm: "init" } },
    });
    assert.deepEqual(said(answer), {
      cause: "mount.busy",
      confidence: "likely",
      holders: [["handle", "may", 900, "report.txt"]],
    });
  });

  it("an NFS mount that the client made by itself goes along", async (t) => {
    const mounts =
      "22 1 254:1 / / rw - ext4 /dev/vda1 rw\n45 22 0:45 / /mnt/nfs rw - nfs4 srv:/ rw\n46 45 0:46 / /mnt/nfs/a rw - nfs4 srv:/a rw\n";
    const answer = await examined(t, { mounts, processes: { 100: { comm: "init" } } }, "/mnt/nfs");
    assert.deepEqual(said(answer), {
      cause: "ok",
      confidence: "likely",
      holders: [["mount", "goes", undefined, "/mnt/nfs/a"]],
    });
  });

  it("a handle that the client keeps goes with the mount", async (t) => {
    const header =
      "# Version:1\n# Format:\n# <tree id> <ses id> <persistent fid> <flags> <count> <pid> <uid> <filename>\n";
    const answer = await examined(t, {
      mounts: table.replace("closetimeo=1", "closetimeo=60"),
      files: { "proc/fs/cifs/open_files": `${header}0x1 0x2 0x3 0x8000 1 900 0 report.txt\n` },
      processes: { 100: { comm: "init" } },
    });
    assert.deepEqual(said(answer), {
      cause: "ok",
      confidence: "likely",
      holders: [["handle", "goes", 900, "report.txt"]],
    });
    assert.match(answer.verdict.summary, /report\.txt .*, for up to 60 s$/);
  });

  it("the verdict names who and what to do, with what umount -l is worth", async (t) => {
    const { verdict } = await examined(t, { mounts: table, processes: { 100: { comm: "bash", cwd: "/mnt/share" } } });
    assert.equal(verdict.summary, "umount /mnt/share is refused (EBUSY): bash (100) works in /mnt/share");
    assert.match(verdict.advice[0] ?? "", /kill 100$/);
    assert.match(verdict.advice[1] ?? "", /^umount -l /);
  });

  it("what a name holds of the terminal does not reach it", async (t) => {
    const { verdict } = await examined(t, {
      mounts: table,
      processes: { 100: { comm: "\x1b[2J", fds: { 3: ["/mnt/share/\x1b[31m", 40] } } },
    });
    assert.ok(!verdict.summary.includes("\x1b"));
  });
});

describe("other mount namespaces", () => {
  const host = (inside: string): FakeHost => ({
    mounts: table,
    namespaces: { 2: inside },
    processes: { 200: { comm: "app", namespace: 2, cwd: "/mnt/share", fds: { 3: ["/mnt/share/x", 80] } } },
  });

  it("a copy that follows the mount keeps it as it would itself", async (t) => {
    const slave =
      "70 69 254:1 / / rw master:1 - ext4 /dev/vda1 rw\n80 70 0:40 / /mnt/share rw master:7 - cifs //srv/share rw\n";
    assert.deepEqual(said(await examined(t, host(slave))), {
      cause: "mount.busy",
      confidence: "certain",
      holders: [
        ["file", "refuses", 200, "/mnt/share/x"],
        ["cwd", "refuses", 200, "/mnt/share"],
      ],
    });
  });

  it("a mount of its own lets the other go, and the share stays", async (t) => {
    const apart = "70 69 254:1 / / rw - ext4 /dev/vda1 rw\n80 70 0:40 / /mnt/share rw - cifs //srv/share rw\n";
    const answer = await examined(t, host(apart));
    assert.deepEqual(said(answer), {
      cause: "mount.busy",
      confidence: "likely",
      holders: [
        ["file", "outlives", 200, "/mnt/share/x"],
        ["cwd", "outlives", 200, "/mnt/share"],
        ["namespace", "outlives", 200, "/mnt/share"],
      ],
    });
    assert.match(answer.verdict.summary, /works, but the share stays/);
    assert.ok(answer.verdict.advice.some((advice) => advice.includes("nsenter -t 200 -m umount /mnt/share")));
  });

  it("a bind mount of the same namespace too", async (t) => {
    const mounts = `${table}41 22 0:40 /dir /srv/dir rw - cifs //srv/share rw\n`;
    const answer = await examined(t, { mounts, processes: { 100: { comm: "a", fds: { 3: ["/srv/dir/x", 41] } } } });
    assert.deepEqual(said(answer).holders, [
      ["file", "outlives", 100, "/srv/dir/x"],
      ["mount", "outlives", undefined, "/srv/dir"],
    ]);
  });
});

describe("mappings", () => {
  it("a process whose memory is locked is told, the others are looked at", async (t) => {
    const nothing = { code: 1, stdout: Buffer.alloc(0), stderr: "", truncated: false, tookMs: 1 } as const;
    const run: Run = async (argv) => ({
      ...nothing,
      status: argv.some((word) => word.endsWith("/101/maps")) ? "timeout" : "failed",
    });
    const answer = await examined(t, {
      mounts: table,
      run,
      processes: { 100: { comm: "a" }, 101: { comm: "hangs" }, 102: { comm: "b" } },
    });
    assert.match(answer.steps.find(({ result }) => result === "warn")?.evidence ?? "", /^the mappings of 101 cannot/);
  });
});

describe("the mount that is asked for", () => {
  const mounts = parseMountinfo(`${table}48 40 0:48 / /mnt/share rw - tmpfs over rw\n`);

  it("is the topmost of its place", () => {
    assert.equal(mountAt("/mnt/share/", mounts, "/", "doctor unmount").id, 48);
    assert.equal(mountAt("share", parseMountinfo(share), "/mnt", "x").id, 40);
  });

  it("has to be one: else the nearest is named", () => {
    assert.throws(
      () => mountAt("/mnt/share/dir", mounts, "/", "doctor unmount"),
      /lies on over, .*: aod doctor unmount \/mnt\/share$/,
    );
    assert.throws(() => mountAt("/x", [], "/", "x"), /cannot be read/);
  });
});
