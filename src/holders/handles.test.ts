import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fakeHost } from "../doctor/unmount/fixture.ts";
import { listOpenFiles } from "../smb/open-files.ts";
import { parseMountinfo } from "../system/mountinfo.ts";
import { closeTimeOf, joinHandles, mayBeKept } from "./handles.ts";
import { joinList } from "./look.ts";
import { type Descriptor, nothingLookedAt, type Process } from "./processes.ts";

const mounts = parseMountinfo(
  "40 22 0:40 / /mnt/share rw - cifs //nas/share rw,closetimeo=3\n41 22 0:41 / /mnt/other rw - cifs //nas/other rw,closetimeo=1\n",
);

const process = (pid: number): Process => ({ pid, comm: `p${pid}`, kernel: false, ppid: 1 });
const open = (pid: number, fd: number, path: string, flags = 0o100_000, mount = 40): Descriptor => ({
  process: process(pid),
  fd,
  path,
  flags,
  mount,
});

/** Rows of 6.12: pid, flags, name. */
const files = (...rows: readonly (readonly [id: number, pid: number, flags: number, name: string])[]) =>
  listOpenFiles(
    [
      "# Version:1",
      "# Format:",
      "# <tree id> <ses id> <persistent fid> <flags> <count> <pid> <uid> <filename>",
      ...rows.map(
        ([id, pid, flags, name]) => `0x1 0x2 0x${id.toString(16)} 0x${flags.toString(16)} 1 ${pid} 0 ${name}`,
      ),
    ].join("\n"),
  ).files;

const joined = (
  handles: ReturnType<typeof files>,
  descriptors: readonly Descriptor[],
  others: Parameters<typeof joinHandles>[3]["others"] = [],
) => {
  const { handles: of, local } = joinHandles(handles, () => "\\\\nas\\share", mounts, { descriptors, others });
  return {
    whose: of.map(({ handle, holders }) => [
      Number(handle.fileId),
      ...holders.map(({ process, fd, kind }) => `${process?.pid ?? kind}:${fd ?? kind}`),
    ]),
    local: local.map(({ fd }) => fd),
  };
};

describe("handles and descriptors", () => {
  it("are joined by share, name, access and process", () => {
    const handles = files([1, 10, 0x8000, "a"], [2, 11, 0x8000, "a"], [3, 10, 0x8002, "a"]);
    assert.deepEqual(
      joined(handles, [
        open(11, 3, "/mnt/share/a"),
        open(10, 4, "/mnt/share/d/a"),
        open(10, 5, "/mnt/share/a", 0o100_002),
      ]).whose,
      [
        [1, "10:4"],
        [2, "11:3"],
        [3, "10:5"],
      ],
    );
  });

  it("of another process where the opener's is gone: a child, or the next who opened what the client kept", () => {
    assert.deepEqual(joined(files([1, 10, 0x8000, "a"]), [open(77, 3, "/mnt/share/a (deleted)")]).whose, [[1, "77:3"]]);
  });

  it("copies share a handle, and one that nobody has stays without a holder", () => {
    const handles = files([1, 10, 0x8000, "a"], [2, 12, 0x8000, "b"]);
    assert.deepEqual(
      joined(handles, [open(10, 3, "/mnt/share/a"), open(10, 4, "/mnt/share/a"), open(13, 3, "/mnt/share/a")]).whose,
      [[1, "10:3", "10:4", "13:3"], [2]],
    );
  });

  it("a file of the same name on another share is another", () => {
    assert.deepEqual(joined(files([1, 10, 0x8000, "a"]), [open(10, 3, "/mnt/other/a", 0, 41)]), {
      whose: [[1]],
      local: [3],
    });
  });

  it("directories and O_PATH have no handle", () => {
    const directory = open(10, 3, "/mnt/share/a", globalThis.process.arch === "arm64" ? 0o40_000 : 0o200_000);
    assert.deepEqual(joined(files([1, 10, 0x8000, "a"]), [directory, open(10, 4, "/mnt/share/a", 0o10_000_000)]), {
      whose: [[1]],
      local: [3, 4],
    });
  });

  it("mappings, programs and loop devices hold one without a descriptor", () => {
    const handles = files([1, 10, 0x8000, "lib"], [2, 0, 0x8002, "image"]);
    assert.deepEqual(
      joined(
        handles,
        [],
        [
          { kind: "mapping", path: "/mnt/share/lib", process: process(10), mount: 40 },
          { kind: "loop", path: "/mnt/share/image", device: "/dev/loop0", mount: 40 },
        ],
      ).whose,
      [
        [1, "10:mapping"],
        [2, "loop:loop"],
      ],
    );
  });

  it("closetimeo and the lease say whether the client may keep one", () => {
    assert.equal(closeTimeOf(mounts), 3);
    assert.equal(closeTimeOf([]), undefined);
    const [file] = files([1, 10, 0, "a"]);
    assert.ok(file);
    assert.equal(mayBeKept(file), true);
    assert.equal(mayBeKept({ ...file, lease: "RHW" }), true);
    assert.equal(mayBeKept({ ...file, lease: "R" }), false);
    assert.equal(mayBeKept({ ...file, lease: "NONE" }), false);
  });

  it("what is opened while processes are looked at has its own handle, or none is told", (t) => {
    const host = fakeHost(t, { mounts: "40 22 0:40 / /mnt/share rw - cifs //nas/share rw\n" });
    const looked = nothingLookedAt();
    looked.namespaces.set("1", { id: "1", pid: 1, comm: "init", mounts });
    looked.descriptors.push(open(10, 3, "/mnt/share/a"), open(10, 4, "/mnt/share/a"));
    const before = { files: files([1, 10, 0x8000, "a"]), unknown: [] };
    const later = { files: files([3, 12, 0x8000, "b"], [2, 10, 0x8000, "a"], [1, 10, 0x8000, "a"]), unknown: [] };
    const { handles } = joinList(before, later, host, looked, []);
    assert.deepEqual(
      handles.map(({ handle, holders }) => [Number(handle.fileId), holders.map(({ fd }) => fd)]),
      [
        [1, [3]],
        [2, [4]],
      ],
    );
  });
});
