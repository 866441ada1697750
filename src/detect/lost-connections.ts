import { BoundedMap } from "./bounded-map.ts";
import type { MountedFileSystem, SocketGone, SocketSample, TcpCounters } from "./observation.ts";

/** A connection that ended while something was under way. */
export interface LostConnection {
  readonly socket: SocketGone;
  /** Resets were received meanwhile. */
  readonly resets: number;
  /** Requests of it that had no answer; 0: data that was not acknowledged. */
  readonly requests: number;
}

interface Candidate extends LostConnection {
  readonly seenNs: number;
  readonly goneNs: number;
}

/** The mounts are looked at every two seconds: an unmount is known by then. */
const WAIT_NS = 4e9;
/** A mount is gone from the table before its connection is. */
const BEFORE_NS = 5e9;

/**
 * Connections that were there at one look and not at the next. An unmount ends one too, and a server may end an idle one: what was under way on others to the
 * same server, or when there was an unmount of that server, makes no loss of it.
 */
export class LostConnections {
  readonly #seen: BoundedMap<string, { readonly nowNs: number; readonly owed: boolean }>;
  /** Protocol and address -> when a mount of it was seen to have gone. */
  readonly #unmountedNs: BoundedMap<string, number>;
  /** Server and port -> connections at the last look. */
  #standing = new Map<string, number>();
  #candidates: readonly Candidate[] = [];
  #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
    this.#seen = new BoundedMap(limit);
    this.#unmountedNs = new BoundedMap(limit);
  }

  resize(limit: number): void {
    this.#limit = limit;
    for (const map of [this.#seen, this.#unmountedNs]) map.resize(limit);
  }

  unmounted(mounts: readonly MountedFileSystem[], nowNs: number): void {
    for (const { target } of mounts) this.#unmountedNs.set(`${target.protocol} ${target.address ?? ""}`, nowNs);
  }

  /** `inFlight`: requests without an answer, by the address of an SMB server. */
  look(
    sockets: readonly SocketSample[],
    gone: readonly SocketGone[],
    tcp: TcpCounters | undefined,
    inFlight: ReadonlyMap<string, number>,
    nowNs: number,
  ): void {
    const fresh = gone.flatMap((socket): Candidate[] => {
      const seen = this.#seen.peek(keyOf(socket));
      this.#seen.delete(keyOf(socket));
      if (seen === undefined || socket.state !== "ESTABLISHED") return [];
      // Whose requests they are is not known where there are several connections.
      const alone = this.#standing.get(serverOf(socket)) === 1 && socket.target.protocol === "smb";
      const requests = alone ? (inFlight.get(socket.remote.address) ?? 0) : 0;
      if (!seen.owed && requests === 0) return [];
      return [{ socket, resets: tcp?.resetsReceived ?? 0, requests, seenNs: seen.nowNs, goneNs: nowNs }];
    });
    this.#candidates = [...this.#candidates, ...fresh].slice(-this.#limit);
    this.#standing = new Map();
    for (const socket of sockets) {
      const owed = (socket.unacked ?? 0) > 0 || socket.sendQueue > 0;
      this.#seen.set(keyOf(socket), { nowNs, owed });
      this.#standing.set(serverOf(socket), (this.#standing.get(serverOf(socket)) ?? 0) + 1);
    }
  }

  /** Those that no unmount explains, once that can be known. */
  due(nowNs: number): LostConnection[] {
    const due = this.#candidates.filter(({ goneNs }) => nowNs - goneNs >= WAIT_NS);
    if (due.length > 0) this.#candidates = this.#candidates.filter((one) => !due.includes(one));
    return due.filter(({ socket: { target, remote }, seenNs }) => {
      const unmountedNs = this.#unmountedNs.peek(`${target.protocol} ${remote.address}`);
      return unmountedNs === undefined || unmountedNs < seenNs - BEFORE_NS;
    });
  }
}

function serverOf({ remote }: Pick<SocketSample, "remote">): string {
  return `${remote.address} ${remote.port}`;
}

function keyOf({ local, remote }: Pick<SocketSample, "local" | "remote">): string {
  return `${local.address}|${local.port}|${remote.address}|${remote.port}`;
}
