import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fakeHost } from "../doctor/unmount/fixture.ts";
import type { JoinedHandle } from "../holders/handles.ts";
import { parseMountinfo } from "../system/mountinfo.ts";
import { Growth } from "./growth.ts";
import { lookOnce, type Shown, type ShownHandle } from "./look.ts";
import { HandleStates } from "./states.ts";
import { openFilesJson, openFilesText } from "./text.ts";

const mounts = parseMountinfo("40 22 0:40 / /mnt/share rw - cifs //nas/share rw,closetimeo=3\n");
const free = (fileId: bigint, lease?: string): JoinedHandle => ({
  handle: { treeId: 1, fileId, pid: 9, uid: 0, name: "a", ...(lease === undefined ? {} : { lease }) },
  share: "\\\\nas\\share",
  mounts,
  holders: [],
});

describe("a handle that nobody has", () => {
  it("is kept for the time of the mount, and leaked after it", () => {
    const states = new HandleStates();
    const at = (seconds: number): string => states.judge(free(1n), seconds * 1e9).state;
    assert.deepEqual([at(0), at(3.9), at(4.1)], ["kept", "kept", "leaked"]);
  });

  it("begins anew when somebody had it meanwhile", () => {
    const states = new HandleStates();
    states.judge(free(1n), 0);
    states.judge({ ...free(1n), holders: [{ kind: "loop", path: "/mnt/share/a" }] }, 2e9);
    assert.equal(states.judge(free(1n), 5e9).state, "kept");
  });

  it("is not kept where its lease does not allow it", () => {
    const states = new HandleStates();
    states.judge(free(1n, "R"), 0);
    assert.equal(states.judge(free(1n, "R"), 1.1e9).state, "leaked");
  });

  it("is forgotten with the handle", () => {
    const states = new HandleStates();
    states.judge(free(1n), 0);
    states.forget([]);
    assert.equal(states.judge(free(1n), 9e9).state, "kept");
  });
});

describe("growth", () => {
  const shown = (count: number): Shown => ({
    handles: Array.from(
      { length: count },
      (_, at): ShownHandle => ({
        ...free(BigInt(at)),
        state: "held",
        holders: [
          {
            kind: "descriptor",
            path: "/mnt/share/a",
            fd: at,
            process: { pid: 7, comm: "app", kernel: false, ppid: 1 },
          },
        ],
      }),
    ),
    local: [],
    nfs: [],
    looked: {
      processes: [],
      namespaces: new Map(),
      links: [],
      descriptors: [],
      watchers: [],
      hidden: 0,
      more: 0,
      cut: false,
    },
    notes: [],
  });

  it("is counted from look to look, and who comes later began with none", () => {
    const growth = new Growth();
    const told = [1, 3, 4, 4].map((count) => growth.take(shown(count))[0]);
    assert.deepEqual(
      told.map((owner) => [owner?.handles, owner?.change, owner?.since_start, owner?.grown]),
      [
        [1, 0, 0, 0],
        [3, 2, 2, 1],
        [4, 1, 3, 2],
        [4, 0, 3, 0],
      ],
    );
    const later = new Growth();
    later.take(shown(0));
    assert.equal(later.take(shown(2))[0]?.change, 2);
  });
});

describe("open-files", () => {
  const rows = [
    "# Version:1\n# Format:\n# <tree id> <ses id> <persistent fid> <flags> <count> <pid> <uid> <filename>",
    "0x5 0x6 0x8 0x8002 1 555 0 old",
    "0x5 0x6 0x7 0x8000 1 100 0 a",
    "",
  ].join("\n");
  const table = [
    "22 1 254:1 / / rw - ext4 /dev/vda1 rw",
    "40 22 0:40 / /mnt/share rw - cifs //nas/share rw,closetimeo=1",
    "45 22 0:45 / /mnt/nfs rw - nfs4 srv:/export rw",
    "",
  ].join("\n");

  it("names owner and descriptor, what nobody has, and NFS by descriptors", async (t) => {
    const host = fakeHost(t, {
      mounts: table,
      files: { "proc/fs/cifs/open_files": rows },
      processes: {
        100: { comm: "app\x1b[m", fds: { 3: ["/mnt/share/a", 40], 4: ["/mnt/nfs/n", 45], 5: ["/etc/x", 22] } },
      },
    });
    const shown = await lookOnce(host, new HandleStates(), { all: false });
    assert.deepEqual(
      shown.handles.map(({ handle, state, holders }) => [handle.name, state, holders.map(({ fd }) => fd)]),
      [
        ["a", "held", [3]],
        ["old", "kept", []],
      ],
    );
    const text = openFilesText(shown, () => undefined);
    assert.match(text, /2 handles on the server, 1 held, 1 kept for the next open/);
    assert.match(text, /opened by 555 \(ended\)/);
    assert.match(text, /srv:\/export on \/mnt\/nfs: 1 descriptor/);
    assert.ok(!text.includes("\x1b[m)"), "names are made printable");
    const lines = openFilesJson(shown, () => undefined)
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { protocol: string; state: string });
    assert.deepEqual(
      lines.map(({ protocol, state }) => [protocol, state]),
      [
        ["smb", "held"],
        ["smb", "kept"],
        ["nfs", "held"],
      ],
    );
    const [mount] = parseMountinfo("45 22 0:45 / /mnt/nfs rw - nfs4 srv:/export rw\n");
    assert.ok(mount);
    const one = await lookOnce(host, new HandleStates(), { all: false, mount });
    assert.deepEqual([one.handles.length, one.nfs.length], [0, 1]);
  });

  it("without the module, or without the right to read, that is said", async (t) => {
    const shown = await lookOnce(fakeHost(t, { mounts: table }), new HandleStates(), { all: false });
    assert.match(
      openFilesText(shown, () => undefined),
      /^no file is open .*\n\n\(the handles .* not listed: open_files/,
    );
  });
});
