import assert from "node:assert/strict";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Status } from "../../src/daemon/status.ts";
import type { Observation } from "../../src/detect/observation.ts";
import { makeCcache } from "../../src/kerberos/fixture.ts";
import { openRecording } from "../../src/record/reader.ts";
import { fromTaggedJson } from "../../src/system/tagged-json.ts";
import { mountCifs, unmount } from "../guest/cifs.ts";
import { type RunningDaemon, startDaemon } from "../guest/daemon.ts";
import { acceptPort, clearImpairment, dropPort, impair } from "../guest/faults.ts";
import { startJournald } from "../guest/journald.ts";
import type { Lab } from "../guest/lab.ts";
import { mountNfs, startNfsd } from "../guest/nfs.ts";
import { freezeSamba, startSamba, thawSamba } from "../guest/samba.ts";
import { smbWireLines } from "../kernels.ts";
import { defineScenario } from "../scenario.ts";

const recording = "sources.aodrec";
/** They look where there is something to look at; the lab has no Kerberos, and its journal is read where journald is installed. */
const always = [
  ...["mounts", "kernel-log", "debug-data", "stats", "open-files", "mountstats", "sockets", "stuck-tasks"],
  "pressure",
];

interface SourcesFacts {
  readonly journald: boolean;
  /** Of `aod status`: before a fault, while both servers are silent, after all. */
  readonly quiet: Status["sources"];
  readonly silent: Status["sources"];
  readonly last: Status["sources"];
  readonly probes: Status["probes"];
}

const stateOf = ({ sources }: Status, name: string) => sources.find((one) => one.name === name)?.state;

/** Until each of them has looked twice more, so once from beginning to end. */
async function looked(lab: Lab, daemon: RunningDaemon, names: readonly string[]): Promise<Status> {
  const looksOf = ({ sources }: Status, name: string) => sources.find((one) => one.name === name)?.looks ?? 0;
  const before = await daemon.status();
  let now = before;
  await lab.until(`${names.join(", ")} have looked`, 150, async () => {
    await lab.sleep(1);
    now = await daemon.status();
    return names.every((name) => looksOf(now, name) >= looksOf(before, name) + 2);
  });
  return now;
}

/** Both servers are silent: the tasks that ask them hang, and the SMB client begins anew. */
async function silence(lab: Lab, daemon: RunningDaemon): Promise<Status> {
  freezeSamba(lab);
  await dropPort(lab, 2049);
  const waiting = [lab.start(["stat", "/mnt/share/file"]), lab.start(["stat", "/mnt/nfs/file"])];
  await lab.until("the client gives the connection up", 60, async () => {
    await lab.sleep(1);
    return /has not responded in/.test((await lab.run(["dmesg"])).stdout);
  });
  const silent = await looked(lab, daemon, [
    "debug-data",
    "stats",
    "mountstats",
    "sockets",
    "stuck-tasks",
    "kernel-log",
  ]);
  await acceptPort(lab, 2049);
  thawSamba();
  for (const process of waiting) await process.ended;
  return silent;
}

/** The lab has no KDC: an expired cache, and a mount table that says of one mount that it uses Kerberos. */
async function kerberos(lab: Lab): Promise<void> {
  const now = Math.floor(Date.now() / 1000);
  const cache = "/tmp/krb5cc_4711";
  writeFileSync(cache, makeCcache("user@LAB", [{ service: "krbtgt/LAB@LAB", end: now - 60 }]), { mode: 0o600 });
  lab.onEnd("remove the credential cache", async () => {
    await lab.run(["rm", "-f", cache]);
  });
  const table = join(lab.work, "mountinfo");
  writeFileSync(table, readFileSync("/proc/1/mountinfo", "utf8").replace(/sec=sys/, "sec=krb5"));
  await lab.run(["mount", "--bind", table, "/proc/1/mountinfo"]);
  lab.onEnd("the mount table as it is", async () => {
    await lab.run(["umount", "/proc/1/mountinfo"]);
  });
}

export default defineScenario({
  name: "sources",
  summary: "every source of the daemon on a real kernel: its health, and what it saw of each fault",
  kernels: smbWireLines,
  timeLimitSeconds: 600,

  async setup(lab) {
    await startSamba(lab);
    await mountCifs(lab, { options: { actimeo: 0, echo_interval: 3 } });
    await startNfsd(lab);
    await mountNfs(lab, { options: { noac: true } });
  },

  async timeline(lab) {
    const journald = await startJournald(lab);
    // In memory: it is being written all the while.
    const file = join(lab.work, recording);
    const daemon = await startDaemon(lab, "", true, ["--record", file]);
    const all = journald ? [...always, "journal"] : always;
    for (const path of ["/mnt/share/file", "/mnt/nfs/file"]) {
      await lab.run(["dd", "if=/dev/zero", `of=${path}`, "bs=64k", "count=4", "conv=fsync", "status=none"]);
    }
    const quiet = await lab.step("all sources look", async () => {
      const once = all.filter((name) => name !== "open-files" && name !== "kernel-log");
      return looked(lab, daemon, once);
    });
    await lab.step("a mount comes and goes", async () => {
      await mountNfs(lab, { mountPoint: "/mnt/second" });
      await looked(lab, daemon, ["mounts"]);
      await unmount(lab, "/mnt/second");
      await looked(lab, daemon, ["mounts"]);
    });
    await lab.step("packets to the SMB server are lost", async () => {
      await impair(lab, { delayMs: 1, lossPercent: 40 });
      await lab.run(["dd", "if=/dev/zero", "of=/mnt/share/lossy", "bs=64k", "count=8", "conv=fsync", "status=none"], {
        timeoutMs: 180_000,
        anyStatus: true,
      });
      await clearImpairment(lab);
      await looked(lab, daemon, ["sockets"]);
    });
    const silent = await lab.step("both servers are silent", () => silence(lab, daemon));
    if (journald)
      await lab.step("an upcall fails", async () => {
        await lab.run([
          "logger",
          "-t",
          "cifs.upcall",
          "handle_krb5_mech: Unable to obtain service ticket: Ticket expired",
        ]);
        await looked(lab, daemon, ["journal"]);
      });
    const last = await lab.step("a ticket has expired", async () => {
      await kerberos(lab);
      await lab.until("tickets are looked at", 150, async () => {
        await lab.sleep(1);
        return stateOf(await daemon.status(), "tickets") !== "off";
      });
      return daemon.status();
    });
    await daemon.process.stop();
    copyFileSync(file, join(lab.out, recording));
    const facts: SourcesFacts = {
      journald,
      quiet: quiet.sources,
      silent: silent.sources,
      last: last.sources,
      probes: silent.probes,
    };
    lab.writeJson("sources.json", facts);
  },

  expect(results) {
    const { journald, quiet, silent, last, probes } = results.json("sources.json") as SourcesFacts;
    const notOk = (sources: Status["sources"]) =>
      sources.filter(({ state }) => state !== "ok").map(({ name, state, why }) => [name, state, why]);
    const unread = journald ? [] : ["journal"];
    for (const sources of [quiet, silent])
      assert.deepEqual(
        notOk(sources).map(([name]) => name),
        [...unread, "tickets"],
        JSON.stringify(notOk(sources)),
      );
    assert.deepEqual(
      notOk(last).map(([name]) => name),
      unread,
      JSON.stringify(notOk(last)),
    );
    assert.deepEqual(
      probes.map(({ name, state }) => [name, state]),
      [
        ["smb_wire", "running"],
        ["nfs_rpc", "running"],
        ["smb_vfs", "off"],
      ],
    );

    const observed = observationsIn(results.path(recording));
    const of = <T extends Observation["type"]>(type: T) =>
      observed.filter((one): one is Extract<Observation, { type: T }> => one.type === type);
    const mounts = of("mounts");
    for (const change of ["mounted", "unmounted"] as const)
      assert.ok(
        mounts.some((one) => one[change].some(({ mountPoint }) => mountPoint === "/mnt/second")),
        change,
      );
    const messages = of("kernel-messages").flatMap((one) => one.messages.map(({ id }) => id));
    assert.ok(messages.includes("smb.not-responding"), messages.join());
    assert.ok(
      of("smb-state").some(({ data }) => data.mids.length > 0),
      "requests without an answer",
    );
    const stats = of("smb-stats");
    assert.ok(
      stats.some(({ delta }) => delta.shares.some(({ bytesWritten }) => bytesWritten > 0)),
      "bytes written",
    );
    assert.ok(
      stats.some(({ delta }) => delta.sessionReconnects > 0),
      "the reconnect in Stats",
    );
    assert.ok(of("open-files").length > 0, "open files");
    const nfs = of("mountstats").flatMap((one) => one.mounts);
    assert.ok(
      nfs.some(({ operations }) => operations.some(({ operation }) => operation === "WRITE")),
      "WRITEs",
    );
    const sockets = of("sockets").flatMap((one) => one.sockets);
    for (const protocol of ["smb", "nfs"] as const) {
      const own = sockets.filter(({ target }) => target.protocol === protocol);
      assert.ok(
        own.some(({ rttMs }) => rttMs !== undefined),
        `${protocol}: round trips`,
      );
      assert.ok(
        own.some(({ delta }) => (delta?.retransmits ?? 0) > 0),
        `${protocol}: retransmissions`,
      );
    }
    const stuck = of("stuck-tasks").flatMap(({ tasks }) => tasks);
    for (const layer of ["cifs", "sunrpc"])
      assert.ok(
        stuck.some((task) => task.layer === layer && task.comm === "stat" && (task.stack?.length ?? 0) > 0),
        `a task in ${layer}`,
      );
    assert.ok(
      of("pressure").some(({ sample }) => (sample.cpuBusy ?? 0) > 0),
      "CPU",
    );
    const tickets = of("tickets").flatMap((one) => one.tickets);
    assert.ok(
      tickets.some(({ service, remainingNs }) => service === "krbtgt/LAB@LAB" && remainingNs < 0),
      "the ticket",
    );
    if (!journald) return;
    const lines = of("journal").flatMap((one) => one.lines);
    assert.ok(
      lines.some(({ program, verdict }) => program === "cifs.upcall" && verdict === "ticket-expired"),
      "the upcall",
    );
  },
});

function observationsIn(path: string): readonly Observation[] {
  const file = openRecording(path);
  try {
    return [...file.chunks()].flatMap(({ kind, payload }) =>
      kind === "observation" ? [fromTaggedJson(payload.toString("utf8")) as Observation] : [],
    );
  } finally {
    file.close();
  }
}
