import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultErrorRules, statusCode } from "../detect/error-defaults.ts";
import { reconfigure } from "../detect/reconfigure.ts";
import { createDetectors } from "../detect/registry.ts";
import { kernelNumbers } from "../nfs/status.ts";
import { AOD_FRAME_SIZE, decodeAodRpcSettings } from "../probe/decoders.gen.ts";
import { rpcSettingsFrame } from "../probe/rpc-settings.ts";
import type { VfsOp } from "../probe/vfs-op.ts";
import { messageOf } from "../system/error.ts";
import { detectorRules, parseConfig } from "./config.ts";

const problems = (text: string): string[] => {
  try {
    parseConfig(text, "aod.yaml");
  } catch (error) {
    return messageOf(error).split("\n").slice(1);
  }
  return [];
};

test("all detectors are on by default, each can be switched off", () => {
  const all = detectorRules(parseConfig("", "a.yaml"));
  assert.equal(createDetectors(all).length, 12);
  const sections =
    "latency nfs_latency errors hang connection network kernel_log nfs_rpc auth slowdown throughput".split(" ");
  const off = sections.map((name) => `  ${name}: {enabled: false}`).join("\n");
  assert.deepEqual(detectorRules(parseConfig(`detectors:\n${off}\n`, "a.yaml")), {});
});

test("every status and command of the default error rules has a number", () => {
  const { errors } = detectorRules(parseConfig("", "a.yaml"));
  for (const rule of errors?.rules ?? []) {
    const written = defaultErrorRules[rule.name];
    assert.equal(rule.statuses.size, new Set(written?.statuses).size, rule.name);
    assert.equal(rule.commands?.size ?? 0, written?.commands.length, rule.name);
  }
  assert.equal(errors?.rules.length, 11);
});

test("of the default rules: what programs meet on NFS all day shares no bit with what the probe tells one by one", () => {
  const needs = createDetectors(detectorRules(parseConfig("", "a.yaml"))).flatMap(({ needs }) => needs.rpc ?? []);
  const [errorStatuses] = needs.flatMap((one) => (one.errors === true ? [one.errorStatuses] : []));
  assert.ok(errorStatuses);
  const frame = rpcSettingsFrame({ slowUs: null, errors: true, errorStatuses, paths: false, inflightUs: null });
  const { told } = decodeAodRpcSettings(frame, AOD_FRAME_SIZE).rpc;
  const isTold = (number: number): boolean => {
    const bit = Number((BigInt(0x8000_0000 + number) * 0x9e3779b1n) & 0xffff_ffffn) >>> 22;
    return (((told[bit >>> 5] ?? 0) >>> (bit & 31)) & 1) === 1;
  };
  assert.ok(kernelNumbers(70).every(isTold));
  for (const name of ["NOENT", "EXIST", "NOTEMPTY", "ISDIR", "NOTDIR", "DELAY", "GRACE", "OLD_STATEID", "DENIED"])
    for (const number of kernelNumbers(statusCode("nfs", name) ?? 0)) assert.ok(!isTold(number), `${name} ${number}`);
});

test("an error rule changes, adds to and takes away from the defaults", () => {
  const yaml = `detectors:
  errors:
    rules:
      severe: {count: 7}
      eof-read-burst: off
      delay: {protocol: nfs, commands: [open, READ], statuses: [delay, 10008], count: 2, severity: info}
`;
  const rules = detectorRules(parseConfig(yaml, "a.yaml")).errors?.rules ?? [];
  const named = (name: string) => rules.find((rule) => rule.name === name);
  assert.deepEqual([named("severe")?.count, named("severe")?.statuses.size], [7, 18]);
  assert.equal(named("eof-read-burst"), undefined);
  assert.deepEqual(named("delay"), {
    name: "delay",
    protocol: "nfs",
    commands: new Set(["OPEN", "READ"]),
    statuses: new Set([10_008]),
    count: 2,
    severity: "info",
  });
});

test("what another detector tells, the kernel log's leaves to it, unless that is off or the configuration says otherwise", () => {
  const of = (yaml: string) => detectorRules(parseConfig(yaml, "a.yaml")).kernelLog?.severities.get("nfs.locks-lost");
  assert.equal(of(""), "off");
  assert.equal(of("detectors: {nfs_rpc: {enabled: false}}"), undefined, "as its kind");
  assert.equal(of("detectors: {kernel_log: {severities: {nfs.locks-lost: critical}}}"), "critical");
});

const wrong: readonly (readonly [yaml: string, problem: RegExp])[] = [
  [
    "detectors: {errors: {rules: {x: {statuses: [STATUS_DISC_FULL], count: 1}}}}",
    /errors\.rules\.x\.statuses\[0\]: expected an NT status such as STATUS_DISK_FULL/,
  ],
  [
    "detectors: {errors: {rules: {x: {protocol: nfs, statuses: [NFS4ERR_STAL]}}}}",
    /statuses\[0\]: expected an NFS status such as NFS4ERR_STALE/,
  ],
  [
    "detectors: {errors: {rules: {x: {statuses: [disk_full], commands: [wirte]}}}}",
    /commands\[0\]: expected an SMB2 command/,
  ],
  ["detectors: {errors: {rules: {x: {count: 3}}}}", /errors\.rules\.x: expected at least one of `statuses`/],
  [
    "detectors: {errors: {rules: {severe: 5}}}",
    /errors\.rules\.severe: expected a mapping of protocol, commands, statuses, count and severity, or off/,
  ],
  ["detectors: {kernel_log: {severities: {smb.not-there: info}}}", /severities\.smb\.not-there/],
  ["detectors: {kernel_log: {severities: {trouble: bad}}}", /expected one of info, warning, critical, off/],
  [
    "detectors: {network: {retransmit_share: 5}}",
    /retransmit_share: expected a share from 0 to 1 such as 0\.05 \(got 5\)/,
  ],
  ["detectors: {nfs_latency: {exclude: [OPNE]}}", /exclude\[0\]: expected an NFS procedure such as READ or OPEN/],
  [
    "incidents: {on_incident: [notify.sh]}",
    /on_incident: expected a list: an absolute path of a program, then its arguments/,
  ],
];
for (const [yaml, problem] of wrong) {
  test(`wrong: ${yaml}`, () => {
    const told = problems(yaml);
    assert.equal(told.length, 1, told.join("; "));
    assert.match(told[0] ?? "", problem);
  });
}

test("errors of VFS callbacks: quiet by default, asked of the probe and told by a rule of callback and errno", () => {
  const rulesOf = (yaml: string) => ({ errors: detectorRules(parseConfig(yaml, "a.yaml")).errors ?? assert.fail() });
  assert.equal(createDetectors(rulesOf(""))[0]?.needs.vfsErrors, undefined);
  const rule = "{protocol: smb-vfs, commands: [fsync, cifs_setattr], statuses: [EIO, 28], count: 2}";
  const [detector] = createDetectors(rulesOf(`detectors: {errors: {rules: {lost-writes: ${rule}}}}`));
  assert.equal(detector?.needs.vfsErrors, true);
  const failed = (member: string, name: string, errno: number): VfsOp =>
    ({
      ...{ seq: 1, protocol: "smb", startedNs: 1e9, endedNs: 2e9, latencyUs: 1e6, pid: 7, tid: 7, comm: "dd" },
      ...{ cgroupId: 0n, retval: -errno, failed: true, errno, queued: false, alias: false, cut: false, depth: 0 },
      callback: { member, function: name },
    }) as unknown as VfsOp;
  const tell = (...ops: VfsOp[]) => detector?.observe({ type: "vfs-ops", nowNs: 2e9, ops }) ?? [];
  assert.deepEqual(tell(failed("fsync", "cifs_strict_fsync", 5), failed("fsync", "cifs_fsync", 13)), []);
  assert.deepEqual(tell(failed("read_iter", "cifs_strict_readv", 5)), []);
  const [told] = tell(failed("setattr", "cifs_setattr", 28));
  assert.deepEqual([told?.rule, told?.evidence.within_window, told?.target.protocol], ["lost-writes", 2, "smb"]);
  assert.match(told?.summary ?? "", /EIO 1, ENOSPC 1 to cifs_strict_fsync 1, cifs_setattr 1, last for dd \(pid 7\)/);
  assert.match(
    problems(`detectors: {errors: {rules: {x: {protocol: smb-vfs, statuses: [ENOSUCH]}}}}`)[0] ?? "",
    /an errno such as EIO/,
  );
});

test("every detector takes other rules without beginning anew, and asks the probes for what it needs then", () => {
  const before = detectorRules(parseConfig("", "a.yaml"));
  const yaml = `detectors:
  latency: {count: 3}
  nfs_latency: {threshold: 100ms, window: 20s}
  errors: {window: 30s, rules: {severe: {count: 9}}}
  hang: {after: 3s}
  connection: {waiter_age: 1s, storm_window: 5m}
  network: {window: 10s}
  kernel_log: {quiet: 5s}
  nfs_rpc: {window: 30s}
  auth: {window: 1m}
  slowdown: {slice: 5s}
  throughput: {share: 0.1}
`;
  const after = detectorRules(parseConfig(yaml, "b.yaml"));
  const current = createDetectors(before);
  const detectors = reconfigure(current, before, after);
  assert.deepEqual(detectors, current, "the same ones, in the same order");
  assert.ok(detectors.every((detector, index) => detector === current[index]));
  const fresh = createDetectors(after);
  for (const detector of detectors)
    assert.deepEqual(detector.needs, fresh.find(({ name }) => name === detector.name)?.needs, detector.name);
});
