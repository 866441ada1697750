import assert from "node:assert/strict";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { mountCifs } from "../guest/cifs.ts";
import type { Lab } from "../guest/lab.ts";
import { mountNfs, startNfsd } from "../guest/nfs.ts";
import { startSamba } from "../guest/samba.ts";
import { defineScenario } from "../scenario.ts";
import { kernelReport, standingOf, type ToolReport, toolsOfKernels } from "../support.ts";

const share = "/mnt/share";
const nfs = "/mnt/nfs";
const firstEventLimitS = 180;

/** A little of everything that the tools show. */
function touch(directory: string, i: number): void {
  const file = join(directory, `file-${i}`);
  writeFileSync(file, "a line\n");
  appendFileSync(file, "and another\n");
  readFileSync(file);
  statSync(file);
  mkdirSync(`${file}.d`);
  readdirSync(directory);
  rmSync(`${file}.d`, { recursive: true });
  rmSync(file);
}

/** Starts the tool, works until it has printed an operation, ends it as a person does. */
async function tryTool(lab: Lab, tool: (typeof toolsOfKernels)[number]): Promise<ToolReport> {
  // In memory: on 7.2 a reading of what is just being written fails on 9p (ENODATA).
  const out = join(lab.work, `${tool.name}.out`);
  const err = join(lab.work, `${tool.name}.err`);
  const started = performance.now();
  const running = lab.startAod([tool.name, ...tool.args, "--json"], { stdout: out, stderr: err });
  const lines = (): number => (existsSync(out) ? readFileSync(out, "utf8").split("\n").length - 1 : 0);
  let firstEventMs: number | undefined;
  for (let i = 0; running.running && firstEventMs === undefined; i++) {
    touch(tool.protocol === "smb" ? share : nfs, i);
    if (lines() > 0) firstEventMs = Math.round(performance.now() - started);
    if (performance.now() - started > firstEventLimitS * 1000) break;
    await lab.sleep(0.2);
  }
  const { status, signal } = await running.stop("SIGINT", 60_000);
  const said = lab.keep(err, `${tool.name}.err`).trim();
  lab.keep(out, `${tool.name}.out`);
  return {
    tool: tool.name,
    ...(firstEventMs === undefined ? {} : { firstEventMs }),
    lines: lines(),
    exitStatus: status ?? signal ?? "killed",
    said: said.slice(-1000),
  };
}

export default defineScenario({
  name: "support",
  summary: "what each probe and each tool can do on a kernel; docs/kernels.md is made of it (npm run lab -- support)",
  thin: true,
  timeLimitSeconds: 900,

  async setup(lab) {
    await startSamba(lab);
    await startNfsd(lab);
    await mountCifs(lab, { mountPoint: share, options: { actimeo: 0 } });
    await mountNfs(lab, { version: "4.2", mountPoint: nfs });
  },

  async timeline(lab) {
    const probes = await lab.step("aod probes", () =>
      lab.aod(["probes", "--json"], { timeoutMs: 180_000, anyStatus: true }),
    );
    lab.write("probes.ndjson", probes.stdout);
    lab.write("probes.err", probes.stderr);
    const reports: ToolReport[] = [];
    for (const tool of toolsOfKernels) reports.push(await lab.step(tool.name, () => tryTool(lab, tool)));
    lab.writeJson("tools.json", reports);
  },

  expect(results) {
    const { probes, tools } = kernelReport(results, { release: "", commit: "", date: "" });
    for (const report of tools) {
      const standing = standingOf(report.tool, probes);
      if (standing.standing === "unsupported") {
        assert.equal(report.exitStatus, 3, `${report.tool}: ${report.said}`);
        continue;
      }
      assert.equal(report.exitStatus, 0, `${report.tool}: ${report.said}`);
      assert.ok(report.firstEventMs !== undefined, `${report.tool} showed nothing: ${report.said}`);
    }
    // What is promised: everything where modules have BTF; what 5.10 lacks is said.
    const without = results.kernel === "5.10";
    for (const { probe, standing, lacks, why } of probes) {
      const said = `${probe} is ${standing}: ${why ?? lacks.join("; ")}`;
      assert.ok(standing === "full" || (without && standing === "degraded"), said);
    }
  },
});
