import assert from "node:assert/strict";
import { test } from "node:test";
import { brief, mid, S, smbState } from "./fixture.ts";
import { NetworkDetector } from "./network.ts";
import type { SocketSample } from "./observation.ts";

const make = () =>
  new NetworkDetector({
    windowNs: 30 * S,
    retransmitShare: 0.05,
    retransmits: 20,
    zeroWindowAfterNs: 5 * S,
    backoff: 4,
    connectAfterNs: 5 * S,
    maxTargets: 16,
  });
const socket = (change: Partial<SocketSample> = {}): SocketSample => ({
  target: { protocol: "smb", server: "files.example", address: "192.0.2.1" },
  local: { address: "192.0.2.9", port: 40_000 },
  remote: { address: "192.0.2.1", port: 445 },
  state: "ESTABLISHED",
  sendQueue: 0,
  receiveQueue: 0,
  zeroWindow: false,
  ...change,
});
const sent = (segmentsOut: number, retransmits: number): Partial<SocketSample> => ({
  delta: { intervalNs: S, segmentsOut, retransmits },
});
const look = (detector: NetworkDetector, nowS: number, change: Partial<SocketSample> = {}) =>
  detector.observe({ type: "sockets", nowNs: nowS * S, sockets: [socket(change)], gone: [] });

test("a share of the segments that is sent again; a few, or a small share, are the daily life of TCP", () => {
  const detector = make();
  for (let nowS = 1; nowS < 100; nowS++) assert.deepEqual(look(detector, nowS, sent(10_000, 50)), [], "0.5 %");
  const few = make();
  assert.deepEqual(look(few, 1, sent(20, 19)), []);
  const [anomaly] = look(few, 2, sent(80, 3));
  assert.equal(anomaly?.summary, "22 segments of 100 (22.0 %) to files.example were sent again within 30 s");
  assert.deepEqual(look(few, 3, sent(10, 0)), [], "nothing new");
});

test("a window that stays closed, not one that closes for a moment", () => {
  const detector = make();
  for (let nowS = 0; nowS < 40; nowS++) assert.deepEqual(look(detector, nowS, { zeroWindow: nowS % 5 !== 4 }), []);
  for (let nowS = 40; nowS < 45; nowS++) assert.deepEqual(look(detector, nowS, { zeroWindow: true }), []);
  const [anomaly] = look(detector, 45, { zeroWindow: true, sendQueue: 77 });
  assert.equal(anomaly?.summary, "files.example has taken no data for 5 s: its window is closed");
});

test("no acknowledgement, no answer to a connection request", () => {
  const detector = make();
  assert.deepEqual(look(detector, 1, { unacked: 3, sendQueue: 900, backoff: 3 }), []);
  assert.deepEqual(brief(look(detector, 2, { unacked: 3, sendQueue: 900, backoff: 4 })), [
    "no-acknowledgement onset critical",
  ]);
  for (let nowS = 3; nowS < 8; nowS++) assert.deepEqual(look(detector, nowS, { state: "SYN_SENT" }), []);
  assert.deepEqual(brief(look(detector, 8, { state: "SYN_SENT" })), ["connect onset warning"]);
});

test("a connection that ends with something under way; an unmount and an idle time-out end one too", () => {
  interface Ending {
    readonly before?: Partial<SocketSample>;
    readonly inFlight?: boolean;
    readonly resets?: number;
    /** When a mount of that server goes. */
    readonly unmountS?: number;
    /** Connections to the same server beside it. */
    readonly others?: number;
  }
  const end = ({ before = {}, inFlight = false, resets = 0, unmountS, others = 0 }: Ending): string[] => {
    const detector = make();
    detector.observe({ type: "smb-state", nowNs: 0, data: smbState({}, inFlight ? [mid(9)] : [mid(15), mid(13, 2n)]) });
    const beside = Array.from({ length: others }, (_, n) =>
      socket({ local: { address: "192.0.2.9", port: 50_000 + n } }),
    );
    detector.observe({ type: "sockets", nowNs: 20 * S, sockets: [socket(before), ...beside], gone: [] });
    const { target, local, remote } = socket(before);
    const gone = [{ target, local, remote, state: "ESTABLISHED", replaced: true }];
    const tcp = {
      intervalNs: S,
      segmentsOut: 1,
      retransmits: 0,
      resetsReceived: resets,
      resetsSent: 0,
      connectFailures: 0,
    };
    const said = detector.observe({ type: "sockets", nowNs: 30 * S, sockets: beside, gone, tcp });
    if (unmountS !== undefined) {
      const mount = { target, mountPoint: "/mnt/a", device: "0:45", type: "cifs" };
      said.push(...detector.observe({ type: "mounts", nowNs: unmountS * S, all: [], mounted: [], unmounted: [mount] }));
    }
    return brief([...said, ...detector.observe({ type: "sockets", nowNs: 35 * S, sockets: beside, gone: [] })]);
  };
  assert.deepEqual(end({ resets: 1 }), []);
  assert.deepEqual(end({}), []);
  assert.deepEqual(end({ before: { unacked: 2 } }), ["lost onset warning"]);
  assert.deepEqual(end({ inFlight: true, resets: 3 }), ["reset onset warning"]);
  assert.deepEqual(end({ before: { unacked: 2 }, unmountS: 32 }), [], "the last look was in the middle of the work");
  assert.deepEqual(end({ before: { unacked: 2 }, unmountS: 12 }), ["lost onset warning"], "of another mount, before");
  assert.deepEqual(end({ inFlight: true, others: 1 }), [], "the requests may be those of the other connection");
  const nfs = {
    target: { protocol: "nfs", address: "192.0.2.1" },
    remote: { address: "192.0.2.1", port: 2049 },
  } as const;
  assert.deepEqual(end({ before: nfs, inFlight: true }), [], "requests of SMB are none of NFS");
});

test("connections come and go, its memory is bounded", () => {
  const detector = make();
  for (let port = 1; port <= 5000; port++) look(detector, port, { local: { address: "192.0.2.9", port } });
  assert.equal(detector.state().connections, 16);
});
