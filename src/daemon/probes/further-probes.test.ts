import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import type { Needs } from "../../detect/detector.ts";
import type { Observation } from "../../detect/observation.ts";
import { AodFrameType } from "../../probe/decoders.gen.ts";
import type { ProcessEnd, StartProcess } from "../../probe/helper-process.ts";
import {
  rawRpc,
  rawTarget,
  rpcInflightFrame,
  rpcOpsFrame,
  rpcTickFrame,
  targetsFrame,
} from "../../probe/testing/make-rpc-frames.ts";
import { openRecording } from "../../record/reader.ts";
import { FurtherProbe, furtherKinds } from "./further-probes.ts";
import { ProbeNews } from "./news.ts";

/** What the helper of a recording wrote. */
const recorded = (name: string): Buffer => {
  const path = fileURLToPath(new URL(`../../../test/fixtures/recordings/${name}`, import.meta.url));
  const frames = [...openRecording(path).chunks()].filter(({ kind }) => kind === "frames");
  return Buffer.concat(frames.map(({ payload }) => payload));
};

/** A helper that says what was recorded of one. */
function fakeHelper() {
  const asked: Buffer[] = [];
  const stdout = new PassThrough();
  let end: (end: ProcessEnd) => void = () => {};
  const start: StartProcess = () => {
    const stdin = new PassThrough();
    stdin.on("data", (piece: Buffer) => asked.push(piece));
    stdin.on("end", () => end({ code: 0, signal: null }));
    const ended = new Promise<ProcessEnd>((resolve) => {
      end = resolve;
    });
    return { stdin, stdout, stderr: new PassThrough(), ended, kill: () => end({ code: null, signal: "SIGKILL" }) };
  };
  return { start, stdout, asked, end: (code: number) => end({ code, signal: null }) };
}

function world(name: "nfs_rpc" | "smb_vfs", needs: Needs = { slowNs: new Map() }) {
  const kind = furtherKinds.find((one) => one.name === name) ?? assert.fail(name);
  const helper = fakeHelper();
  const observed: Observation[] = [];
  const machine = { loaded: true, enabled: true, nowNs: 1e9 };
  const clock = { nowNs: () => machine.nowNs, wallMs: () => 0 };
  const options = { program: "aod-probe", object: "x", clock, start: helper.start };
  const probe = new FurtherProbe(
    kind,
    { kinds: [kind], start: (_, hears, onExit) => kind.start(options, hears, onExit) },
    {
      enabled: () => machine.enabled,
      needs: () => needs,
      moduleLoaded: () => machine.loaded,
      nowNs: clock.nowNs,
      busy: () => {},
      observed: (one) => observed.push(one),
      log: { warn: () => {}, info: () => {} },
    },
  );
  return { probe, helper, observed, machine };
}

const turn = (): Promise<unknown> => new Promise((resolve) => setImmediate(resolve));

describe("a probe beside smb_wire", () => {
  it("waits for its module, is asked for what detectors need, and tells what it means to them", async () => {
    const { probe, helper, observed, machine } = world("nfs_rpc", {
      slowNs: new Map(),
      rpc: { slowNs: 5e6, errors: true },
    });
    machine.loaded = false;
    probe.beat();
    assert.equal(probe.manager.state.state, "waiting");
    machine.loaded = true;
    probe.beat();
    await turn();
    assert.equal(helper.asked[0]?.readUInt16LE(4), AodFrameType.REQUEST_SET);
    helper.stdout.write(targetsFrame([rawTarget()]));
    helper.stdout.write(rpcOpsFrame([rawRpc()]));
    helper.stdout.write(rpcTickFrame([{ count: 3 }]));
    helper.stdout.write(rpcInflightFrame(2e9, [rawRpc({ seq: 2 })]));
    await turn();
    assert.deepEqual(
      observed.map(({ type }) => type),
      ["rpc-ops", "rpc-window", "rpc-inflight"],
    );
    const [, window] = observed;
    const target = window?.type === "rpc-window" ? window.windows[0]?.target : undefined;
    assert.deepEqual(target, { protocol: "nfs", server: rawTarget().server });
    assert.deepEqual([probe.seen, probe.open], [3, 1]);
    await probe.manager.stop();
  });

  it("of the VFS only failed calls are told", async () => {
    const { probe, helper, observed } = world("smb_vfs");
    probe.beat();
    await turn();
    helper.stdout.write(recorded("6.12-smb_vfs.aodrec"));
    await turn();
    assert.equal(probe.manager.state.state, "running");
    assert.ok(observed.every((one) => one.type === "vfs-ops" && one.ops.every((op) => op.failed)));
    await probe.manager.stop();
  });

  it("one that ends is started again; one that is switched off is not started", async () => {
    const { probe, helper, machine } = world("nfs_rpc");
    machine.enabled = false;
    probe.beat();
    assert.equal(probe.manager.state.state, "waiting");
    machine.enabled = true;
    probe.beat();
    helper.end(1);
    await turn();
    await turn();
    assert.equal(probe.manager.state.state, "retrying");
  });
});

describe("how the probes do", () => {
  it("is told once per change", () => {
    const news = new ProbeNews();
    const waiting = { state: "waiting", why: "the kernel module nfs is not loaded" } as const;
    assert.deepEqual(news.take("nfs_rpc", waiting, 5), {
      type: "source",
      nowNs: 5,
      source: "nfs_rpc",
      state: "off",
      why: "the kernel module nfs is not loaded",
    });
    assert.equal(news.take("nfs_rpc", waiting, 6), undefined);
    assert.equal(news.take("nfs_rpc", { state: "starting" }, 7), undefined);
    const failed = news.take("nfs_rpc", { state: "failed", why: "x" }, 8);
    assert.equal(failed?.type === "source" && failed.state, "failed");
    const off = news.take("nfs_rpc", undefined, 9);
    assert.equal(off?.type === "source" && off.why, "the configuration switches it off");
  });

  it("a probe without some hooks is degraded", () => {
    const hook = { name: "send", function: "f", rung: "none", needed: false } as const;
    const hello = { pid: 1, probe: "smb_wire", module: "cifs", release: "6.12", ring: 1, hooks: [hook] };
    const news = new ProbeNews().take("smb_wire", { state: "running", hello, sinceNs: 0 }, 1);
    assert.deepEqual(news?.type === "source" && [news.state, news.why], ["degraded", "without the hooks send"]);
  });
});
