import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import type { BundleAnomaly } from "../../src/bundle/manifest.ts";
import type { IncidentJson } from "../../src/daemon/incidents/json.ts";
import type { Status } from "../../src/daemon/status.ts";
import { AodError } from "../../src/system/error.ts";
import { type EndOf, refusals, startBeside } from "../guest/beside.ts";
import { mountCifs } from "../guest/cifs.ts";
import { type RunningDaemon, startDaemon } from "../guest/daemon.ts";
import { acceptPort, clearImpairment, dropPort, impair } from "../guest/faults.ts";
import type { Lab } from "../guest/lab.ts";
import { exportDirectory, mountNfs, startNfsd } from "../guest/nfs.ts";
import { freezeSamba, shareDirectory, startSamba, thawSamba } from "../guest/samba.ts";
import { seenOn } from "../kernels.ts";
import { defineScenario } from "../scenario.ts";

const config = "incidents: {cool_down: 5s, post: 1s}\n";
const lockdown = "/sys/kernel/security/lockdown";
/** All that BPF may be allowed by. */
const withoutBpf = ["setpriv", "--bounding-set=-sys_admin,-bpf,-perfmon"];
/** Neither started nor waiting any more: it has been refused. */
const refused = ({ state }: Status["probes"][number]): boolean => ["unsupported", "retrying", "failed"].includes(state);

type Told = (anomaly: BundleAnomaly) => boolean;

/** What must be told of each fault, by what only that can be. */
const expected: Readonly<Record<string, Readonly<Record<string, Told>>>> = {
  errors: {
    "Stats: failed writes of SMB": ({ detector, evidence }) =>
      detector === "errors" && /\bWrites \d/.test(String(evidence?.["commands"])),
    "mountstats: failed writes of NFS": ({ detector, evidence }) =>
      detector === "errors" && /\bWRITE \d/.test(String(evidence?.["commands"])),
  },
  "latency of SMB": {
    "Stats: slow requests": ({ detector, evidence }) =>
      detector === "latency" && fromCounters(evidence) && /^SMB2_/.test(String(evidence?.["command"])),
  },
  "latency of NFS": {
    "mountstats: slow RPCs": ({ detector, evidence }) =>
      detector === "latency" && fromCounters(evidence) && !/^SMB2_/.test(String(evidence?.["command"])),
  },
  "hangs and a reconnect": {
    "DebugData: a request hangs": ({ detector, rule, evidence }) =>
      detector === "hang" && rule === "request" && evidence?.["known_from"] === "DebugData",
    "mountstats: an RPC hangs": ({ detector, rule, evidence }) =>
      detector === "hang" && rule === "rpc" && evidence?.["known_from"] === "mountstats",
    "a task sleeps in cifs, with its stack": stuckIn("cifs"),
    "a task sleeps in sunrpc, with its stack": stuckIn("sunrpc"),
    "DebugData: a reconnect": ({ detector, rule }) => detector === "connection" && rule === "reconnect",
    "kernel log of SMB": ({ detector, rule }) => detector === "kernel-log" && rule === "smb.not-responding",
    "kernel log of NFS": ({ detector, rule }) => detector === "kernel-log" && rule === "nfs.not-responding",
  },
};

function fromCounters(evidence: BundleAnomaly["evidence"]): boolean {
  return evidence?.["known_from"] === "counters";
}

function stuckIn(layer: string): Told {
  return ({ detector, rule, evidence }) =>
    detector === "hang" && rule === "task" && evidence?.["layer"] === layer && evidence["stack"] !== undefined;
}

/** Two file systems without room: writes through the mounts fail. */
async function smallDisks(lab: Lab): Promise<void> {
  for (const directory of [shareDirectory("small"), exportDirectory]) {
    mkdirSync(directory, { recursive: true });
    await lab.run(["mount", "-t", "tmpfs", "-o", "size=128k", "small", directory]);
    lab.onEnd(`unmount ${directory}`, async () => {
      await lab.run(["umount", "--lazy", directory]);
    });
  }
}

/** What faults need of the kernel: it may load no more once it is locked down. */
async function loadModules(lab: Lab): Promise<void> {
  await impair(lab, { delayMs: 1, port: 9 });
  await clearImpairment(lab);
  await dropPort(lab, 9);
  await acceptPort(lab, 9);
  await lab.run(["ss", "-tin"]);
}

/** As under Secure Boot with its strictest setting; until the machine ends. */
async function lockDown(lab: Lab): Promise<void> {
  const { status } = await lab.run(["mountpoint", "-q", "/sys/kernel/security"], { anyStatus: true });
  if (status !== 0) await lab.run(["mount", "-t", "securityfs", "securityfs", "/sys/kernel/security"]);
  writeFileSync(lockdown, "confidentiality\n");
  lab.write("lockdown.txt", readFileSync(lockdown, "utf8"));
}

async function failingWrites(lab: Lab): Promise<void> {
  const write = 'dd if=/dev/zero of="$1/full" bs=64k count=64 oflag=direct status=none';
  for (const path of ["/mnt/small", "/mnt/nfs"])
    await lab.run(["sh", "-c", `for n in 1 2 3 4 5 6 7 8 9 10 11 12; do ${write}; done`, "sh", path], {
      anyStatus: true,
    });
}

async function slowly(lab: Lab, port: number, path: string): Promise<void> {
  await impair(lab, { delayMs: 1500, port });
  for (let n = 0; n < 3; n++) await lab.run(["stat", path]);
  await clearImpairment(lab);
}

/** Both servers are silent, `while_` lasts. */
async function silence(lab: Lab, while_: () => Promise<void>): Promise<void> {
  freezeSamba(lab);
  await dropPort(lab, 2049);
  const waiting = ["/mnt/share/file", "/mnt/small/file", "/mnt/nfs/file"].map((path) => lab.start(["stat", path]));
  await while_();
  await acceptPort(lab, 2049);
  thawSamba();
  await lab.until("all go on", 60, () => waiting.every(({ running }) => !running));
}

/** Waits until both probes are refused, and keeps that status. */
async function untilRefused(
  lab: Lab,
  daemon: Pick<RunningDaemon, "status">,
  file: string,
  more: (status: Status) => boolean = () => true,
): Promise<void> {
  await lab.until(`${file}: both probes are refused`, 90, async () => {
    await lab.sleep(1);
    try {
      const status = await daemon.status();
      lab.writeJson(file, status);
      const [smb, nfs] = status.probes;
      return smb !== undefined && nfs !== undefined && refused(smb) && refused(nfs) && more(status);
    } catch (error) {
      // Not up yet, or busy: it is asked again.
      if (error instanceof AodError && error.code === "failed") return false;
      throw error;
    }
  });
}

async function untilTold(lab: Lab, daemon: RunningDaemon, fault: string): Promise<void> {
  let missing: string[] = [];
  await lab
    .until(`${fault} are told`, 60, async () => {
      await lab.sleep(1);
      const anomalies = ((await daemon.incidents()) as readonly IncidentJson[]).flatMap((one) => one.anomalies);
      missing = Object.entries(expected[fault] ?? {}).flatMap(([name, told]) => (anomalies.some(told) ? [] : [name]));
      return missing.length === 0;
    })
    .catch((error: unknown) => {
      lab.tell(`not told: ${missing.join("; ")}`);
      throw error;
    });
}

export default defineScenario({
  name: "no-bpf",
  summary: "a kernel that refuses BPF: errors, reconnects, hangs and latency are told nevertheless, of SMB and NFS",
  kernels: seenOn("6.1", "6.12", "7.2"),
  alone: "a kernel that is locked down stays so",
  timeLimitSeconds: 600,

  async setup(lab) {
    await smallDisks(lab);
    await startSamba(lab, { shares: { share: {}, small: {} } });
    await mountCifs(lab, { options: { actimeo: 0, echo_interval: 600 } });
    // A connection of its own, of which the client notices within 9 s that nobody answers.
    await mountCifs(lab, { share: "small", options: { actimeo: 0, echo_interval: 3 } });
    await startNfsd(lab);
    await mountNfs(lab, { options: { noac: true, hard: true, timeo: 50, retrans: 1 } });
    for (const path of ["/mnt/share", "/mnt/small", "/mnt/nfs"]) await lab.run(["touch", `${path}/file`]);
    await loadModules(lab);
  },

  async timeline(lab) {
    await lab.step("without the capabilities that BPF asks for", async () => {
      const beside = startBeside(lab, { name: "capless", config, under: withoutBpf });
      await untilRefused(lab, beside, "status-capless.json");
      await beside.process.stop();
    });
    await lab.step("locked down", () => lockDown(lab));
    const daemon = await startDaemon(lab, config, false);
    await lab.step("the probes are refused, all captures rehearsed", () =>
      untilRefused(lab, daemon, "status.json", ({ captures }) => captures !== undefined),
    );
    try {
      await lab.step("writes fail", () => failingWrites(lab));
      await untilTold(lab, daemon, "errors");
      await lab.step("SMB is slow", () => slowly(lab, 445, "/mnt/share/file"));
      await untilTold(lab, daemon, "latency of SMB");
      await lab.step("NFS is slow", () => slowly(lab, 2049, "/mnt/nfs/file"));
      await untilTold(lab, daemon, "latency of NFS");
      await lab.step("both servers are silent", () =>
        silence(lab, () => untilTold(lab, daemon, "hangs and a reconnect")),
      );
    } finally {
      lab.writeJson("incidents.json", await daemon.incidents());
      lab.writeJson("status-end.json", await daemon.status());
      lab.write("status.txt", (await lab.aod(["status"])).stdout);
    }
    const tools = {
      smbslower: { argv: lab.aodArgv(["1"], "smbslower") },
      nfsslower: { argv: lab.aodArgv(["1"], "nfsslower") },
    };
    lab.writeJson("refusals.json", await refusals(lab, tools));
    await daemon.process.stop();
  },

  expect(results) {
    assert.match(results.text("lockdown.txt"), /\[confidentiality\]/);
    for (const [name, why] of [
      ["status-capless.json", /CAP_SYS_ADMIN is missing/],
      ["status.json", /locked down \(confidentiality\)/],
    ] as const) {
      const { probes } = results.json(name) as Status;
      for (const probe of probes.filter(({ state }) => state !== "off")) {
        assert.equal(probe.state, "unsupported", `${name}: ${probe.name}`);
        assert.match(probe.why ?? "", why);
        assert.notDeepEqual(probe.without, [], `${name}: what is missing without ${probe.name}`);
      }
    }
    const status = results.json("status.json") as Status;
    assert.match(status.recorder?.events.why ?? "", /lockdown/);
    const blind = status.sources.filter(({ state }) => state !== "ok").map(({ name }) => name);
    // The guest has no journald, and no mount of it Kerberos.
    assert.deepEqual(blind, ["journal", "tickets"], "every source looks that has something to look at");
    for (const name of ["hang", "latency", "nfs-latency", "latency-counters", "errors", "connection", "slowdown"]) {
      const unseen = status.detectors.find((detector) => detector.name === name)?.blind ?? [];
      assert.ok(unseen.length > 0, `${name} says what it cannot see`);
    }
    for (const [tool, { status: exit, stderr }] of Object.entries(
      results.json("refusals.json") as Record<string, EndOf>,
    )) {
      assert.equal(exit, 3, tool);
      assert.match(stderr, /locked down/, tool);
    }
    const anomalies = (results.json("incidents.json") as readonly IncidentJson[]).flatMap((one) => one.anomalies);
    for (const [name, told] of Object.values(expected).flatMap((faults) => Object.entries(faults)))
      assert.ok(anomalies.some(told), name);
  },
});
