import { defaultErrorRules } from "../detect/error-defaults.ts";
import { defaultSeverities } from "../detect/kernel-log-defaults.ts";
import { nfsMessageIds } from "../nfs/kernel-messages.ts";
import { smbMessageIds } from "../smb/kernel-messages.ts";
import { commandList, commandThresholds, duration, durationOrOff, flag, integer, section } from "./keys.ts";
import { errorRules, factor, procedureList, procedureThresholds, severity, severityMap, share } from "./kinds.ts";

const maxTargets = (initial: number, what: string) =>
  integer(initial, 1, 4096, `${what} that are remembered; the longest silent one is forgotten first, and counted.`);

const latency = section({
  enabled: flag(true, "Watch for slow operations."),
  window: duration("10s", "The sliding time window of the count rule."),
  count: integer(10, 1, 10_000, "This many slow operations of one connection within the window are an anomaly."),
  threshold: duration("500ms", "An operation that takes at least this long is slow."),
  single: durationOrOff("1s", "One operation that takes at least this long is an anomaly by itself."),
  commands: commandThresholds(
    "Thresholds of single commands. A bare duration is the command's `threshold`; its `single` is then the larger of that and the general one.",
  ),
  exclude: commandList(
    ["SMB2_CHANGE_NOTIFY"],
    "Commands that are not watched, because they last as long as they have to.",
  ),
  blocking_locks: flag(false, "Count locks too that the server lets wait for another holder."),
  in_flight: flag(true, "The age of what has not completed yet counts as latency: a frozen server completes nothing."),
  max_targets: integer(
    64,
    1,
    1024,
    "Connections that are remembered; the longest silent one is forgotten first, and counted.",
  ),
});

const nfsLatency = section({
  enabled: flag(
    true,
    "Watch for slow RPCs of the NFS client. What moves data is judged without the time that it waits to be sent.",
  ),
  window: duration("10s", "The sliding time window of the count rule."),
  count: integer(10, 1, 10_000, "This many slow RPCs of one server within the window are an anomaly."),
  threshold: duration("500ms", "An RPC that takes at least this long is slow."),
  single: durationOrOff("1s", "One RPC that takes at least this long is an anomaly by itself."),
  commands: procedureThresholds(
    "{COMMIT: {threshold: 2s, single: 10s}}",
    "Thresholds of single procedures, written as those of `latency`. A server answers a COMMIT when its disk has everything.",
  ),
  exclude: procedureList(["LOCK"], "Procedures that are not watched, because they last as long as they have to."),
  in_flight: flag(true, "The age of what has not completed yet counts as latency."),
  max_targets: maxTargets(64, "Servers"),
});

const errors = section({
  enabled: flag(true, "Watch for errors that come too often."),
  window: duration("60s", "The sliding time window in which errors are counted."),
  rules: errorRules(
    defaultErrorRules,
    "Rules: `count` answers with one of `statuses` to one of `commands` (none: any) of one share within the window. With `protocol: smb-vfs` the commands are VFS callbacks (`fsync`, `cifs_fsync`) and the statuses errnos (`EIO`), seen where `probes.smb_vfs` is on; none is a default. A name of a default rule changes the keys that are given; docs/detectors.md lists the defaults.",
  ),
  counters: integer(
    10,
    1,
    1_000_000,
    "Where no probe tells the status: this many failed reads, writes, flushes, listings or tree connects of one share within the window.",
  ),
  max_targets: maxTargets(256, "Shares"),
});

const hang = section({
  enabled: flag(true, "Watch for what does not end, while it hangs."),
  after: duration(
    "10s",
    "A request in flight, or a task that waits for credits, for a reconnect or in the client's code, hangs at this age.",
  ),
  exclude: commandList(["SMB2_CHANGE_NOTIFY"], "Commands that last as long as they have to."),
  locks: flag(false, "Locks too, which may wait for another holder."),
  max_tracked: integer(4096, 16, 65_536, "Requests and tasks that are followed at the same time."),
});

const connection = section({
  enabled: flag(true, "Watch the connections of the SMB client."),
  down_after: duration("10s", "A connection, or a session that is in use, that has not been good for this long."),
  credits_after: duration("10s", "No credits for this long while tasks wait for some and nothing is answered."),
  storm_count: integer(
    5,
    2,
    10_000,
    "This many reconnects of one connection within `storm_window`, also of idle ones.",
  ),
  storm_window: duration("10m", "The window of `storm_count` and `expiries`."),
  expiries: integer(3, 1, 10_000, "So many times within `storm_window` the server has ended the session."),
  waiters: integer(5, 1, 100_000, "This many tasks that wait for credits or a reconnect at the same time."),
  waiter_age: duration("2s", "They count from this age on."),
  max_targets: maxTargets(256, "Connections"),
});

const network = section({
  enabled: flag(true, "Watch the TCP connections to the servers."),
  window: duration("30s", "The sliding time window in which segments are counted."),
  retransmit_share: share(0.05, "This share of the segments was sent again, ..."),
  retransmits: integer(20, 1, 1_000_000, "... and at least so many."),
  zero_window_after: duration("5s", "The server's window is closed for this long."),
  backoff: integer(
    4,
    1,
    15,
    "The retransmission timeout was doubled so many times while something is not acknowledged.",
  ),
  connect_after: duration("5s", "A connection request is not answered for this long."),
  max_targets: maxTargets(256, "Connections"),
});

const kernelLog = section({
  enabled: flag(true, "Watch the kernel log for messages of the clients."),
  quiet: duration("60s", "The same message again within this time is the same anomaly."),
  severities: severityMap(
    ["trouble", "notice", "recovered", ...smbMessageIds, ...nfsMessageIds],
    defaultSeverities,
    "Severities by the id of the message, or by its kind: `trouble`, `notice`, `recovered`.",
  ),
});

const nfsRpc = section({
  enabled: flag(true, "Watch the RPC layer of the NFS client."),
  window: duration("60s", "The sliding time window in which RPCs are counted."),
  retransmissions: integer(5, 1, 1_000_000, "This many RPCs of one server were sent again within the window."),
  timeouts: integer(1, 1, 1_000_000, "This many major timeouts of one server within the window."),
  backlog: duration("5s", "RPCs that move no data waited this long on average before they were sent, ..."),
  backlog_count: integer(5, 1, 1_000_000, "... and they were so many."),
  max_targets: maxTargets(256, "Servers"),
});

const auth = section({
  enabled: flag(true, "Watch for upcalls that fail and tickets that end."),
  window: duration("10m", "The sliding time window in which failures are counted."),
  failures: integer(1, 1, 100_000, "This many failed upcalls of one kind and user within the window."),
  ticket_ends: duration("5m", "A ticket that ends within this time, and is not renewed, is told."),
  ticket_severity: severity(
    "info",
    "Of tickets that end or have ended: on many hosts people let theirs end every evening.",
  ),
  max_tracked: maxTargets(256, "Kinds of failure and tickets"),
});

const slowdown = section({
  enabled: flag(true, "Watch for a slowdown against what is usual, without a threshold."),
  slice: duration("10s", "What is judged at a time."),
  slices: integer(6, 1, 1000, "So many slices with requests in a row must be slow."),
  min_requests: integer(30, 1, 1_000_000, "Requests of one command and target that a slice needs to be judged."),
  factor: factor(5, 1.1, "The median is this many times the usual one, ..."),
  least: duration("50ms", "... and this much more, and more than 95 % of the usual ones."),
  learn: integer(60, 1, 100_000, "Slices with enough requests that must have been learnt first."),
  half_life: integer(720, 1, 1_000_000, "After so many slices with requests half of what was learnt is forgotten."),
  adapt: integer(360, 1, 1_000_000, "A slowdown of so many slices is the new normal."),
  rate_factor: factor(2, 1, "From this many times the usual rate on it is another workload, not a slowdown."),
  max_targets: maxTargets(512, "Pairs of target and command"),
});

const throughput = section({
  enabled: flag(true, "Watch for throughput that collapses while requests are in flight."),
  lasts: duration("10s", "It must have lasted for this long, with requests in flight at every look."),
  before: duration("60s", "The time before, that it is held against."),
  share: share(0.05, "Less than this share of it, in requests and in bytes."),
  min_requests: integer(50, 1, 1_000_000, "There must have been this many requests a second before, ..."),
  min_bytes: integer(5_000_000, 1, 1_000_000_000, "... or this many bytes a second."),
  max_targets: maxTargets(256, "Servers"),
});

/** `detectors` of aod.yaml. */
export const detectorSections = {
  latency,
  nfs_latency: nfsLatency,
  errors,
  hang,
  connection,
  network,
  kernel_log: kernelLog,
  nfs_rpc: nfsRpc,
  auth,
  slowdown,
  throughput,
};
