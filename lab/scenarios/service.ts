import assert from "node:assert/strict";
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Status } from "../../src/daemon/status.ts";
import { mountCifs } from "../guest/cifs.ts";
import type { Lab } from "../guest/lab.ts";
import { mountNfs, startNfsd } from "../guest/nfs.ts";
import { pidsByComm } from "../guest/proc.ts";
import { startSamba } from "../guest/samba.ts";
import {
  rightsOf,
  serviceIncidents,
  serviceStatus,
  unitProcesses,
  unitProperties,
  untilService,
} from "../guest/service.ts";
import { seenOn } from "../kernels.ts";
import type { Results } from "../results.ts";
import { defineScenario } from "../scenario.ts";

const repo = join(import.meta.dirname, "../..");
const instances = "/sys/kernel/tracing/instances";
const shown = [
  ...["ActiveState", "SubState", "Type", "MainPID", "StatusText", "WatchdogUSec", "NRestarts", "Result"],
  ...["ExecMainStatus", "ExecMainCode", "TimeoutStopUSec"],
];

/** What a service that is gone could have left running or switched on. */
const traces = () => ({
  processes: pidsByComm((comm) => ["aod-probe", "tcpdump", "journalctl"].includes(comm)).length,
  instances: readdirSync(instances).filter((name) => name.startsWith("aod-")),
  inUnit: unitProcesses(),
});

/** Everything in the places that an installation touches. */
async function placesTouched(lab: Lab): Promise<string[]> {
  const roots = ["/etc/aod", "/etc/systemd/system", "/usr/local", "/usr/lib/aod", "/var/lib/aod", "/run/aod"];
  const { stdout } = await lab.run(["find", ...roots.filter((path) => existsSync(path)), "-printf", "%p %y\\n"]);
  const group = /^aod:.*$/m.exec(readFileSync("/etc/group", "utf8"))?.[0];
  return [...stdout.split("\n").filter(Boolean).sort(), ...(group === undefined ? [] : [group])];
}

const working = ({ probes, recorder, captures, targets }: Status): boolean =>
  probes.every(({ state }) => state === "running" || state === "off") &&
  captures !== undefined &&
  targets.length > 0 &&
  recorder?.packets.pid !== undefined;

export default defineScenario({
  name: "service",
  summary:
    "the installed service under systemd as PID 1: ready, sandboxed and not blind, watchdog, stop, upgrade, uninstall",
  kernels: seenOn("6.12"),
  init: "systemd",
  timeLimitSeconds: 900,

  async setup(lab) {
    await startSamba(lab);
    await startNfsd(lab);
    await mountCifs(lab, { options: { actimeo: 0 } });
    // On an emulated processor start and watchdog would take a fifth of it for minutes.
    mkdirSync("/etc/systemd/system/aod.service.d", { recursive: true });
    writeFileSync("/etc/systemd/system/aod.service.d/lab.conf", "[Service]\nCPUQuota=\n");
    mkdirSync("/etc/aod/conf.d", { recursive: true });
    writeFileSync(
      "/etc/aod/conf.d/lab.yaml",
      "recorder: {packets: {mode: always}}\nincidents: {cool_down: 5s, post: 1s}\n",
    );
  },

  async timeline(lab) {
    const install = (...more: string[]) => lab.run([join(repo, "bin/aod"), "install", ...more], { timeoutMs: 400_000 });
    lab.writeJson("before.json", await placesTouched(lab));

    await lab.step("aod install starts it, and returns when it is ready", async () => {
      lab.write("install.txt", (await install()).stdout);
      lab.writeJson("unit-started.json", await unitProperties(lab, shown));
    });
    const started = await untilService(lab, "started", working);
    await lab.step("the sandbox from outside", async () => {
      const security = await lab.run(["systemd-analyze", "security", "--no-pager", "aod.service"], {
        timeoutMs: 120_000,
      });
      lab.write("security.txt", security.stdout);
      const probes = started.probes.flatMap(({ pid }) => pid ?? []);
      lab.writeJson("rights.json", { daemon: rightsOf(started.pid), probes: probes.map(rightsOf), traces: traces() });
    });

    await lab.step("mounts that come later are seen, those of other namespaces are not", async () => {
      await mountNfs(lab);
      mkdirSync(join(lab.work, "private"), { recursive: true });
      const hidden = lab.start([
        ...["unshare", "--mount", "--propagation", "private", "sh", "-c"],
        'mount --bind /mnt/share "$1" && sleep 3600',
        ...["sh", join(lab.work, "private")],
      ]);
      await lab.until("the private mount", 30, () => {
        const file = `/proc/${hidden.pid}/mountinfo`;
        return existsSync(file) && readFileSync(file, "utf8").includes(join(lab.work, "private"));
      });
      const { stdout } = await lab.run(["/usr/local/bin/aod", "snapshot", "--for", "5s", "--json"], {
        timeoutMs: 200_000,
      });
      const { bundle } = JSON.parse(stdout) as { bundle: string };
      lab.write("bundle.tar.zst", readFileSync(bundle));
      await hidden.stop("SIGKILL");
      lab.writeJson("status-mounts.json", await serviceStatus());
    });

    await lab.step("a loop that is stuck is bitten by the watchdog", async () => {
      process.kill(started.pid, "SIGSTOP");
      await lab.until("systemd ends it", 120, async () => {
        await lab.sleep(1);
        return (await unitProperties(lab, ["NRestarts"])).NRestarts === "1";
      });
      await untilService(lab, "bitten", (status) => status.pid !== started.pid && working(status));
      lab.writeJson("unit-bitten.json", await unitProperties(lab, shown));
      lab.writeJson("traces-bitten.json", traces());
      lab.write(
        "journal-bitten.txt",
        (await lab.run(["journalctl", "--unit=aod.service", "--no-pager", "-o", "short"])).stdout,
      );
    });

    await lab.step("install again: what is right already runs on", async () => {
      const { pid } = (await serviceStatus()) ?? assert.fail("no answer");
      const { stdout } = await install();
      lab.writeJson("again.json", { stdout, before: pid, after: (await serviceStatus())?.pid });
    });
    await lab.step("another build over it", async () => {
      const { pid } = (await serviceStatus()) ?? assert.fail("no answer");
      const before = (await serviceIncidents()).map(({ id }) => id);
      // The guest's own overlay: the checkout stays as it is.
      appendFileSync(join(repo, "docs/service.md"), "\nAnother build.\n");
      const { stdout } = await install();
      const status = await untilService(lab, "upgraded", (one) => one.pid !== pid && working(one));
      const after = (await serviceIncidents()).map(({ id }) => id);
      lab.writeJson("upgrade.json", {
        stdout,
        before: { pid, incidents: before },
        after: { pid: status.pid, incidents: after },
      });
    });

    await lab.step("systemctl stop while a snapshot is taken", async () => {
      const asked = lab.start(["/usr/local/bin/aod", "snapshot", "--for", "10m", "--json"]);
      await lab.until("it is open", 60, async () => {
        await lab.sleep(0.5);
        return (await serviceIncidents()).some(({ state }) => state === "open");
      });
      await lab.run(["systemctl", "stop", "aod.service"]);
      await asked.stop();
      lab.writeJson("unit-stopped.json", await unitProperties(lab, shown));
      lab.writeJson("traces-stopped.json", traces());
      lab.writeJson("bundles-stopped.json", readdirSync("/var/lib/aod/bundles"));
    });

    await lab.step("aod uninstall", async () => {
      lab.write("uninstall.txt", (await lab.run(["/usr/local/bin/aod", "uninstall"], { timeoutMs: 200_000 })).stdout);
      lab.writeJson("uninstalled.json", await placesTouched(lab));
      const purge = await lab.run([join(repo, "bin/aod"), "uninstall", "--purge"], { timeoutMs: 200_000 });
      lab.write("purge.txt", purge.stdout);
      lab.writeJson("purged.json", await placesTouched(lab));
      lab.writeJson("traces-purged.json", traces());
    });
  },

  expect(results) {
    const unit = (name: string) => results.json(`unit-${name}.json`) as Record<string, string>;
    const started = unit("started");
    assert.deepEqual([started.Type, started.ActiveState, started.SubState], ["notify", "active", "running"]);
    const status = results.json("status-started.json") as Status;
    assert.equal(String(status.pid), started.MainPID);
    for (const probe of status.probes.filter(({ state }) => state !== "off")) {
      assert.equal(probe.state, "running", `${probe.name}: ${probe.why}`);
      assert.deepEqual(probe.without, [], probe.name);
    }
    const bad = status.sources.filter(({ state }) => state === "failed" || state === "degraded");
    assert.deepEqual(
      bad.map(({ name, why }) => [name, why]),
      [],
      "no source is blind in the sandbox",
    );
    assert.deepEqual(
      (status.captures?.items ?? []).filter(({ status: how }) => how === "failed" || how === "timed_out"),
      [],
    );
  },

  present: (results: Results): string =>
    /^.*Overall exposure level.*$/m.exec(results.text("security.txt"))?.[0] ?? "no score",
});
