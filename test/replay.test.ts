// Every tracing tool on real recordings, against what it printed when the golden files were read. AOD_GOLDEN=write writes them anew: read the difference.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";

const root = join(import.meta.dirname, "..");
const recordings = join(root, "test/fixtures/recordings");

/** [recording, name of the golden file, command line] */
const cases: readonly (readonly [recording: string, golden: string, argv: readonly string[]])[] = [
  ["6.12-smb_wire", "smbslower", ["smbslower", "0"]],
  ["6.12-smb_wire", "smbslower-v", ["smbslower", "20", "-v", "-x", "echo"]],
  ["6.12-smb_wire", "smbslower-json", ["smbslower", "1000", "--json"]],
  ["6.12-smb_wire", "smbslower-csv", ["smbslower", "0", "--csv", "--comm", "cat", "-n", "5"]],
  ["6.12-smb_wire", "smbslower-stop", ["smbslower", "--share", "share", "--stop-on", "slow>=2s"]],
  ["6.12-smb_wire", "smbslower-mount", ["smbslower", "100", "--mount", "/mnt/share"]],
  ["6.12-smb_wire", "smbiosnoop", ["smbiosnoop"]],
  ["6.12-smb_wire", "smbiosnoop-errors", ["smbiosnoop", "--errors", "--json", "-n", "3"]],
  ["6.12-smb_wire", "replay", ["replay"]],
  ["6.12-smb_wire", "show", ["record", "show"]],
  ["6.12-smb_vfs", "smbvfsslower-v", ["smbvfsslower", "100", "-v"]],
  ["6.12-smb_vfs", "smbvfsslower-json", ["smbvfsslower", "0", "--json", "--inode", "-n", "5"]],
  ["6.12-smb_vfs", "smbvfsiosnoop", ["smbvfsiosnoop", "--file", "-n", "30"]],
  ["6.12-smb_vfs", "smbvfsiosnoop-v", ["smbvfsiosnoop", "-v", "--inode", "-n", "30"]],
  ["6.12-smb_params", "smbiosnoop", ["smbiosnoop", "--comm", "cat"]],
  ["6.12-smb_params", "smbiosnoop-json", ["smbiosnoop", "--json", "-c", "set_info,query_directory"]],
  ["6.12-smb_params", "smbslower", ["smbslower", "100"]],
  ["6.12-smb_tree", "smbvfsslower", ["smbvfsslower", "20", "--file", "--tree"]],
  ["6.12-smb_tree", "smbvfsslower-json", ["smbvfsslower", "100", "--tree", "--json"]],
  ["6.12-nfs_rpc", "nfsslower", ["nfsslower", "0"]],
  ["6.12-nfs_rpc", "nfsslower-v", ["nfsslower", "100", "-v", "-V", "3"]],
  ["6.12-nfs_rpc", "nfsiosnoop", ["nfsiosnoop", "-V", "4"]],
  ["6.12-nfs_rpc", "nfsiosnoop-json", ["nfsiosnoop", "--json", "--errors"]],
  ["6.12-nfs_rpc", "nfsiosnoop-csv", ["nfsiosnoop", "--csv", "--mount", "/mnt/nfs-3", "--comm", "dd"]],
  ["6.12-nfs_rpc", "nfsslower-stop", ["nfsslower", "100", "--stop-on", "status=NFS4ERR_NOENT"]],
  ["6.12-nfs_vfs", "nfsvfsslower", ["nfsvfsslower", "10", "-V", "4.2"]],
  ["6.12-nfs_vfs", "nfsvfsslower-json", ["nfsvfsslower", "100", "--json"]],
];

function run(argv: readonly string[]) {
  return spawnSync(process.execPath, [join(root, "src/cli/main.ts"), ...argv], {
    cwd: recordings,
    encoding: "utf8",
    env: {
      ...process.env,
      TZ: "UTC",
      AOD_INVOKED_AS: "aod",
      AOD_CONFIG: join(root, "test/fixtures/recordings/aod.yaml"),
    },
  });
}

describe("recordings", () => {
  for (const [recording, golden, argv] of cases) {
    it(`${recording}: ${argv.join(" ")}`, () => {
      const { status, stdout, stderr } = run([
        ...argv,
        ...(argv[0] === "record" || argv[0] === "replay" ? [] : ["--replay"]),
        `${recording}.aodrec`,
      ]);
      const text = `${stdout}--- stderr, exit status ${status}\n${stderr}`;
      const path = join(recordings, recording, `${golden}.txt`);
      if (process.env.AOD_GOLDEN === "write") writeFileSync(path, text);
      assert.equal(text, readFileSync(path, "utf8"));
    });
  }

  it("that are none are refused with one line and exit status 2", () => {
    for (const [file, said] of [
      ["package.json", "is no recording of aod: it begins otherwise"],
      ["test", "is no recording: it is no file"],
      ["nothing", "there is no such file"],
    ] as const) {
      for (const argv of [
        ["smbslower", "--replay", join(root, file)],
        ["record", "show", join(root, file)],
        ["record", "salvage", join(root, file), join(root, "never")],
      ]) {
        const { status, stdout, stderr } = run(argv);
        assert.deepEqual([status, stdout], [2, ""], argv.join(" "));
        assert.match(stderr, new RegExp(`^aod: [^\\n]*${said}\\n$`));
      }
    }
  });
});
