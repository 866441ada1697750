import { type DebugData, parseDebugData } from "../smb/debug-data.ts";
import type { Clock } from "../system/clock.ts";
import type { SmbTarget } from "./op.ts";

/** What names an op's target. A connection of 0 is not known: 5.10 does not number them, and trace points do not tell. */
export interface TargetKey {
  readonly connectionId: bigint;
  readonly sessionId: bigint;
  readonly treeId: number;
}

/** DebugData as it is now; undefined when there is none (cifs is not loaded, or it cannot be read). */
export type ReadDebugData = () => DebugData | undefined;

const MIN_INTERVAL_NS = 1e9;
// A server may use a tree's number again for another share, so what is known is looked at again now and then.
const MAX_AGE_NS = 10e9;
const MAX_NAMES = 4096;

/**
 * Reads DebugData with `readProc`, which gives the text of a file below /proc, or undefined: before the module is there, and to users who may not
 * read it. The kernel takes no lock for it that a hung request holds.
 */
export function debugDataIn(readProc: (path: string) => string | undefined): ReadDebugData {
  let before: string | undefined;
  let data: DebugData | undefined;
  return () => {
    const text = readProc("fs/cifs/DebugData");
    if (text !== before) data = text === undefined ? undefined : parseDebugData(text);
    before = text;
    return data;
  };
}

/**
 * (connection, session, tree) -> server and share, from DebugData. Refreshed when something unknown is asked for, at most once a second unless told otherwise;
 * remembered after the share has gone.
 */
export class TargetNames {
  private readonly servers = new Map<bigint, string>();
  private readonly addresses = new Map<bigint, string>();
  private readonly serversOfSessions = new Map<bigint, string>();
  private onlyServer: string | undefined;
  private readonly shares = new Map<string, string>();
  private readonly read: ReadDebugData;
  private readonly clock: Clock;
  private readonly minIntervalNs: number;
  private readAtNs = Number.NEGATIVE_INFINITY;

  /** `minIntervalNs`: what is not known is looked for at most this often. */
  constructor(read: ReadDebugData, clock: Clock, minIntervalNs = MIN_INTERVAL_NS) {
    this.read = read;
    this.minIntervalNs = minIntervalNs;
    this.clock = clock;
  }

  of(key: TargetKey): SmbTarget {
    if (this.isStale(key)) this.refresh();
    const server = this.serverOf(key);
    const share = this.shares.get(textOf(key));
    return { ...(server === undefined ? undefined : { server }), ...(share === undefined ? undefined : { share }) };
  }

  /** The address behind the server's name, where that is known. */
  addressOf(connectionId: bigint): string | undefined {
    return this.addresses.get(connectionId);
  }

  private serverOf({ connectionId, sessionId }: TargetKey): string | undefined {
    if (connectionId !== 0n) return this.servers.get(connectionId);
    return sessionId === 0n ? this.onlyServer : this.serversOfSessions.get(sessionId);
  }

  private isStale(key: TargetKey): boolean {
    const ageNs = this.clock.nowNs() - this.readAtNs;
    if (ageNs < this.minIntervalNs) return false;
    if (ageNs > MAX_AGE_NS || this.serverOf(key) === undefined) return true;
    // NEGOTIATE, SESSION_SETUP and ECHO have no tree.
    return key.treeId !== 0 && !this.shares.has(textOf(key));
  }

  private refresh(): void {
    this.readAtNs = this.clock.nowNs();
    const names = new Set<string>();
    for (const server of this.read()?.servers ?? []) {
      const main = server.connectionId ?? 0n;
      const name = server.hostname ?? server.sessions[0]?.address;
      if (name !== undefined) names.add(name);
      for (const session of server.sessions) {
        if (session.address !== undefined && main !== 0n) remember(this.addresses, main, session.address);
        const sessionId = session.sessionId ?? 0n;
        const connections = new Set([0n, main, ...session.channels.map((channel) => channel.connectionId ?? 0n)]);
        if (name !== undefined) remember(this.serversOfSessions, sessionId, name);
        for (const connectionId of connections) {
          if (name !== undefined) remember(this.servers, connectionId, name);
          for (const { treeId, name: share } of session.shares) {
            if (treeId !== undefined) remember(this.shares, textOf({ connectionId, sessionId, treeId }), share);
          }
        }
      }
      if (name !== undefined) remember(this.servers, main, name);
    }
    this.onlyServer = names.size === 1 ? [...names][0] : undefined;
  }
}

function textOf({ connectionId, sessionId, treeId }: TargetKey): string {
  return `${connectionId}/${sessionId}/${treeId}`;
}

/** The one that was seen last stays longest. */
function remember<K>(names: Map<K, string>, key: K, name: string): void {
  names.delete(key);
  names.set(key, name);
  if (names.size <= MAX_NAMES) return;
  for (const oldest of names.keys()) {
    names.delete(oldest);
    return;
  }
}
