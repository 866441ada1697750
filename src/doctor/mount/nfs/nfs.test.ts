import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { makeKeytab } from "../../../kerberos/fixture.ts";
import { programNumbers } from "../../../nfs/rpc-words.ts";
import { Xdr, XdrWriter } from "../../../nfs/xdr.ts";
import type { Call, Reply, RpcTransport } from "../../../nfs-client/rpc.ts";
import type { Answer } from "../../answer.ts";
import type { CauseId } from "../../causes.ts";
import { examine } from "../../examine.ts";
import { type Fakes, fakeMachine } from "../../fixture.ts";
import { krb5Conf, krbError, REALM } from "../../kerberos/fixture.ts";
import type { KdcWire } from "../../kerberos/kdc-wire.ts";
import { parseMountOptions } from "../options.ts";
import { parseMountTarget } from "../target.ts";
import type { NfsCase } from "./case.ts";
import { intentOf } from "./intent.ts";
import { nfsMountChecks } from "./nfs.ts";

const words = (...all: readonly number[]): XdrWriter => new XdrWriter().words(...all);
const done = (xdr: XdrWriter): Reply => ({ state: "done", results: new Xdr(xdr.bytes()), tookMs: 1 });
const denied = (why: string): Reply => ({ state: "denied", why, tookMs: 1 });
const silent: Reply = { state: "silent", tookMs: 8000 };

/** Of a realm whose KDC wants a password, as it should. */
const kdc: KdcWire = {
  services: async () => [],
  udp: async () => krbError(25),
  tcp: async () => krbError(25),
};
const gssd = { "proc/77/task/77/stat": `77 (rpc.gssd) S 1 77 77 0 -1 0 ${"0 ".repeat(40)}\n` };
const kerberos = {
  ...gssd,
  "proc/self/mountinfo":
    "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n23 22 0:30 / /run/rpc_pipefs rw - rpc_pipefs sunrpc rw\n",
  "etc/krb5.conf": krb5Conf(),
  "etc/krb5.keytab": makeKeytab([`nfs/client.lab.test@${REALM}`]),
};

/** A server, and what is wrong with it. */
interface Server {
  readonly versions?: readonly string[];
  /** Ports that something listens on. */
  readonly ports?: readonly number[];
  readonly exports?: readonly (readonly [path: string, client: string])[];
  /** What LOOKUP of anything ends with; 0: it is there. */
  readonly lookup?: number;
  /** Of MNT. */
  readonly mnt?: number;
  /** Flavours of MNT, and of SECINFO where they are not Kerberos. */
  readonly flavors?: readonly number[];
  readonly stalled?: true;
}

const healthy = { versions: ["3", "4.0", "4.1", "4.2"], ports: [111, 2049, 20048], lookup: 0, mnt: 0 } as const;

function transport(given: Server): RpcTransport {
  const server = { ...healthy, exports: [["/srv", "10.0.0.0/8"]] as const, flavors: [1], ...given };
  const { rpcbind, mount, nfs } = programNumbers;
  const answer = ({ program, version, procedure, args = Buffer.alloc(0) }: Call): Reply => {
    if (server.stalled === true) return silent;
    if (program === rpcbind) {
      const list = words(1, mount, 3).opaque("tcp").opaque("0.0.0.0.78.80").opaque("0");
      return done(list.words(1, nfs, 3).opaque("tcp").opaque("0.0.0.0.8.1").opaque("0").words(0));
    }
    if (program === mount && procedure === 5) {
      const list = words();
      for (const [path, client] of server.exports) list.words(1).opaque(path).words(1).opaque(client).words(0);
      return done(list.words(0));
    }
    if (program === mount && procedure === 1)
      return done(
        server.mnt !== 0
          ? words(server.mnt)
          : words(0)
              .opaque("handle")
              .words(server.flavors.length, ...server.flavors),
      );
    if (program === mount) return done(words());
    const speaks = server.versions.some((one) => one.startsWith(String(version)));
    if (!speaks) return denied("PROG_MISMATCH");
    if (procedure === 0 || version === 3) return done(words(0));
    return compound(new Xdr(args), server);
  };
  return { call: async (call) => answer(call), close: () => {} };
}

function compound(
  xdr: Xdr,
  { versions, lookup, flavors }: Required<Pick<Server, "versions" | "lookup" | "flavors">>,
): Reply {
  xdr.opaque(0);
  const [minor, count = 0] = [xdr.word(), xdr.word()];
  if (!versions.includes(`4.${minor}`)) return done(words(10021, 0, 0));
  if (minor !== 0) return done(words(10071, 0, 1, 24, 10071));
  if (count === 1) return done(words(0, 0, 1, 24, 0));
  if (xdr.word() === 24 && xdr.word() === 33) return done(words(0, 0, 2, 24, 0, 33, 0, flavors.length, ...flavors));
  return lookup === 0 ? done(words(0, 0, 3, 24, 0, 15, 0, 3, 0)) : done(words(lookup, 0, 2, 24, 0, 15, lookup));
}

interface Given extends Fakes {
  readonly isRoot?: boolean;
  readonly mountedFrom?: string;
  readonly files?: Readonly<Record<string, string | Buffer>>;
}

async function asked(t: TestContext, server: Server, options = "", fakes: Given = {}): Promise<Answer> {
  const ports = server.ports ?? healthy.ports;
  const machine = fakeMachine(t, {
    programs: {
      "mount.nfs": "mount.nfs: (linux nfs-utils 2.6.2)\n",
      ip: '[{"dst":"10.0.0.7","dev":"eth0","prefsrc":"10.0.0.1"}]',
      ...fakes.programs,
    },
    network: {
      addresses: async () => ["10.0.0.7"],
      dns: async () => ["10.0.0.7"],
      connect: async (_, port) =>
        ports.includes(port)
          ? { state: "open", socket: new Socket(), tookMs: 1 }
          : { state: "failed", code: "ECONNREFUSED", tookMs: 1 },
      ...fakes.network,
    },
  });
  machine.write("etc/resolv.conf", "nameserver 10.0.0.2\n");
  for (const [path, content] of Object.entries(fakes.files ?? {})) machine.write(path, content);
  mkdirSync(join(machine.fsRoot, "run"), { recursive: true });
  const parsed = parseMountTarget("nas:/srv");
  assert.ok(parsed.protocol === "nfs");
  const target = { ...parsed, ...(fakes.mountedFrom && { mountedFrom: fakes.mountedFrom }) };
  const request = { options: parseMountOptions(options), attempt: options.includes("retry") };
  const of: NfsCase = {
    target,
    request,
    machine,
    intent: intentOf(request.options),
    isRoot: fakes.isRoot ?? true,
    as: { machine: "client", uid: 0, gid: 0 },
    open: async (_, port) => (ports.includes(port) ? transport(server) : undefined),
    addresses: [],
    kdcWire: kdc,
  };
  return examine({ subject: "", case: of, checks: nfsMountChecks, wellSaid: "well", limitMs: 60_000 });
}

describe("the cause of a mount of NFS that fails", () => {
  const v3 = "vers=3,nolock";
  const cases: readonly (readonly [what: string, server: Server, options: string, cause: CauseId])[] = [
    ["nothing is wrong", {}, "", "ok"],
    ["nothing is wrong with version 3", {}, v3, "ok"],
    ["nothing listens", { ports: [111] }, "", "server.down"],
    ["rpcbind is down, and NFSv3 asks it", { ports: [2049, 20048] }, v3, "server.down"],
    ["rpcbind is down, and NFSv4 does not care", { ports: [2049] }, "vers=4.2", "ok"],
    [
      "both ports are given, and rpcbind is not asked",
      { ports: [2049, 20048] },
      `${v3},port=2049,mountport=20048`,
      "ok",
    ],
    ["mountd's port is closed", { ports: [111, 2049] }, v3, "network.port-blocked"],
    ["the server answers nothing", { stalled: true }, "", "nfs.server-not-responding"],
    ["no version 3", { versions: ["4.0", "4.1"] }, v3, "mount.version-mismatch"],
    ["no version 4", { versions: ["3"] }, "vers=4", "mount.version-mismatch"],
    ["no version 4.2", { versions: ["3", "4.0", "4.1"] }, "vers=4.2", "mount.version-mismatch"],
    ["no version at all", { versions: [] }, "", "mount.version-mismatch"],
    ["refused by mountd", { mnt: 13 }, v3, "mount.export-denied"],
    ["no such directory, by mountd", { mnt: 2 }, v3, "mount.share-not-found"],
    ["a directory that nobody exports", { mnt: 13, exports: [["/other", "*"]] }, v3, "mount.share-not-found"],
    ["exported to others, which NFSv4 hides", { lookup: 2 }, "", "mount.export-denied"],
    ["no such export", { lookup: 2, exports: [["/other", "*"]] }, "", "mount.share-not-found"],
    ["refused by the server", { lookup: 13 }, "", "mount.export-denied"],
    ["the server is in its grace period", { lookup: 10013 }, "", "nfs.grace-period"],
    ["another flavour than that of the export", { flavors: [390003] }, `${v3},sec=sys`, "nfs.gss-failure"],
    ["the same, told by SECINFO", { flavors: [390003] }, "sec=sys", "nfs.gss-failure"],
    ["Kerberos without rpc.gssd", { flavors: [390003] }, "sec=krb5", "nfs.gss-failure"],
    ["an option that nobody knows", {}, "actimo=3", "mount.option-unknown"],
    ["a version that there is none of", {}, "vers=4.7", "mount.option-unknown"],
    ["a flavour that there is none of", {}, "sec=krb", "mount.option-unknown"],
    ["options of mount(8) and of systemd", {}, "rw,noatime,_netdev,x-systemd.automount,nofail,bg", "ok"],
  ];
  for (const [what, server, options, cause] of cases) {
    test(what, async (t) => {
      const answer = await asked(t, server, options);
      assert.equal(answer.verdict.cause, cause, JSON.stringify(answer, null, 1));
      if (cause !== "ok") assert.ok(answer.verdict.advice.length > 0);
    });
  }

  test("a name that leads nowhere", async (t) => {
    const network = {
      addresses: async () => {
        throw Object.assign(new Error("getaddrinfo ENOTFOUND nas"), { code: "ENOTFOUND" });
      },
    };
    assert.equal((await asked(t, {}, "", { network })).verdict.cause, "network.name-resolution");
  });

  test("an option that this kernel's module does not have", async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "aod-module-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const withModule = (words: string): Fakes => {
      writeFileSync(join(folder, "nfs.ko"), words);
      return { programs: { "modinfo -F filename nfs": `${folder}/nfs.ko\n` } };
    };
    const known = await asked(t, {}, "nconnect=4,noacl", withModule("\0nconnect\0acl\0"));
    assert.equal(known.verdict.cause, "ok");
    assert.match(known.steps[0]?.evidence ?? "", /known to mount\.nfs and to this kernel/);
    const old = await asked(t, {}, "nconnect=4", withModule("\0acl\0"));
    assert.equal(old.verdict.cause, "mount.option-unknown");
  });

  test("with sec=krb5 the checks of Kerberos are steps of the same answer", async (t) => {
    const server = { flavors: [390003] };
    const whole = await asked(t, server, "sec=krb5", { files: kerberos });
    const steps = new Map(whole.steps.map(({ name, evidence }) => [name, evidence]));
    assert.match(steps.get("kerberos") ?? "", /root mounts with the machine's own key/);
    assert.match(steps.get("rpc.gssd") ?? "", /krb5\.keytab: the machine is nfs\/client\.lab\.test/);
    assert.match(steps.get("kdc") ?? "", /127\.0\.0\.1/);
    assert.equal(whole.verdict.cause, "ok", JSON.stringify(whole, null, 1));
    for (const [gone, says] of [
      ["proc/77/task/77/stat", /rpc\.gssd does not run/],
      ["etc/krb5.keytab", /no key of this machine/],
    ] as const) {
      const { [gone]: _, ...files } = kerberos;
      const { verdict } = await asked(t, server, "sec=krb5", { files });
      assert.equal(verdict.cause, "nfs.gss-failure", gone);
      assert.match(verdict.summary, says);
    }
  });

  test("Kerberos is looked at where nothing else is left to the mount", async (t) => {
    const looked = async (flavors: readonly number[], options: string): Promise<boolean> =>
      (await asked(t, { flavors }, options, { files: kerberos })).steps.some(({ name }) => name === "kdc");
    assert.equal(await looked([390003], "vers=3,nolock"), true);
    assert.equal(await looked([1, 390003], "vers=3,nolock"), false);
    assert.equal(await looked([1, 390003], "sec=sys:krb5"), false);
    assert.equal(await looked([1, 390004], "sec=krb5i"), true);
  });

  test("an address that the mount keeps, and the name left", async (t) => {
    const moved = await asked(t, {}, "", { mountedFrom: "10.0.0.6" });
    assert.equal(moved.verdict.cause, "client.dns-stale");
    assert.match(moved.verdict.summary, /the mount uses 10\.0\.0\.6, and nas is 10\.0\.0\.7 now/);
    assert.equal((await asked(t, {}, "", { mountedFrom: "10.0.0.7" })).verdict.cause, "ok");
    assert.equal((await asked(t, {}, "", { mountedFrom: "::ffff:10.0.0.7" })).verdict.cause, "ok");
  });

  test("who is not root is told that exports want a reserved port", async (t) => {
    const { verdict } = await asked(t, { lookup: 1 }, "", { isRoot: false });
    assert.deepEqual([verdict.cause, verdict.confidence], ["mount.export-denied", "possible"]);
    assert.match(verdict.advice[0] ?? "", /as root/);
  });
});

describe("--try", () => {
  const tried = async (t: TestContext, unshare: NonNullable<Fakes["programs"]>[string]) => {
    const { steps } = await asked(t, {}, "retry=1", { programs: { unshare } });
    return steps.find(({ name }) => name === "try");
  };

  test("what mount.nfs says is explained", async (t) => {
    const denied = await tried(t, {
      status: "failed",
      code: 32,
      stderr: "mount.nfs: access denied by server while mounting nas:/srv\n",
    });
    assert.equal(denied?.result, "fail");
    assert.match(denied.meaning ?? "", /error 13 \(EACCES\) is mount\.export-denied .*, or mount\.share-not-found/);
  });

  test("it mounts, or is killed", async (t) => {
    assert.match((await tried(t, ""))?.evidence ?? "", /mounted for real/);
    assert.match((await tried(t, { status: "timeout", code: null }))?.evidence ?? "", /was killed/);
  });
});
