import assert from "node:assert/strict";
import { test } from "node:test";
import type { KernelMessage } from "../system/kernel-message.ts";
import { AuthDetector, type AuthRules } from "./auth.ts";
import { brief, off, S } from "./fixture.ts";
import { KernelLogDetector } from "./kernel-log.ts";
import { defaultSeverities } from "./kernel-log-defaults.ts";
import type { JournalLine, TicketSample } from "./observation.ts";

const log = new Map(Object.entries(defaultSeverities));
const message = (change: Partial<KernelMessage> = {}): KernelMessage => ({
  id: "smb.not-responding",
  protocol: "smb",
  kind: "trouble",
  timeNs: 10 * S,
  level: 3,
  server: "files.example",
  count: 180,
  text: "CIFS: VFS: \\\\files.example has not responded in 180 seconds. Reconnecting...",
  ...change,
});
const say = (detector: KernelLogDetector, ...messages: KernelMessage[]) =>
  detector.observe({ type: "kernel-messages", nowNs: 10 * S, messages });

test("a message is an anomaly by its id, else by its kind", () => {
  const detector = new KernelLogDetector({ severities: log, quietNs: 60 * S });
  const [anomaly] = say(detector, message());
  assert.match(anomaly?.summary ?? "", /^kernel log: CIFS: VFS: .* has not responded in 180 seconds/);
  assert.deepEqual(
    [anomaly?.severity, anomaly?.rule, anomaly?.evidence.number],
    ["critical", "smb.not-responding", 180],
  );
  assert.deepEqual(brief(say(detector, message({ id: "smb.send-stuck" }))), ["smb.send-stuck onset warning"]);
  assert.deepEqual(brief(say(detector, message({ id: "smb.status" }))), ["smb.status onset info"]);
  assert.deepEqual(say(detector, message({ id: "nfs.ok", kind: "recovered" })), []);
  assert.deepEqual(say(detector, message({ id: "smb.mounting", kind: "notice" })), []);
});

test("the same line again is the same anomaly, of another server another; `off` is silent", () => {
  const severities = new Map([...log, ["smb.send-stuck", "off"] as const]);
  const detector = new KernelLogDetector({ severities, quietNs: 60 * S });
  say(detector, message());
  assert.deepEqual(brief(say(detector, message({ timeNs: 50 * S }), message({ server: "b" }))), [
    "smb.not-responding ongoing critical",
    "smb.not-responding onset critical",
  ]);
  assert.deepEqual(say(detector, message({ id: "smb.send-stuck" })), []);
  detector.observe(off("kernel-log"));
  assert.deepEqual(detector.blind(), ["no message of the kernel (kernel-log is off: BPF is refused)"]);
});

const make = (change: Partial<AuthRules> = {}) =>
  new AuthDetector({
    windowNs: 600 * S,
    failures: 2,
    ticketEndsNs: 300 * S,
    ticketSeverity: "info",
    maxTracked: 16,
    ...change,
  });
const line = (change: Partial<JournalLine> = {}): JournalLine => ({
  timeNs: 10 * S,
  program: "cifs.upcall",
  verdict: "no-credentials",
  uid: 1000,
  text: "alice@EXAMPLE.COM: no key",
  ...change,
});

test("upcalls that fail, by what went wrong and for whom; names of people stay out of it", () => {
  const detector = make();
  const say = (...lines: JournalLine[]) => detector.observe({ type: "journal", nowNs: 10 * S, lines });
  assert.deepEqual(say(line(), line({ uid: 1001 }), line({ verdict: "upcall-ok" }), line({ verdict: "other" })), []);
  const [anomaly] = say(line({ timeNs: 20 * S }));
  assert.equal(anomaly?.summary, "cifs.upcall: no credentials were found of user 1000");
  assert.ok(!JSON.stringify(anomaly).includes("alice"));
  for (let uid = 0; uid < 5000; uid++) say(line({ uid }));
  assert.equal(detector.state().upcalls_followed, 16);
});

test("tickets that end soon, or have ended while a mount may need them", () => {
  const ticket = (remainingS: number, change: Partial<TicketSample> = {}): TicketSample => ({
    cache: "FILE:/tmp/krb5cc_1000",
    uid: 1000,
    client: "alice@EXAMPLE.COM",
    service: "krbtgt/EXAMPLE.COM@EXAMPLE.COM",
    remainingNs: remainingS * S,
    ...change,
  });
  const detector = make();
  const see = (...tickets: TicketSample[]) => detector.observe({ type: "tickets", nowNs: 100 * S, tickets, keys: [] });
  assert.deepEqual(see(ticket(3600)), []);
  assert.deepEqual(see(ticket(200, { renewableNs: 90_000 * S })), [], "it will be renewed");
  const service = { service: "cifs/files@EXAMPLE.COM", target: { protocol: "smb", server: "files" } } as const;
  assert.deepEqual(see(ticket(200, service), ticket(3600)), [], "there will be another");
  assert.equal(see(ticket(200))[0]?.summary, "the ticket-granting ticket of user 1000 ends in 200 s");
  assert.deepEqual(see(ticket(-10)), [], "nothing is mounted");
  const mount = {
    target: { protocol: "smb", server: "files" },
    mountPoint: "/mnt",
    device: "0:1",
    type: "cifs",
  } as const;
  detector.observe({ type: "mounts", nowNs: 0, all: [mount], mounted: [mount], unmounted: [] });
  assert.deepEqual(brief(see(ticket(-10))), ["ticket-expired onset info"]);
  assert.deepEqual(see(ticket(-90_000)), [], "left behind long ago");
});

test("a key without content is an upcall that gave none", () => {
  const key = { type: "cifs.spnego", description: "d", uid: 5, state: "negative" } as const;
  const [anomaly] = make().observe({
    type: "tickets",
    nowNs: 0,
    tickets: [],
    keys: [key, { ...key, type: "dns_resolver" }],
  });
  assert.equal(anomaly?.summary, "the upcall for a server gave user 5 no key");
});
