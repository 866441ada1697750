import assert from "node:assert/strict";
import { test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import type { IncidentJson } from "../daemon/incidents/json.ts";
import type { Status } from "../daemon/status.ts";
import { incidentList, incidentText } from "./incidents-text.ts";
import { bytes, span, statusText } from "./status-text.ts";

const open: IncidentJson = {
  id: "20261122T130511Z-latency-3f9a",
  state: "open",
  opened: "2026-11-22T13:05:11.000000Z",
  closed: null,
  target: { server: "files.example", share: "\\\\files.example\\share", connection_id: "0x1" },
  anomalies: [
    {
      detector: "latency",
      time: "2026-11-22T13:05:10.900000Z",
      summary: "SMB2_WRITE took 1.5 s, 1.4 s of it wire (d\u001b[31md, pid 7)",
    },
  ],
  bundle: null,
};
const closed: IncidentJson = {
  ...open,
  id: "20261122T140000Z-latency-0001",
  state: "closed",
  closed: "2026-11-22T14:02:00.000000Z",
  close_reason: "quiet",
  target: { connection_id: "0x2" },
  bundle_error: "bundle x could not be written: no space left below /state",
};
const plain = (text: string): string[] => stripVTControlCharacters(text).trimEnd().split("\n");

test("incidents, one a line, and nothing from a task's name reaches the terminal", () => {
  const [, first, second] = plain(incidentList([open, closed]));
  assert.match(
    first ?? "",
    /^20261122T130511Z-latency-3f9a {2}open {4}\\\\files\.example\\share +SMB2_WRITE took 1\.5 s, 1\.4 s of it wire \(d\\x1b\[31md, pid 7\)$/,
  );
  assert.match(second ?? "", /^20261122T140000Z-latency-0001 {2}closed {2}connection 0x2 /);
  assert.deepEqual(plain(incidentList([])), ["No incidents: nothing has been slow."]);
});

test("one incident: why it closed, and why it has no bundle", () => {
  assert.deepEqual(plain(incidentText(closed)).slice(0, 7), [
    "20261122T140000Z-latency-0001",
    "target     connection 0x2",
    "opened     2026-11-22T13:05:11.000000Z",
    "closed     2026-11-22T14:02:00.000000Z, because it was quiet again",
    "bundle     none",
    "           bundle x could not be written: no space left below /state",
    "anomalies  1",
  ]);
  assert.ok(plain(incidentText(open)).includes("bundle     when it closes"));
});

test("the status says which hook is not on its first rung and why, what was lost, and the last trouble with a bundle", () => {
  const status: Status = {
    versions: { aod: "0.1.0", node: "v26.0.0", kernel: "6.1.0" },
    pid: 7,
    started: "2026-11-22T13:00:00.000000Z",
    uptime_s: 300,
    config: "/etc/aod/aod.yaml",
    probes: [
      {
        name: "smb_wire",
        state: "running",
        pid: 8,
        kernel: "6.1.0",
        hooks: [
          { name: "create", function: "smb2_setup_request", rung: "fentry", needed: true },
          { name: "send", function: "__smb_send_rqst", rung: "kprobe", needed: false, why: "no BTF of it" },
        ],
        operations: 100,
        history: 100,
        open_requests: 3,
        losses: [{ kind: "unseen", detail: "SMB2_ECHO", count: 2 }],
        counts: [],
        counts_forgotten: 0,
        without: ["operations have no send and wire phase"],
      },
    ],
    sources: [
      {
        name: "kernel-log",
        reads: "/dev/kmsg",
        state: "ok",
        since: "2026-11-22T13:00:01.000000Z",
        last_success: "2026-11-22T13:05:00.000000Z",
        took_ms: 0.1234,
        longest_ms: 3,
        looks: 300,
        failures: 0,
        timeouts: 0,
        skipped: 0,
        losses: [{ kind: "overwritten", count: 3 }],
      },
      {
        name: "journal",
        reads: "journalctl --follow",
        state: "off",
        why: "journalctl is not installed",
        since: "2026-11-22T13:00:01.000000Z",
        longest_ms: 0,
        looks: 1,
        failures: 0,
        timeouts: 0,
        skipped: 0,
        losses: [],
      },
    ],
    detectors: [{ name: "latency", slow_operations: 4, blind: ["no single SMB request is seen (smb_wire is off)"] }],
    targets: [
      {
        connection_id: "0x1",
        server: "files.example",
        shares: ["\\\\files.example\\share"],
        connection: "needs reconnect",
      },
    ],
    incidents: {
      open: [open],
      remembered: 2,
      anomalies: 5,
      dropped: { same_fault: 0, too_many_open: 0, too_many_an_hour: 0, not_hanging: 1 },
      counts: { opened: 1, escalated: 0, noted: 0 },
    },
    bundles: {
      directory: "/var/lib/aod/bundles",
      count: 1,
      bytes: 2048,
      free_bytes: 1024 ** 3,
      last_error: { time: "2026-11-22T13:02:00.000000Z", message: "no space left below /var/lib/aod" },
      recovered: [],
    },
    recorder: {
      events: { state: "unavailable", why: "there is no tracefs at /sys/kernel/tracing", events: 0, lost: 0 },
      packets: { state: "armed", cost: 0.0123, budget: 0.005, captured: 10, dropped: 2, starts: 1 },
      observations: { bytes: 0, dropped: 0 },
      verbose: { state: "off", switched: [], put_back: ["/proc/fs/cifs/cifsFYI"] },
    },
    continuity: {
      pauses: 1,
      last_pause: { time: "2026-11-22T13:03:00.000000Z", for_s: 25 },
      clock_steps: 2,
      last_clock_step: { time: "2026-11-22T13:04:00.000000Z", by_s: -3600 },
    },
    memory: { rss: 70 * 1024 ** 2, rss_anon: 30 * 1024 ** 2, heap: 0 },
  };
  const lines = plain(statusText(status));
  for (const line of [
    "aod 0.1.0   pid 7, up 5 min, 70 MiB resident (30 MiB of its own)",
    "smb_wire  attached, 100 operations, the last 100 kept, 3 in flight",
    "  hooks   1 fentry, 1 kprobe",
    "          send (__smb_send_rqst) is on kprobe: no BTF of it",
    "  lost    unseen SMB2_ECHO 2",
    "kernel-log   ok, last 13:05:00Z in 0.12 ms, overwritten 3",
    "journal      off: journalctl is not installed",
    "  files.example  needs reconnect  0x1  \\\\files.example\\share",
    "anomalies 5 (1 did not hang)",
    "incidents 1 open, 2 remembered",
    "bundles   1 (2 KiB) in /var/lib/aod/bundles, 1 GiB free",
    "  last error 2026-11-22T13:02:00.000000Z: no space left below /var/lib/aod",
    "events    unavailable: there is no tracefs at /sys/kernel/tracing",
    "packets   recorded from the first sign of trouble on, costs 1.23 % of a processor, 2 dropped",
    "  did not run 1 times, the last time for 25 s until 2026-11-22T13:03:00.000000Z",
    "  the clock was set, or the machine slept, 2 times, the last time at 2026-11-22T13:04:00.000000Z by -3600 s",
    "  put back at the start /proc/fs/cifs/cifsFYI",
  ]) {
    assert.ok(lines.includes(line), `${line}\nis not in\n${lines.join("\n")}`);
  }
});

test("sizes and spans in words", () => {
  assert.deepEqual([0, 1023, 1536, 5 * 1024 ** 3].map(bytes), ["0 bytes", "1023 bytes", "1.5 KiB", "5 GiB"]);
  assert.deepEqual([5, 130, 7300, 200_000].map(span), ["5 s", "2 min", "2 h", "2 d"]);
});
