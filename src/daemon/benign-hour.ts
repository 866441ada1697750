import { MS, mid, off, op, rpc, S, smbState, waiter } from "../detect/fixture.ts";
import type { Observation, RpcWindow, SmbWindow, SocketSample } from "../detect/observation.ts";
import { bucketOf } from "../probe/histogram.ts";
import type { SmbOp, Waiter } from "../probe/op.ts";
import { commandCode, type SmbCommandName } from "../smb/commands.ts";
import type { DebugMid } from "../smb/debug-data.ts";
import type { JudgedWorld } from "./judge-fixture.ts";

// For tests: an hour of a healthy client with an SMB and an NFS mount, as its sources would tell it second by second. The same numbers each time.

const NOT_FOUND = 0xc000_0034;
const COLLISION = 0xc000_0035;
const LOCK_NOT_GRANTED = 0xc000_0055;
const END_OF_FILE = 0xc000_0011;

/** What goes on in one second. */
interface Load {
  /** command -> requests and their usual latency in ms. */
  readonly smb: Partial<Record<SmbCommandName, readonly [count: number, latencyMs: number]>>;
  readonly nfs: Readonly<Record<string, readonly [count: number, latencyMs: number]>>;
  readonly failed?: Partial<Record<SmbCommandName, readonly [count: number, status: number]>>;
  readonly mids?: readonly DebugMid[];
  readonly waiters?: readonly Waiter[];
  readonly bytes?: number;
  /** D-state since then: a program waits for its pages to be written. */
  readonly writeback?: number;
}

export interface HourOptions {
  /** No probe is attached. */
  readonly blind?: boolean;
  /** From this second on the server answers nothing. */
  readonly frozenFrom?: number;
}

/** Steps of a deterministic walk between 0 and 1. */
function noise(second: number, salt: number): number {
  const value = Math.sin(second * 12.9898 + salt * 78.233) * 43_758.5453;
  return value - Math.floor(value);
}

function loadOf(second: number): Load {
  const minute = Math.floor(second / 60);
  const jitter = 0.8 + 0.4 * noise(second, minute);
  const large: Load = {
    smb: { SMB2_WRITE: [90 * jitter, 120], SMB2_QUERY_INFO: [2, 20], SMB2_FLUSH: [second % 60 === 0 ? 1 : 0, 400] },
    nfs: { WRITE: [100 * jitter, 180], COMMIT: [second % 30 === 0 ? 1 : 0, 1500], GETATTR: [3, 10] },
    waiters: [waiter({ tid: 50 + (second % 7), sinceNs: -1 })],
    bytes: 9e7 * jitter,
    writeback: minute * 60,
  };
  const small: Load = {
    smb: {
      SMB2_CREATE: [400 * jitter, 1.5],
      SMB2_CLOSE: [380 * jitter, 0.8],
      SMB2_WRITE: [150 * jitter, 1.2],
      SMB2_READ: [200 * jitter, 1.1],
      SMB2_QUERY_DIRECTORY: [40, 2],
      SMB2_SET_INFO: [30, 1.5],
    },
    nfs: {
      OPEN: [100 * jitter, 2],
      CLOSE: [100 * jitter, 1],
      GETATTR: [300 * jitter, 0.7],
      READ: [90, 1],
      LOOKUP: [200, 0.8],
    },
    failed: { SMB2_CREATE: [250 * jitter, second % 5 === 0 ? COLLISION : NOT_FOUND], SMB2_READ: [20, END_OF_FILE] },
    bytes: 2e6,
  };
  const locks: Load = {
    smb: { SMB2_LOCK: [12, 1], SMB2_READ: [5, 1] },
    nfs: { LOCK: [1, 4000], GETATTR: [1, 1] },
    failed: { SMB2_LOCK: [10, LOCK_NOT_GRANTED] },
    mids: [mid(10, 7000n)],
    bytes: 1e4,
  };
  const idle: Load = {
    smb: second % 60 === 0 ? { SMB2_ECHO: [1, 1] } : {},
    nfs: second % 50 === 0 ? { SEQUENCE: [1, 1] } : {},
  };
  if (minute % 20 < 5) return large;
  if (minute % 20 < 12) return small;
  if (minute % 20 < 15) return locks;
  return idle;
}

/** Lets an hour pass. */
export function benignHour(
  world: JudgedWorld,
  { blind = false, frozenFrom = Number.POSITIVE_INFINITY }: HourOptions = {},
): void {
  const { judge } = world;
  const startNs = world.nowNs;
  const tell = (observation: Observation): void => judge.observe(observation);
  for (const source of blind ? ["smb_wire", "nfs_rpc"] : []) tell(off(source));
  let instance = 1;
  const totals = new Totals();
  for (let second = 1; second <= 3600; second++) {
    const nowNs = startNs + second * S;
    world.nowNs = nowNs;
    const frozen = second >= frozenFrom;
    const load = frozen ? { smb: {}, nfs: {}, mids: [mid(5, 8000n)] } : loadOf(second);
    const since = (Math.floor(second / 60) * 60 - second) * S + nowNs;
    // The server ends the idle connection, and the client makes it anew.
    const idleEnd = !frozen && second % 1200 === 1100;
    if (idleEnd) instance++;
    const exiting = second % 60 === 30;
    world.data = smbState(
      { instance, credits: [load.bytes === undefined ? 500 : 0, 1, 1], inMaxRequestWait: load.waiters?.length ?? 0 },
      [mid(15, 1n), ...(load.mids ?? []), ...(second % 60 === 0 ? [mid(13, 2n)] : [])],
    );
    tell({
      type: "smb-state",
      nowNs,
      data: exiting ? smbState({ ...world.data.servers[0], tcpStatus: 2 }) : world.data,
    });
    if (second % 60 === 0) {
      const text = "CIFS: Attempting to mount \\\\files.example\\share";
      tell({
        type: "kernel-messages",
        nowNs,
        messages: [{ id: "smb.mounting", protocol: "smb", kind: "notice", timeNs: nowNs, level: 6, text }],
      });
    }
    totals.add(load);
    if (!blind) probes(tell, load, nowNs, second, frozen);
    if (blind || second % 5 === 0) tell(totals.smb(nowNs));
    if (blind || second % 5 === 0) tell(totals.nfs(nowNs));
    if (second % 15 === 0) tell(sockets(nowNs, load, idleEnd || second % 1200 === 1110));
    if (load.writeback !== undefined && second % 15 === 0)
      tell({
        type: "stuck-tasks",
        nowNs,
        tasks: [{ pid: 9, tid: 9, comm: "dd", sinceNs: since, layer: "nfs", wchan: "folio_wait_writeback" }],
      });
    judge.advance();
  }
}

function probes(
  tell: (observation: Observation) => void,
  load: Load,
  nowNs: number,
  second: number,
  frozen: boolean,
): void {
  const windows = Object.entries(load.smb).flatMap(([command, [count, latencyMs]]): SmbWindow[] => {
    if (Math.round(count) === 0) return [];
    const errors = load.failed?.[command as SmbCommandName]?.[0] ?? 0;
    const base = { connectionId: 1n, sessionId: 0x65n, treeId: 5, commandCode: commandCode(command as SmbCommandName) };
    return [{ ...base, count: Math.round(count), errors, latency: latencies(count, latencyMs, second) }];
  });
  tell({ type: "smb-window", nowNs, windows, reconnects: 0 });
  const rpcs = Object.entries(load.nfs).flatMap(([procedure, [count, latencyMs]]): RpcWindow[] => {
    const ended = Math.round(count);
    if (ended === 0) return [];
    const target = { protocol: "nfs", server: "nas" } as const;
    return [
      {
        target,
        procedure,
        count: ended,
        errors: 0,
        attempts: ended,
        transmissions: ended,
        latency: latencies(count, latencyMs, second),
      },
    ];
  });
  tell({ type: "rpc-window", nowNs, windows: rpcs });
  const failed = Object.entries(load.failed ?? {}).flatMap(([command, [count, status]]): SmbOp[] =>
    Array.from({ length: Math.round(count) }, (_, index) =>
      op({
        seq: second * 1000 + index,
        command: command as SmbCommandName,
        status,
        latencyMs: 1,
        endedNs: nowNs - index * MS,
      }),
    ),
  );
  tell({ type: "ops", nowNs, ops: failed });
  // A WRITE that waited for its turn behind all the others.
  const behind = rpc({
    procedure: "WRITE",
    latencyMs: 9000,
    endedNs: nowNs,
    phasesUs: { queue: 8_700_000, wire: 300_000, wake: 0 },
  });
  if (load.bytes !== undefined && load.nfs.WRITE !== undefined) tell({ type: "rpc-ops", nowNs, ops: [behind] });
  const notify = op({
    seq: 1,
    command: "SMB2_CHANGE_NOTIFY",
    latencyMs: second * 1000,
    endedNs: undefined,
    nowNs,
    mid: 1n,
  });
  const lock = op({ seq: 2, command: "SMB2_LOCK", latencyMs: 60_000, endedNs: undefined, nowNs, mid: 7000n });
  const stuck = op({ seq: 3, command: "SMB2_CREATE", latencyMs: 30_000, endedNs: undefined, nowNs, mid: 8000n });
  const locked = (load.mids ?? []).some(({ command }) => command === 10);
  const waiters = (load.waiters ?? []).map((one) => ({ ...one, sinceNs: nowNs - 60 * MS }));
  tell({
    type: "inflight",
    nowNs,
    inflight: { ops: [notify, ...(locked ? [lock] : []), ...(frozen ? [stuck] : [])], waiters },
  });
  const queued = rpc({ seq: 4, procedure: "WRITE", latencyMs: 12_000, endedNs: undefined, nowNs });
  if (load.nfs.WRITE !== undefined) tell({ type: "rpc-inflight", nowNs, ops: [queued] });
}

function latencies(count: number, latencyMs: number, second: number): ReadonlyMap<number, number> {
  const buckets = new Map<number, number>();
  for (const factor of [0.5, 0.8, 1, 1.3, 2.5]) {
    const bucket = bucketOf(latencyMs * factor * (0.9 + 0.2 * noise(second, factor)) * MS);
    buckets.set(bucket, (buckets.get(bucket) ?? 0) + Math.round(count) / 5);
  }
  return buckets;
}

function sockets(nowNs: number, load: Load, ended: boolean): Observation {
  const target = { protocol: "smb", server: "files.example", address: "192.0.2.1" } as const;
  const place = { local: { address: "192.0.2.9", port: 40_000 }, remote: { address: "192.0.2.1", port: 445 } };
  const busy = load.bytes !== undefined;
  const sample: SocketSample = {
    target,
    ...place,
    state: "ESTABLISHED",
    sendQueue: busy ? 90_000 : 0,
    receiveQueue: 0,
    unacked: busy ? 40 : 0,
    zeroWindow: false,
    rttMs: 1,
    delta: { intervalNs: 15 * S, segmentsOut: busy ? 60_000 : 10, retransmits: busy ? 30 : 0 },
  };
  const gone = ended ? [{ target, ...place, state: "ESTABLISHED", replaced: true }] : [];
  const tcp = {
    intervalNs: 15 * S,
    segmentsOut: 1000,
    retransmits: 30,
    resetsReceived: ended ? 1 : 0,
    resetsSent: 0,
    connectFailures: 0,
  };
  return { type: "sockets", nowNs, sockets: ended ? [] : [sample], gone, tcp };
}

/** What the kernel's counters have gone on by since they were looked at last. */
class Totals {
  #loads: Load[] = [];
  #rpcs: Load[] = [];

  add(load: Load): void {
    this.#loads.push(load);
    this.#rpcs.push(load);
  }

  smb(nowNs: number): Observation {
    const loads = this.#loads.splice(0);
    const sums = sumsOf(loads.map(({ smb }) => smb));
    const bytes = loads.reduce((sum, load) => sum + (load.bytes ?? 0), 0);
    const of = (command: string) => Math.round(sums.get(command)?.count ?? 0);
    return {
      type: "smb-stats",
      nowNs,
      delta: {
        intervalNs: loads.length * S,
        sessionReconnects: 0,
        shareReconnects: 0,
        shares: [
          {
            target: { protocol: "smb", server: "files.example", share: "\\\\files.example\\share" },
            disconnected: false,
            requests: [...sums.values()].reduce((sum, { count }) => sum + Math.round(count), 0),
            bytesRead: bytes / 2,
            bytesWritten: bytes / 2,
            counts: new Map([
              ["Creates", { total: of("SMB2_CREATE"), failed: Math.round(of("SMB2_CREATE") * 0.6) }],
              ["Reads", { total: of("SMB2_READ"), failed: 0 }],
              ["Writes", { total: of("SMB2_WRITE"), failed: 0 }],
              ["Locks", { total: of("SMB2_LOCK"), failed: of("SMB2_LOCK") }],
            ]),
          },
        ],
        commands: [...sums].map(([command, { count, totalMs }]) => ({
          connection: 0,
          commandCode: commandCode(command as SmbCommandName),
          count: Math.round(count),
          totalMs,
          slow: 0,
        })),
      },
    };
  }

  nfs(nowNs: number): Observation {
    const loads = this.#rpcs.splice(0);
    const sums = sumsOf(loads.map(({ nfs }) => nfs));
    const bytes = loads.reduce((sum, load) => sum + (load.bytes ?? 0), 0);
    const ended = [...sums.values()].reduce((sum, { count }) => sum + Math.round(count), 0);
    return {
      type: "mountstats",
      nowNs,
      mounts: [
        {
          target: { protocol: "nfs", server: "nas", export: "/export" },
          mountPoint: "/mnt/nas",
          intervalNs: loads.length * S,
          operations: [...sums].map(([operation, { count, totalMs }]) => ({
            operation,
            count: Math.round(count),
            transmissions: Math.round(count),
            majorTimeouts: 0,
            queueMs: operation === "WRITE" ? 8000 * count : 0,
            roundTripMs: totalMs,
            executeMs: totalMs,
            errors: operation === "LOOKUP" ? Math.round(count / 2) : 0,
            bytes: operation === "WRITE" || operation === "READ" ? bytes : 0,
          })),
          // What was sent again long ago is still owed, by the counters.
          transports: [{ kind: "tcp", connects: 0, sends: ended, receives: ended, badXids: 0, pending: 4 }],
        },
      ],
    };
  }
}

function sumsOf(
  all: readonly Readonly<Record<string, readonly [number, number]>>[],
): ReadonlyMap<string, { readonly count: number; readonly totalMs: number }> {
  const sums = new Map<string, { count: number; totalMs: number }>();
  for (const [command, [count, latencyMs]] of all.flatMap((one) => Object.entries(one))) {
    if (Math.round(count) === 0) continue;
    const sum = sums.get(command) ?? { count: 0, totalMs: 0 };
    sum.count += count;
    sum.totalMs += count * latencyMs;
    sums.set(command, sum);
  }
  return sums;
}
