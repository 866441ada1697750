import assert from "node:assert/strict";
import { copyFileSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { BundleAnomaly } from "../../src/bundle/manifest.ts";
import { readItem } from "../../src/bundle/reader.ts";
import { captures } from "../../src/capture/registry.ts";
import type { IncidentJson } from "../../src/daemon/incidents/json.ts";
import type { Status } from "../../src/daemon/status.ts";
import { openRecording } from "../../src/record/reader.ts";
import { parseDebugData } from "../../src/smb/debug-data.ts";
import { mountCifs } from "../guest/cifs.ts";
import { type RunningDaemon, startDaemon } from "../guest/daemon.ts";
import { acceptPort, dropPort } from "../guest/faults.ts";
import type { Lab } from "../guest/lab.ts";
import { mountNfs, startNfsd } from "../guest/nfs.ts";
import type { Background } from "../guest/process.ts";
import { startSamba } from "../guest/samba.ts";
import { seenOn } from "../kernels.ts";
import type { Results } from "../results.ts";
import { defineScenario } from "../scenario.ts";
import { allEnded, manifestIn } from "../witness/bundle.ts";

const afterMs = 10_000;
const config = [
  "incidents: {cool_down: 8s, post: 2s}",
  `detectors: {hang: {after: ${afterMs}ms}}`,
  // The mounts stay dead for as long as captures take: one that hangs there does not end.
  "captures: {limit: 5m}",
].join("\n");
const mounts = { smb: "/mnt/share", nfs: "/mnt/nfs" } as const;
type Protocol = keyof typeof mounts;
const protocols = ["smb", "nfs"] as const;
const recording = "hang.aodrec";

interface Facts {
  /** Of the process whose call is in flight. */
  readonly pids: Readonly<Record<Protocol, number>>;
  /** Which of the blocked programs were still blocked when the evidence was there. */
  readonly blocked: readonly boolean[];
  /** Requests that had ended, before the hang and after its report. */
  readonly ended: readonly [number, number];
  /** After the snapshot: the daemon's children, with their states. */
  readonly children: readonly string[];
  readonly incident: IncidentJson;
  /** Exit statuses of the blocked programs in the end. */
  readonly statuses: readonly (number | null)[];
}

/** A program that lies, and works, on each mount: nobody may follow what /proc says of it. */
async function liveOnMounts(lab: Lab): Promise<void> {
  for (const path of Object.values(mounts)) {
    await lab.run(["cp", "/bin/sleep", `${path}/sleeper`]);
    await lab.run(["dd", "if=/dev/zero", `of=${path}/file`, "bs=4k", "count=1", "status=none"]);
    lab.start([`${path}/sleeper`, "1000"], { cwd: path });
  }
}

const endedRequests = ({ probes }: Status): number =>
  probes.flatMap(({ counts }) => counts).reduce((sum, { count }) => sum + count, 0);

function hangs(incidents: readonly IncidentJson[]): BundleAnomaly[] {
  return incidents.flatMap(({ anomalies }) => anomalies).filter(({ detector }) => detector === "hang");
}

/** `request` and `rpc` say it of one operation, `task` of who sleeps in the client. */
function hangOf(anomalies: readonly BundleAnomaly[], protocol: Protocol, pid: number): BundleAnomaly | undefined {
  const rule = protocol === "smb" ? "request" : "rpc";
  return anomalies.find((one) => one.rule === rule && one.evidence?.["pid"] === pid);
}

function childrenOf(parent: number): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const text = readFileSync(`/proc/${pid}/stat`, "utf8");
        const [state = "", ppid = ""] = text.slice(text.lastIndexOf(")") + 2).split(" ");
        return Number(ppid) === parent ? [`${text.slice(text.indexOf("(") + 1, text.lastIndexOf(")"))} ${state}`] : [];
      } catch (error) {
        // It has ended since.
        if (["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) return [];
        throw error;
      }
    });
}

async function ready(lab: Lab, daemon: RunningDaemon): Promise<void> {
  await lab.until("both probes are attached, and the rehearsal of the captures is over", 90, async () => {
    await lab.sleep(1);
    const { probes, captures: rehearsed } = await daemon.status();
    return probes.filter(({ state }) => state === "running").length === 2 && rehearsed !== undefined;
  });
}

async function untilAllClosed(lab: Lab, daemon: RunningDaemon): Promise<void> {
  await lab.until("no incident is open", 90, async () => {
    await lab.sleep(1);
    return (await daemon.incidents()).every(({ state }) => state === "closed");
  });
}

export default defineScenario({
  name: "hang",
  summary:
    "every path of an SMB and of a hard NFS mount blocks: the hang is told while nothing ends, and every capture ends",
  kernels: seenOn("6.1", "6.12", "7.2"),
  timeLimitSeconds: 600,

  async setup(lab) {
    await startSamba(lab);
    await mountCifs(lab, { options: { actimeo: 0, echo_interval: 600 } });
    await startNfsd(lab);
    // Version 3: the client has nothing of its own to ask, so the oldest RPC is that of a program.
    await mountNfs(lab, { version: "3", options: { noac: true, hard: true } });
    await liveOnMounts(lab);
  },

  async timeline(lab) {
    const daemon = await startDaemon(lab, config, true, ["--record", join(lab.out, recording)]);
    await ready(lab, daemon);
    await lab.sleep(3);
    await untilAllClosed(lab, daemon);
    const known = new Set((await daemon.incidents()).map(({ id }) => id));
    const fresh = async () =>
      ((await daemon.incidents()) as readonly IncidentJson[]).filter(({ id }) => !known.has(id));
    const before = endedRequests(await daemon.status());

    const blocked: Background[] = [];
    const [smb, nfs] = await lab.step("no packet comes through, and every path blocks", async () => {
      for (const port of [445, 2049]) await dropPort(lab, port);
      const stats = [lab.start(["stat", `${mounts.smb}/file`]), lab.start(["stat", `${mounts.nfs}/file`])] as const;
      blocked.push(...stats);
      await lab.sleep(2);
      for (const path of Object.values(mounts)) blocked.push(lab.start(["df", path]), lab.start(["ls", path]));
      return stats;
    });
    const pids = { smb: smb.pid, nfs: nfs.pid };
    await lab.step("both hangs are told", () =>
      lab.until("both hangs are told", 60, async () => {
        await lab.sleep(0.5);
        const told = hangs(await fresh());
        return protocols.every((protocol) => hangOf(told, protocol, pids[protocol]) !== undefined);
      }),
    );
    const told = await daemon.status();
    lab.writeJson("status.json", told);
    await lab.step("a snapshot while both mounts are dead", async () => {
      const { stdout } = await lab.aod(["snapshot", "--for", "1s", "--json", "--config", join(lab.out, "aod.yaml")], {
        timeoutMs: 600_000,
      });
      copyFileSync((JSON.parse(stdout) as IncidentJson).bundle ?? "", join(lab.out, "dead.tar.zst"));
    });
    const while_ = { blocked: blocked.map(({ running }) => running), children: childrenOf(daemon.process.pid) };
    const statuses = await lab.step("packets come through again, and all go on", async () => {
      for (const port of [445, 2049]) await acceptPort(lab, port);
      return Promise.all(blocked.map(async ({ ended }) => (await ended).status));
    });
    await untilAllClosed(lab, daemon);
    const incident = (await fresh()).find(({ anomalies }) => anomalies.some(({ detector }) => detector === "hang"));
    assert.ok(incident?.bundle, "there is a bundle");
    copyFileSync(incident.bundle, join(lab.out, "hang.tar.zst"));
    await daemon.process.stop();
    const facts: Facts = { pids, ...while_, ended: [before, endedRequests(told)], incident, statuses };
    lab.writeJson("hang.json", facts);
  },

  async expect(results) {
    const facts = results.json("hang.json") as Facts;
    assert.ok(facts.blocked.every(Boolean), "every path of both mounts was blocked all the while");
    assert.equal(facts.ended[1], facts.ended[0], "no request ended between the drop and the report");
    assert.ok(
      facts.statuses.every((status) => status === 0),
      "hard mounts go on",
    );
    assert.deepEqual(
      facts.children.filter((one) => / [DZ]$/.test(one)),
      [],
      "no child of the daemon hangs there",
    );

    for (const protocol of protocols) {
      const { anomaly } = reportOf(results, facts, protocol);
      const { evidence = {}, summary, severity } = anomaly;
      assert.equal(severity, "critical");
      assert.equal(evidence["comm"], "stat");
      assert.match(summary, /has not ended for/);
      assert.ok(Number(evidence["age_s"]) * 1000 >= afterMs, `${evidence["age_s"]} s`);
      if (protocol === "smb") assert.equal(evidence["confirmed_by"], "DebugData");
      assert.match(String(evidence["stack"]), protocol === "smb" ? /wait_for_response/ : /rpc_wait_bit_killable/);
      // A beat of the daemon is a second: at most one passed between the detector's time and the report.
      const { beats } = reportOf(results, facts, protocol);
      assert.ok(beats <= 1, `${protocol}: ${beats} of the daemon's seconds passed`);
    }
    const status = results.json("status.json") as Status;
    assert.equal(status.incidents.dropped.not_hanging, 0);

    for (const name of ["dead.tar.zst", "hang.tar.zst"]) {
      const manifest = await manifestIn(results, name);
      allEnded(manifest, name);
      assert.ok(manifest.items.length > captures.length, `${name}: an item of each capture`);
      assert.deepEqual(manifest.notes, []);
    }
    const { mid, command } = hangOf(facts.incident.anomalies, "smb", facts.pids.smb)?.evidence ?? {};
    const debugData = parseDebugData((await readItem(results.path("dead.tar.zst"), "open/DebugData")).toString());
    assert.ok(
      debugData.mids.some((pending) => String(pending.mid) === mid),
      `DebugData lists the ${command}`,
    );
  },

  present(results) {
    const facts = results.json("hang.json") as Facts;
    return protocols
      .map((protocol) => {
        const { anomaly, delayMs, beats } = reportOf(results, facts, protocol);
        return `${protocol}: told ${delayMs} ms after ${afterMs} ms, within ${beats} beats: ${anomaly.summary}`;
      })
      .join("\n");
  },
});

/** How late a hang was told, on the detector's clock: in ms, and in seconds that the daemon itself counted meanwhile. */
function reportOf(results: Results, { incident, pids }: Facts, protocol: Protocol) {
  const anomaly = hangOf(incident.anomalies, protocol, pids[protocol]);
  assert.ok(anomaly?.first, `${protocol}: a hang of pid ${pids[protocol]} among ${JSON.stringify(incident.anomalies)}`);
  const [dueMs, toldMs] = [Date.parse(anomaly.first) + afterMs, Date.parse(anomaly.time)];
  const file = openRecording(results.path(recording));
  try {
    const beats = [...file.chunks()].filter(
      ({ kind, at }) => kind === "beat" && at.wallMs > dueMs && at.wallMs <= toldMs,
    );
    return { anomaly, delayMs: Math.round(toldMs - dueMs), beats: beats.length };
  } finally {
    file.close();
  }
}
