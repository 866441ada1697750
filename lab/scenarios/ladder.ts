import assert from "node:assert/strict";
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readItem, readManifest, verifyBundle } from "../../src/bundle/reader.ts";
import { captures } from "../../src/capture/registry.ts";
import type { ProbeStatus, Status } from "../../src/daemon/status.ts";
import type { SmbOpJson } from "../../src/probe/op-json.ts";
import {
  asNobody,
  type DaemonBeside,
  type EndOf,
  refusals,
  startBeside,
  untilProbe,
  withoutBtf,
} from "../guest/beside.ts";
import { mountCifs } from "../guest/cifs.ts";
import type { Incident } from "../guest/daemon.ts";
import type { Lab } from "../guest/lab.ts";
import { startSamba } from "../guest/samba.ts";
import { smbWireLines } from "../kernels.ts";
import type { Results } from "../results.ts";
import { defineScenario } from "../scenario.ts";

// Everything is slow enough to open an incident: its bundle shows the operations as this daemon's probe saw them.
const config = [
  "detectors: {latency: {threshold: 1ms, single: 1ms}}",
  "incidents: {cool_down: 10m, post: 10m}",
  "bundles: {min_free: 0KiB}",
  // Programs take seconds here, and the operations are what this is about.
  `captures: {exclude: [${captures.map((capture) => capture.name).join(", ")}]}`,
].join("\n");

const wrongConfig = [
  "detectors:",
  "  latency:",
  "    treshold: 300ms",
  "    count: many",
  "    exclude: [SMB2_WIRTE]",
].join("\n");

/** What the end of a daemon with an open incident left. */
interface End {
  readonly status: number | null;
  readonly tookMs: number;
  readonly incidents: readonly Incident[];
  readonly bundle: string;
}

/** SIGTERM while an incident is open. */
async function endWithIncident(lab: Lab, name: string, daemon: DaemonBeside): Promise<End> {
  let incidents: readonly Incident[] = [];
  await lab.until(`${name}: an incident is open`, 30, async () => {
    incidents = await daemon.incidents();
    return incidents.some((incident) => incident.state === "open");
  });
  const began = performance.now();
  const { status } = await daemon.process.stop("SIGTERM", 30_000);
  const tookMs = performance.now() - began;
  const bundle = `${name}.tar.zst`;
  copyFileSync(`${daemon.stateDir}/bundles/${incidents[0]?.id}.tar.zst`, `${lab.out}/${bundle}`);
  return { status, tookMs, incidents, bundle };
}

function probeOf(results: Results, name: string): ProbeStatus {
  return (results.json(`status-${name}.json`) as Status).probes[0] ?? assert.fail(`${name}: no probe in the status`);
}

async function opsOf(results: Results, bundle: string): Promise<SmbOpJson[]> {
  const lines = (await readItem(results.path(bundle), "ops.ndjson")).toString().trim().split("\n");
  return lines.map((line) => JSON.parse(line) as SmbOpJson);
}

const flushes = (ops: readonly SmbOpJson[]): SmbOpJson[] =>
  ops.filter((op) => op.command === "SMB2_FLUSH" && op.comm === "dd" && op.status === "STATUS_SUCCESS");

export default defineScenario({
  name: "ladder",
  summary:
    "the tool without fentry, a hook, BTF, root, a right configuration: what still works is shown, what does not is said",
  kernels: smbWireLines,
  timeLimitSeconds: 240,

  async setup(lab) {
    await startSamba(lab);
    await mountCifs(lab, { options: { actimeo: 0 } });
  },

  async timeline(lab) {
    const running = (probe: ProbeStatus): boolean => probe.state === "running";
    // One after the other: their starts would take the emulated processors from each other.
    const noBtf = startBeside(lab, { name: "no-btf", config, under: withoutBtf });
    await lab.step("a daemon without BTF", () =>
      untilProbe(lab, noBtf, "no-btf", (probe) => probe.state === "unsupported"),
    );
    const kprobes = startBeside(lab, { name: "kprobes", config, env: { AOD_PROBE_HIDE: "fentry" } });
    await lab.step("a daemon on kprobes alone", () => untilProbe(lab, kprobes, "kprobes", running));
    const noSend = startBeside(lab, { name: "no-send", config, env: { AOD_PROBE_HIDE: "send" } });
    await lab.step("a daemon without the send hook", () => untilProbe(lab, noSend, "no-send", running));
    await lab.step("a file written safely", () =>
      lab.run(["dd", "if=/dev/zero", "of=/mnt/share/file", "bs=4k", "count=4", "conv=fsync", "status=none"]),
    );
    await lab.step("SIGTERM with an open incident", async () => {
      lab.writeJson("ends.json", {
        kprobes: await endWithIncident(lab, "kprobes", kprobes),
        noSend: await endWithIncident(lab, "no-send", noSend),
      });
    });
    await lab.step("without BTF, without the release hook, not root, with a wrong configuration", async () => {
      const smbslower = lab.aodArgv(["0"], "smbslower");
      const empty = join(lab.work, "empty.yaml");
      const wrong = join(lab.work, "wrong.yaml");
      writeFileSync(empty, "");
      writeFileSync(wrong, wrongConfig);
      lab.writeJson(
        "refusals.json",
        await refusals(lab, {
          noBtf: { argv: [...withoutBtf, ...smbslower] },
          noRelease: { argv: smbslower, env: { AOD_PROBE_HIDE: "release" } },
          nobody: { argv: [...asNobody, ...lab.aodArgv(["run", "--config", empty])] },
          wrongConfig: { argv: lab.aodArgv(["run", "--config", wrong]) },
        }),
      );
    });
    lab.writeJson("status-no-btf.json", await noBtf.status());
    lab.writeJson("no-btf-end.json", await noBtf.process.stop("SIGTERM"));
  },

  async expect(results) {
    const noBtf = probeOf(results, "no-btf");
    assert.equal(noBtf.state, "unsupported");
    assert.match(noBtf.why ?? "", /no BTF/);
    assert.match((noBtf.without ?? []).join("\n"), /tasks that wait for a reconnect/, "what still works");
    assert.deepEqual(results.json("no-btf-end.json"), { status: 0, signal: null });

    const kprobes = probeOf(results, "kprobes");
    for (const hook of kprobes.hooks ?? []) {
      const unneeded = hook.why?.startsWith("not needed") === true;
      assert.equal(hook.rung, unneeded ? "none" : "kprobe", hook.name);
      assert.match(hook.why ?? "", /hidden by --no-fentry|not needed/, hook.name);
    }
    assert.deepEqual(kprobes.without, [], "nothing is missing on the lower rung");
    const noSend = probeOf(results, "no-send");
    const send = noSend.hooks?.find((hook) => hook.name === "send");
    assert.deepEqual([send?.rung, send?.why], ["none", "hidden by --hide"]);
    assert.match((noSend.without ?? []).join("\n"), /send and wire/);

    const ends = results.json("ends.json") as { kprobes: End; noSend: End };
    for (const end of [ends.kprobes, ends.noSend]) {
      assert.equal(end.status, 0);
      const report = await verifyBundle(results.path(end.bundle));
      assert.ok(report.ok, JSON.stringify(report.items));
      assert.equal((await readManifest(results.path(end.bundle))).state, "complete");
    }
    const byKprobes = await opsOf(results, ends.kprobes.bundle);
    const flush = flushes(byKprobes)[0] ?? assert.fail("kprobes: no FLUSH");
    assert.deepEqual(Object.keys(flush.phases_us), ["queue", "send", "wire", "wake"]);
    assert.ok(byKprobes.some((op) => op.command === "SMB2_WRITE" && op.phases_us.wire !== undefined));
    for (const op of byKprobes) assert.notEqual(op.comm, "cifsd");
    const withoutSend = await opsOf(results, ends.noSend.bundle);
    assert.ok(flushes(withoutSend).length > 0, "no send hook: no FLUSH");
    for (const op of withoutSend) {
      assert.deepEqual([op.phases_us.send, op.phases_us.wire], [undefined, undefined], JSON.stringify(op));
    }
    assert.deepEqual(Object.keys(flushes(withoutSend)[0]?.phases_us ?? {}), ["queue", "wake"]);

    const refused = results.json("refusals.json") as Record<string, EndOf>;
    const says = (name: string, status: number, text: RegExp): void => {
      const end = refused[name] ?? assert.fail(name);
      assert.equal(end.status, status, `${name}: ${end.stderr}`);
      assert.match(end.stderr, text, name);
    };
    says("noBtf", 3, /BTF/);
    says("noRelease", 3, /cannot attach to __release_mid: hidden by --hide/);
    says("nobody", 1, /root.*sudo/);
    says("wrongConfig", 1, /wrong\.yaml:3:detectors\.latency\.treshold: unknown key, did you mean "threshold"\?/);
    says("wrongConfig", 1, /wrong\.yaml:4:detectors\.latency\.count: expected a whole number .*\(got "many"\)/);
    says("wrongConfig", 1, /wrong\.yaml:5:detectors\.latency\.exclude\[0\]: .*did you mean "SMB2_WRITE"\?/);
  },
});
