import { endpointsOf } from "../smb/debug-data.ts";
import { Blindness } from "./blind.ts";
import { BoundedMap } from "./bounded-map.ts";
import { isWanted } from "./connection-look.ts";
import type { Anomaly, Detector, Needs, Severity } from "./detector.ts";
import { seconds } from "./latency-summary.ts";
import { type LostConnection, LostConnections } from "./lost-connections.ts";
import type { Observation, SocketSample } from "./observation.ts";
import { targetText } from "./target.ts";
import { type Verdict, Verdicts } from "./verdicts.ts";
import { WindowCount } from "./window-count.ts";

export interface NetworkRules {
  readonly windowNs: number;
  /** This share (0 to 1) of the segments sent within the window, ... */
  readonly retransmitShare: number;
  /** ... and at least so many. */
  readonly retransmits: number;
  readonly zeroWindowAfterNs: number;
  /** Doublings of the retransmission timeout while something is not acknowledged. */
  readonly backoff: number;
  readonly connectAfterNs: number;
  readonly maxTargets: number;
}

interface Known {
  readonly sent: WindowCount;
  readonly again: WindowCount;
  zeroSinceNs: number | undefined;
  connectingSinceNs: number | undefined;
}

const QUIET_NS = 30e9;

/** The TCP connections to the servers: segments sent again, a window that stays closed, no acknowledgement, connections lost in the middle. */
export class NetworkDetector implements Detector {
  readonly name = "network";
  readonly needs: Needs = { slowNs: new Map() };
  #rules: NetworkRules;
  readonly #known: BoundedMap<string, Known>;
  readonly #lost: LostConnections;
  readonly #verdicts = new Verdicts("network");
  readonly #blindness = new Blindness([
    { source: "sockets", without: "nothing of the network: no retransmission, closed window or reset" },
  ]);
  /** Requests in flight by the address of the server. */
  #inFlight: ReadonlyMap<string, number> = new Map();

  constructor(rules: NetworkRules) {
    this.#rules = rules;
    this.#known = new BoundedMap(rules.maxTargets);
    this.#lost = new LostConnections(rules.maxTargets);
  }

  configure(rules: NetworkRules): void {
    for (const { sent, again } of this.#known.values())
      for (const window of [sent, again]) window.resize(rules.windowNs);
    this.#known.resize(rules.maxTargets);
    this.#lost.resize(rules.maxTargets);
    this.#rules = rules;
  }

  observe(observation: Observation): Anomaly[] {
    this.#blindness.observe(observation);
    if (observation.type === "smb-state") {
      const { data } = observation;
      const ids = new Map<bigint | undefined, string>();
      for (const server of data.servers) {
        const address = server.sessions[0]?.address;
        const own = { ...data, servers: [server] };
        if (address !== undefined) for (const { connectionId } of endpointsOf(own)) ids.set(connectionId, address);
      }
      const counts = new Map<string, number>();
      for (const { connectionId, command } of data.mids) {
        const address = ids.get(connectionId);
        if (address !== undefined && isWanted(command)) counts.set(address, (counts.get(address) ?? 0) + 1);
      }
      this.#inFlight = counts;
    }
    const { nowNs } = observation;
    if (observation.type === "mounts") this.#lost.unmounted(observation.unmounted, nowNs);
    const lost = this.#lost.due(nowNs).map((one) => this.#tellLost(one, nowNs));
    if (observation.type !== "sockets") return lost;
    const { sockets, gone, tcp } = observation;
    for (const socket of gone) this.#known.delete(keyOf(socket));
    this.#lost.look(sockets, gone, tcp, this.#inFlight, nowNs);
    return [...lost, ...sockets.flatMap((socket) => this.#look(socket, nowNs))];
  }

  reject(): void {}

  state(): Readonly<Record<string, number>> {
    return { connections: this.#known.size, connections_forgotten: this.#known.forgotten };
  }

  blind(): string[] {
    return this.#blindness.blind();
  }

  #look(socket: SocketSample, nowNs: number): Anomaly[] {
    const { windowNs } = this.#rules;
    const known = this.#known.of(keyOf(socket), () => ({
      sent: new WindowCount(windowNs),
      again: new WindowCount(windowNs),
      zeroSinceNs: undefined,
      connectingSinceNs: undefined,
    }));
    known.zeroSinceNs = socket.zeroWindow ? (known.zeroSinceNs ?? nowNs) : undefined;
    known.connectingSinceNs = socket.state === "SYN_SENT" ? (known.connectingSinceNs ?? nowNs) : undefined;
    if (socket.delta !== undefined) {
      known.sent.add(nowNs, socket.delta.segmentsOut ?? 0);
      known.again.add(nowNs, socket.delta.retransmits);
    }
    return [...this.#retransmits(socket, known, nowNs), ...this.#lasting(socket, known, nowNs)];
  }

  #retransmits(socket: SocketSample, known: Known, nowNs: number): Anomaly[] {
    const again = known.again.total(nowNs);
    const sent = known.sent.total(nowNs);
    const fresh = socket.delta?.retransmits ?? 0;
    if (fresh === 0 || again < this.#rules.retransmits) return [];
    // Where nothing counts what was sent the number alone decides.
    const share = sent === 0 ? 1 : again / sent;
    if (share < this.#rules.retransmitShare) return [];
    const of = sent === 0 ? "" : ` of ${sent} (${(share * 100).toFixed(1)} %)`;
    const summary = `${again} segments${of} to ${targetText(socket.target)} were sent again within ${seconds(this.#rules.windowNs / 1000)}`;
    const evidence = { retransmits: again, segments: sent, share: Math.round(share * 1000) / 1000, ...rttOf(socket) };
    return [this.#tell(socket, "retransmits", "warning", nowNs, { count: fresh, summary, evidence })];
  }

  #lasting(socket: SocketSample, { zeroSinceNs, connectingSinceNs }: Known, nowNs: number): Anomaly[] {
    const { zeroWindowAfterNs, backoff, connectAfterNs } = this.#rules;
    const name = targetText(socket.target);
    const owed = (socket.unacked ?? 0) > 0 || socket.sendQueue > 0;
    const anomalies: Anomaly[] = [];
    if (zeroSinceNs !== undefined && nowNs - zeroSinceNs >= zeroWindowAfterNs) {
      const summary = `${name} has taken no data for ${seconds((nowNs - zeroSinceNs) / 1000)}: its window is closed`;
      const evidence = { send_queue_bytes: socket.sendQueue, ...rttOf(socket) };
      anomalies.push(this.#tell(socket, "zero-window", "warning", nowNs, { sinceNs: zeroSinceNs, summary, evidence }));
    }
    if (connectingSinceNs !== undefined && nowNs - connectingSinceNs >= connectAfterNs) {
      const summary = `${name} has not answered a connection request for ${seconds((nowNs - connectingSinceNs) / 1000)}`;
      anomalies.push(this.#tell(socket, "connect", "warning", nowNs, { sinceNs: connectingSinceNs, summary }));
    }
    if (owed && !socket.zeroWindow && (socket.backoff ?? 0) >= backoff) {
      const summary = `${name} has not acknowledged ${socket.sendQueue} bytes, sent again with the timeout doubled ${socket.backoff ?? 0} times`;
      const evidence = { backoff: socket.backoff ?? 0, send_queue_bytes: socket.sendQueue, ...rttOf(socket) };
      anomalies.push(this.#tell(socket, "no-acknowledgement", "critical", nowNs, { summary, evidence }));
    }
    return anomalies;
  }

  #tellLost({ socket, resets, requests }: LostConnection, nowNs: number): Anomaly {
    const how = resets > 0 ? "was reset" : "ended";
    const what = requests > 0 ? `${requests} requests` : "data";
    const summary = `the connection to ${targetText(socket.target)} ${how} with ${what} under way`;
    const evidence = { resets_received: resets, requests_in_flight: requests };
    return this.#tell(socket, resets > 0 ? "reset" : "lost", "warning", nowNs, { summary, evidence });
  }

  #tell(
    socket: Pick<SocketSample, "target" | "remote">,
    rule: string,
    severity: Severity,
    timeNs: number,
    rest: Pick<Verdict, "summary"> & Partial<Verdict>,
  ): Anomaly {
    const key = `${socket.remote.address} ${socket.remote.port}`;
    return this.#verdicts.tell({ rule, key, severity, timeNs, quietNs: QUIET_NS, target: socket.target, ...rest });
  }
}

function keyOf({ local, remote }: Pick<SocketSample, "local" | "remote">): string {
  return `${local.address}|${local.port}|${remote.address}|${remote.port}`;
}

function rttOf({ rttMs, minRttMs }: SocketSample): Readonly<Record<string, number>> {
  return {
    ...(rttMs === undefined ? {} : { rtt_ms: rttMs }),
    ...(minRttMs === undefined ? {} : { min_rtt_ms: minRttMs }),
  };
}
