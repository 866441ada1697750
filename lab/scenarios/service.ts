import assert from "node:assert/strict";
import { chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readItem } from "../../src/bundle/reader.ts";
import type { Status } from "../../src/daemon/status.ts";
import { makeCcache } from "../../src/kerberos/fixture.ts";
import { mountCifs } from "../guest/cifs.ts";
import { kerberosSamba, kerberosServer, kinit, makeRuntimeDirectory, startKdc } from "../guest/kerberos.ts";
import { mountNfs, startNfsd } from "../guest/nfs.ts";
import { sambaUser, startSamba } from "../guest/samba.ts";
import {
  configureService,
  installService,
  journal,
  repo,
  rightsOf,
  serviceIncidents,
  serviceStatus,
  shown,
  traces,
  unitProperties,
  untilService,
  working,
} from "../guest/service.ts";
import { seenOn } from "../kernels.ts";
import type { Results } from "../results.ts";
import { defineScenario } from "../scenario.ts";

/** Users with a credential cache each. */
const uids = { tmp: 5001, runtime: 5002, keyring: 5003 } as const;
const people = { keyring: "keyringuser" } as const;

export default defineScenario({
  name: "service",
  summary:
    "the installed service under systemd as PID 1: ready, sandboxed and not blind, bitten by the watchdog when it is stuck",
  kernels: seenOn("6.12"),
  init: "systemd",
  timeLimitSeconds: 900,

  async setup(lab) {
    await startKdc(lab, [people.keyring]);
    await startSamba(lab, { global: kerberosSamba });
    await startNfsd(lab);
    for (const module of ["nfs", "nfsv4"]) await lab.run(["modprobe", module]);
    await mountCifs(lab, { options: { actimeo: 0 } });
    await kinit(lab, sambaUser.name, sambaUser.uid, "1h");
    const withTicket = { sec: "krb5", cruid: sambaUser.uid, ip: "127.0.0.1" };
    await mountCifs(lab, { server: kerberosServer, mountPoint: "/mnt/kerberos", options: withTicket });
    configureService([
      "recorder: {packets: {mode: always}}",
      "incidents: {cool_down: 5s, post: 1s}",
      // Tickets that end are incidents, and what is slow for the machine's sake is none.
      "detectors: {auth: {ticket_severity: warning}, latency: {enabled: false}, nfs_latency: {enabled: false}}",
    ]);
  },

  async timeline(lab) {
    await lab.step("aod install starts it, and returns when it is ready", async () => {
      lab.write("install.txt", await installService(lab));
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

    await lab.step("tickets that end or have ended: in /tmp, in /run/user, in a keyring", async () => {
      const ended = makeCcache("someone@LAB.TEST", [
        { service: "krbtgt/LAB.TEST@LAB.TEST", end: Math.floor(Date.now() / 1000) - 600 },
      ]);
      for (const [path, uid] of [
        [`/tmp/krb5cc_${uids.tmp}`, uids.tmp],
        [join(makeRuntimeDirectory(uids.runtime), "krb5cc"), uids.runtime],
      ] as const) {
        writeFileSync(path, ended, { mode: 0o600 });
        chownSync(path, uid, uid);
      }
      makeRuntimeDirectory(uids.keyring);
      await kinit(lab, people.keyring, uids.keyring, "2m");
      const told = async (): Promise<string[]> =>
        (await serviceIncidents()).flatMap(({ anomalies }) => anomalies.map(({ summary }) => summary));
      const isTold = async (): Promise<boolean> => {
        const all = await told();
        return Object.values(uids).every((uid) => all.some((summary) => summary.includes(`of user ${uid} ended `)));
      };
      // What is missing shows on the host; the rest is to be seen too.
      for (let look = 0; look < 100 && !(await isTold()); look++) await lab.sleep(3);
      lab.writeJson("tickets.json", await told());
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
      lab.write("journal-bitten.txt", await journal(lab));
    });
  },

  async expect(results) {
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
    // Not those that an emulated processor was too slow for.
    const failed = (status.captures?.items ?? []).filter(({ status: how }) => how === "failed");
    assert.deepEqual(failed, [], "every capture works in the sandbox");

    const rights = results.json("rights.json") as {
      daemon: Record<string, string>;
      probes: Record<string, string>[];
      traces: ReturnType<typeof traces>;
    };
    assert.deepEqual([rights.daemon.NoNewPrivs, rights.daemon.Seccomp], ["1", "2"]);
    assert.equal(bits(rights.daemon.CapBnd), 11, "eleven capabilities, as docs/service.md says");
    for (const probe of rights.probes) assert.equal(bits(probe.CapEff), 0, "aod-probe has given its capabilities up");
    assert.equal(rights.traces.instances.length, 1);
    const score = scoreIn(results);
    assert.ok(readFileSync(join(repo, "docs/service.md"), "utf8").includes(`says ${score} `), `the score is ${score}`);

    const mounted = results.json("status-mounts.json") as Status;
    assert.equal(mounted.probes.find(({ name }) => name === "nfs_rpc")?.state, "running");
    const bundle = results.path("bundle.tar.zst");
    const mountinfo = (await readItem(bundle, "open/mountinfo")).toString();
    assert.match(mountinfo, / \/mnt\/nfs /, "a mount that came after the service");
    assert.ok(!mountinfo.includes("/service/private "), "PID 1's mounts, nobody else's");

    const told = (results.json("tickets.json") as string[]).join("\n");
    for (const uid of Object.values(uids))
      assert.match(told, new RegExp(`ticket-granting ticket of user ${uid} ended .+ ago`));

    const bitten = unit("bitten");
    assert.deepEqual([bitten.ActiveState, bitten.NRestarts], ["active", "1"]);
    assert.match(results.text("journal-bitten.txt"), /[Ww]atchdog timeout/);
    const left = (name: string) => results.json(`traces-${name}.json`) as ReturnType<typeof traces>;
    assert.equal(left("bitten").instances.length, 1, "the instance of the daemon that was killed is gone");
  },

  present: (results: Results): string => `systemd-analyze security: ${scoreIn(results)}`,
});

function bits(mask = ""): number {
  return [...BigInt(`0x${mask}`).toString(2)].filter((bit) => bit === "1").length;
}

function scoreIn(results: Results): string {
  return /Overall exposure level for aod\.service: ([\d.]+)/.exec(results.text("security.txt"))?.[1] ?? "not told";
}
