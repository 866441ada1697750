import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import type { ProbeSurvey } from "../../probe/survey.ts";
import type { Finding } from "../answer.ts";
import type { Check } from "../examine.ts";
import { type FakeMachine, type Fakes, fakeMachine } from "../fixture.ts";
import { addresses } from "./addresses.ts";
import { connections } from "./connections.ts";
import { features } from "./features.ts";
import type { HostCase } from "./host-case.ts";
import { kernelAndModules } from "./kernel.ts";
import { mounts } from "./mounts.ts";
import { probeChecks } from "./probes.ts";
import { programs } from "./programs.ts";

const sample = (path: string): string =>
  readFileSync(join(import.meta.dirname, "../../../test/fixtures/proc", path), "utf8");

interface World extends HostCase {
  readonly machine: FakeMachine;
}

function world(
  t: TestContext,
  fakes: Fakes & { readonly isRoot?: boolean; readonly survey?: Partial<ProbeSurvey> } = {},
): World {
  return {
    machine: fakeMachine(t, fakes),
    isRoot: fakes.isRoot ?? true,
    survey: async ({ name: probe }) => ({ probe, standing: "full", rungs: {}, lacks: [], ...fakes.survey }),
    mounts: [],
    tcp: [],
  };
}

async function found(check: Check<HostCase>, host: HostCase): Promise<readonly Finding[]> {
  const told = await check.run(host, new AbortController().signal);
  return "result" in told ? [told] : told;
}

const lines = (findings: readonly Finding[]): string[] =>
  findings.map(({ result, evidence }) => `${result} ${evidence}`);

const mountinfo = (mount: string): string => `40 1 0:45 / ${mount}\n`;
const nfsMount = mountinfo("/mnt/nfs rw - nfs4 nas.example:/srv rw,vers=4.2,hard,proto=tcp,sec=sys,addr=10.0.0.7");
const smbMount = mountinfo("/mnt/share rw - cifs //files/share rw,vers=3.1.1,sec=ntlmssp,addr=10.0.0.8");
const tcpHead = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
/** 10.0.0.7:2049 */
const tcpRow = (state: string, timer = "00", retransmits = "00000000", queue = "00000000"): string =>
  `${tcpHead}   0: 0100000A:03E8 0700000A:0801 ${state} ${queue}:00000000 ${timer}:00000000 ${retransmits}        0        0 0 1 0\n`;

test("the kernel's release and the modules with their versions: loaded, built in, to be loaded, not there", async (t) => {
  const host = world(t, {
    programs: {
      "modinfo -F filename nfsv4": "/lib/modules/6.12.1-amd64/kernel/fs/nfs/nfsv4.ko\n",
      "modinfo -F version nfsv4": "\n",
      "modinfo -F filename nfsv3": { status: "failed", code: 1 },
    },
  });
  host.machine.write("proc/sys/kernel/osrelease", "6.12.1-amd64\n");
  host.machine.write("etc/os-release", 'NAME=x\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n');
  host.machine.write("sys/module/cifs/initstate", "live\n");
  host.machine.write("sys/module/cifs/version", "2.51\n");
  host.machine.write("sys/module/sunrpc/initstate", "live\n");
  host.machine.write("sys/module/nfs/parameters/nfs4_unique_id", "\n");
  const [first = "", ...rest] = lines(await found(kernelAndModules, host));
  assert.match(first, /^ok Linux 6\.12\.1-amd64, Debian GNU\/Linux 12 \(bookworm\), aod \d/);
  assert.deepEqual(rest, [
    "ok cifs 2.51 is loaded",
    "ok nfs is built into the kernel",
    "warn nfsv3 is not there: neither loaded, nor among the modules of this kernel",
    "ok nfsv4 is not loaded; the first mount loads it",
    "ok sunrpc is loaded",
  ]);
});

test("a kernel without either client mounts nothing", async (t) => {
  const told = await found(kernelAndModules, world(t, { programs: { modinfo: { status: "failed", code: 1 } } }));
  assert.deepEqual(
    told.map(({ result }) => result),
    ["ok", "warn", "warn", "fail"],
  );
});

test("the programs of mounts with their versions; what is missing says what does not work without it", async (t) => {
  const host = world(t, {
    programs: {
      "mount.cifs": "mount.cifs version: 7.0\n",
      "mount.nfs": "mount.nfs: (linux nfs-utils 2.6.2)\n",
      keyctl: "keyctl from keyutils-1.6.3 (Built 2022-12-18)\n",
      "request-key": "request-key from keyutils-1.6.3 (Built 2022-12-18)\n",
    },
  });
  const told = await found(programs, host);
  assert.deepEqual(lines(told), [
    "ok mount.cifs 7.0",
    "warn cifs.upcall is not installed",
    "ok mount.nfs 2.6.2",
    "ok keyctl 1.6.3",
    "ok request-key 1.6.3",
  ]);
  assert.equal(told[1]?.fix, "install cifs-utils");
});

describe("features", () => {
  for (const kernel of ["6.1", "6.12"]) {
    test(`the client of ${kernel} tells its own`, async (t) => {
      const host = world(t);
      host.machine.write("proc/fs/cifs/DebugData", sample(`${kernel}/DebugData`));
      host.machine.write("proc/filesystems", "nodev\tsysfs\n\text4\nnodev\tcifs\nnodev\tsmb3\nnodev\tnfs4\n");
      const [smb = "", types] = lines(await found(features, host));
      assert.match(smb, /^ok SMB: DFS,.*UPCALL\(SPNEGO\)/);
      assert.equal(types, "ok file systems of servers that the kernel knows now: cifs, smb3, nfs4");
    });
  }

  test("BTF, tracefs, debugfs; a lockdown is in the way of probes", async (t) => {
    const host = world(t);
    for (const name of ["vmlinux", "cifs"]) host.machine.write(`sys/kernel/btf/${name}`, "");
    host.machine.write("sys/kernel/security/lockdown", "none integrity [confidentiality]\n");
    host.machine.write("proc/self/mounts", "tracefs /sys/kernel/tracing tracefs rw 0 0\n");
    const told = lines(await found(features, host));
    assert.equal(told[0], "skip SMB: told by the client itself, which is not loaded");
    assert.equal(told[2], "ok BTF of the kernel, of cifs, tracefs is mounted, debugfs is not mounted");
    assert.equal(told[3], "warn kernel lockdown: confidentiality");
  });
});

test("mounts of servers alone, with what says how they are mounted", async (t) => {
  const host = world(t);
  host.machine.write("proc/self/mountinfo", `${mountinfo("/ rw - ext4 /dev/vda rw")}${smbMount}${nfsMount}`);
  assert.deepEqual(lines(await found(mounts, host)), [
    "ok //files/share on /mnt/share, cifs, vers=3.1.1 sec=ntlmssp addr=10.0.0.8",
    "ok nas.example:/srv on /mnt/nfs, nfs4, vers=4.2 sec=sys proto=tcp addr=10.0.0.7 hard",
  ]);
});

describe("connections", () => {
  const connected = async (t: TestContext, row: string): Promise<readonly Finding[]> => {
    const host = world(t);
    host.machine.write("proc/self/mountinfo", nfsMount);
    await found(mounts, host);
    host.machine.write("proc/net/tcp", row);
    return found(connections, host);
  };

  test("with their state", async (t) => {
    assert.deepEqual(lines(await connected(t, tcpRow("01"))), ["ok 10.0.0.1:1000 to 10.0.0.7:2049 ESTABLISHED"]);
  });

  for (const [what, row, meaning] of [
    ["an attempt that nobody answers", tcpRow("02", "01", "00000002"), /filtered/],
    ["data that nobody acknowledges", tcpRow("01", "01", "00000006", "00000100"), /not acknowledged/],
    ["a window that is closed", tcpRow("01", "04"), /window is zero/],
  ] as const) {
    test(what, async (t) => {
      const [finding] = await connected(t, row);
      assert.equal(finding?.result, "warn");
      assert.match(finding?.meaning ?? "", meaning);
    });
  }

  test("a mount without one", async (t) => {
    assert.deepEqual(lines(await connected(t, tcpHead)), [
      "warn no connection to 10.0.0.7 port 2049, which is mounted",
    ]);
  });
});

describe("addresses", () => {
  const asked = async (t: TestContext, now: readonly string[] | Error, row: string): Promise<readonly Finding[]> => {
    const host = world(t, {
      network: {
        addresses: async (name) => {
          assert.equal(name, "nas.example");
          if (now instanceof Error) throw now;
          return now;
        },
      },
    });
    host.machine.write("proc/self/mountinfo", nfsMount);
    host.machine.write("proc/net/tcp", row);
    await found(mounts, host);
    await found(connections, host);
    return found(addresses, host);
  };

  test("as mounted", async (t) => {
    const told = await asked(t, ["10.0.0.9", "::ffff:10.0.0.7"], tcpRow("01"));
    assert.deepEqual(lines(told), ["ok nas.example is 10.0.0.7, as mounted"]);
  });

  test("the server has moved, and nothing is connected to where it was", async (t) => {
    const [finding] = await asked(t, ["10.0.0.9"], tcpRow("02"));
    assert.deepEqual([finding?.verdict?.cause, finding?.verdict?.confidence], ["client.dns-stale", "likely"]);
    assert.match(finding?.evidence ?? "", /\/mnt\/nfs is mounted from 10\.0\.0\.7; nas\.example is 10\.0\.0\.9 now/);
  });

  test("several addresses in turn are a possibility while the connection stands", async (t) => {
    const [finding] = await asked(t, ["10.0.0.9"], tcpRow("01"));
    assert.deepEqual([finding?.verdict?.cause, finding?.verdict?.confidence], ["client.dns-stale", "possible"]);
  });

  test("a name that is gone is no verdict about what is mounted", async (t) => {
    const [finding] = await asked(t, new Error("getaddrinfo ENOTFOUND nas.example"), tcpRow("01"));
    assert.deepEqual([finding?.result, finding?.verdict], ["warn", undefined]);
  });

  test("what is mounted by address asks nobody", async (t) => {
    const host = world(t);
    host.machine.write("proc/self/mountinfo", nfsMount.replace("nas.example", "10.0.0.7"));
    await found(mounts, host);
    assert.deepEqual(lines(await found(addresses, host)), ["skip mounted by address"]);
  });
});

describe("probes", () => {
  const all = async (host: World): Promise<string[]> =>
    lines((await Promise.all(probeChecks.map((check) => found(check, host)))).flat());

  test("are not tried without root, nor without their module", async (t) => {
    assert.equal(
      (await all(world(t, { isRoot: false })))[0],
      "skip smb_wire (smbslower, smbiosnoop): only root may attach it",
    );
    const host = world(t);
    host.machine.write("sys/module/nfs/initstate", "live\n");
    const told = await all(host);
    assert.match(told[0] ?? "", /^skip smb_wire \(smbslower, smbiosnoop\): the module cifs is not loaded/);
    assert.ok(told.includes("ok nfs_vfs (nfsvfsslower): everything is seen"));
  });

  test("say what they lack, or why they do not attach", async (t) => {
    const tried = async (survey: Partial<ProbeSurvey>): Promise<string> => {
      const host = world(t, { survey });
      host.machine.write("sys/module/cifs/initstate", "live\n");
      return (await all(host))[0] ?? "";
    };
    assert.match(
      await tried({ standing: "degraded", as: "smb_trace", lacks: ["phases"] }),
      /smb_wire as smb_trace.*works, without\n {2}phases/,
    );
    assert.match(await tried({ standing: "failed", why: "EPERM" }), /^warn smb_wire .*does not attach: EPERM/);
    assert.match(
      await tried({ standing: "unsupported", why: "no BTF" }),
      /^warn smb_wire .*not on this kernel: no BTF/,
    );
  });
});
