import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Answer } from "../../src/doctor/answer.ts";
import type { CauseId } from "../../src/doctor/causes.ts";
import { acceptPort, dropPort } from "../guest/faults.ts";
import type { Lab } from "../guest/lab.ts";
import { exportDirectory, startNfsd } from "../guest/nfs.ts";
import { listens, pidsByComm } from "../guest/proc.ts";
import { seenOn } from "../kernels.ts";
import { defineScenario } from "../scenario.ts";

interface Case {
  readonly name: string;
  readonly target: string;
  readonly options?: string;
  readonly cause: CauseId;
  /** A mount for real too: it goes well, or what mount.nfs says is one of what its error may be. */
  readonly tries?: true;
  /** The kernel of the lab to which it is no fault. */
  readonly knownTo?: string;
  /** The fault, and its end. */
  readonly fault?: readonly [begin: (lab: Lab) => Promise<void>, end: (lab: Lab) => Promise<void>];
}

const server = "127.0.0.1";
const root = `${server}:/`;
const whole = `${server}:${exportDirectory}`;

const exportTo = async (lab: Lab, client: string, options: string): Promise<void> => {
  await lab.run(["exportfs", "-ua"]);
  const all = `rw,sync,no_root_squash,no_subtree_check,fsid=0,${options}`;
  await lab.run(["exportfs", "-i", "-o", all, `${client}:${exportDirectory}`]);
};
/** As other servers are: without `insecure`, so that only a reserved port is served. */
const usual = (lab: Lab): Promise<void> => exportTo(lab, server, "sec=sys");

const nfsd = async (lab: Lab, ...args: readonly string[]): Promise<void> => {
  writeFileSync("/proc/fs/nfsd/threads", "0\n");
  await lab.run(["rpc.nfsd", "--host", server, "--no-udp", ...args, "3"]);
  if (!listens(2049)) throw new Error("nfsd does not listen");
};
const versions = (...without: readonly string[]): NonNullable<Case["fault"]> => [
  (lab) => nfsd(lab, ...without.flatMap((version) => ["-N", version])),
  (lab) => nfsd(lab, "-V", "3", "-V", "4", "-V", "4.0", "-V", "4.1", "-V", "4.2"),
];
const exported = (client: string, options: string): NonNullable<Case["fault"]> => [
  (lab) => exportTo(lab, client, options),
  usual,
];
/** Connections are made, and whatever carries data is dropped: of a server that hangs a client sees the same. */
const dataRule = ["INPUT", "-i", "lo", "-p", "tcp", "--dport", "2049", "--tcp-flags", "PSH", "PSH", "-j", "DROP"];
const frozen: NonNullable<Case["fault"]> = [
  async (lab) => void (await lab.run(["iptables", "-w", "10", "-A", ...dataRule])),
  async (lab) => void (await lab.run(["iptables", "-w", "10", "-D", ...dataRule])),
];
const down: NonNullable<Case["fault"]> = [
  async () => writeFileSync("/proc/fs/nfsd/threads", "0\n"),
  (lab) => nfsd(lab),
];
const filtered: NonNullable<Case["fault"]> = [(lab) => dropPort(lab, 2049), (lab) => acceptPort(lab, 2049)];
/** The last: what was registered with it is not registered again. */
const withoutRpcbind: NonNullable<Case["fault"]> = [
  async (lab) => {
    for (const pid of pidsByComm((comm) => comm === "rpcbind")) process.kill(pid, "SIGKILL");
    await lab.until("rpcbind has ended", 20, () => !listens(111));
  },
  async () => {},
];

const cases: readonly Case[] = [
  { name: "healthy", target: root, cause: "ok", tries: true },
  { name: "healthy-below", target: `${server}:/a/b`, options: "vers=4.1", cause: "ok" },
  { name: "healthy-3", target: whole, options: "vers=3,nolock", cause: "ok", tries: true },
  { name: "name-unknown", target: "no-such-server.invalid:/", cause: "network.name-resolution" },
  { name: "option-unknown", target: root, options: "vers=4.2,actimo=3", cause: "mount.option-unknown", tries: true },
  {
    name: "option-of-another-kernel",
    target: root,
    options: "fatal_neterrors=none",
    cause: "mount.option-unknown",
    knownTo: "7.2",
  },
  { name: "no-export", target: `${server}:/nothing`, options: "vers=4.2", cause: "mount.share-not-found", tries: true },
  { name: "no-export-3", target: `${server}:/nothing`, options: "vers=3,nolock", cause: "mount.share-not-found" },
  { name: "no-kerberos", target: root, options: "vers=4.2,sec=krb5", cause: "nfs.gss-failure" },
  {
    name: "kerberos-wanted",
    target: root,
    options: "vers=4.2,sec=sys",
    cause: "nfs.gss-failure",
    tries: true,
    fault: exported(server, "sec=krb5"),
  },
  {
    name: "export-denied",
    target: root,
    options: "vers=4.2",
    cause: "mount.export-denied",
    tries: true,
    fault: exported("10.9.9.9", "sec=sys"),
  },
  {
    name: "export-denied-3",
    target: whole,
    options: "vers=3,nolock",
    cause: "mount.export-denied",
    tries: true,
    fault: exported("10.9.9.9", "sec=sys"),
  },
  {
    name: "not-3",
    target: whole,
    options: "vers=3,nolock",
    cause: "mount.version-mismatch",
    tries: true,
    fault: versions("3"),
  },
  { name: "not-4", target: root, options: "vers=4.2", cause: "mount.version-mismatch", fault: versions("4") },
  {
    name: "not-4.2",
    target: root,
    options: "vers=4.2",
    cause: "mount.version-mismatch",
    tries: true,
    fault: versions("4.2"),
  },
  { name: "only-4.1-and-4.2", target: `${server}:/a`, cause: "ok", fault: versions("3", "4.0") },
  { name: "refused", target: root, cause: "server.down", tries: true, fault: down },
  { name: "filtered", target: root, cause: "network.port-blocked", fault: filtered },
  { name: "frozen", target: root, cause: "nfs.server-not-responding", fault: frozen },
  { name: "no-rpcbind", target: root, options: "vers=4.2", cause: "ok", fault: withoutRpcbind },
  { name: "no-rpcbind-3", target: whole, options: "vers=3,nolock", cause: "server.down", tries: true },
];

interface Outcome {
  readonly name: string;
  readonly status: number | null;
  readonly answer: Answer;
}

export default defineScenario({
  name: "doctor-nfs",
  summary: "aod doctor mount SERVER:/EXPORT names the cause of each fault of a real server",
  kernels: seenOn("6.1", "6.12", "7.2"),
  alone: "rpcbind is killed, and nothing registers with another",
  timeLimitSeconds: 500,

  async setup(lab) {
    await startNfsd(lab, { threads: 3 });
    mkdirSync(join(exportDirectory, "a/b"), { recursive: true });
    await usual(lab);
  },

  async timeline(lab) {
    const outcomes: Outcome[] = [];
    for (const { name, target, options, fault, tries } of cases) {
      await lab.step(name, async () => {
        await fault?.[0](lab);
        const given = options === undefined ? [] : ["-o", options];
        const args = ["doctor", "mount", target, ...given, ...(tries === true ? ["--try"] : []), "--json"];
        const { status, stdout, stderr } = await lab.aod(args, { timeoutMs: 120_000, anyStatus: true });
        lab.write(`${name}.txt`, stdout + stderr);
        outcomes.push({ name, status, answer: JSON.parse(stdout) });
        await fault?.[1](lab);
      });
    }
    lab.writeJson("outcomes.json", outcomes);
  },

  expect(results) {
    const outcomes = results.json("outcomes.json") as readonly Outcome[];
    assert.deepEqual(
      outcomes.map(({ name, status, answer }) => [name, status, answer.verdict.cause]),
      cases.map(({ name, cause, knownTo }) => [name, 0, knownTo === results.kernel ? "ok" : cause]),
    );
    for (const [index, { name, cause, tries }] of cases.entries()) {
      const step = outcomes[index]?.answer.steps.find((one) => one.name === "try");
      assert.equal(step !== undefined, tries === true, name);
      if (step === undefined) continue;
      assert.equal(step.result, cause === "ok" ? "ok" : "fail", `${name}: ${step.evidence}`);
      if (cause !== "ok") assert.ok(step.meaning?.includes(cause), `${name}: ${step.evidence}: ${step.meaning}`);
    }
  },
});
