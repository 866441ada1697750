// /proc/fs/cifs/DebugData: fs/smb/client/cifs_debug.c, cifs_debug_data_proc_show(). Its text differs between kernels: what is not known is kept.
import { rules } from "./debug-data-rules.ts";

/** What a connection and a further channel of a session have in common. */
export interface Endpoint {
  connectionId?: bigint;
  /** 6.12 and later: for requests, echoes and oplock breaks; before: the first alone. */
  credits?: readonly number[];
  /** `0x311` is SMB 3.1.1. */
  dialect?: number;
  /** 0 new, 1 good, 2 exiting, 3 needs reconnect, 4 needs negotiate, 5 in negotiate. */
  tcpStatus?: number;
  /** Counts up with every reconnect. */
  instance?: number;
  users?: number;
  securityMode?: number;
  requestsOnWire?: number;
  netNamespace?: number;
  inSend?: number;
  inMaxRequestWait?: number;
}

export interface DebugServer extends Endpoint {
  readonly index: number;
  hostname?: string;
  readonly sessions: DebugSession[];
}

export interface DebugChannel extends Endpoint {
  readonly index: number;
  disconnected: boolean;
  disabled: boolean;
}

export interface DebugSession {
  readonly index: number;
  /** The server's address. */
  address?: string;
  /** 0 new, 1 good, 2 exiting, 3 needs reconnect, 4 in setup. */
  status?: number;
  uses?: number;
  capability?: number;
  securityType?: string;
  sessionId?: bigint;
  encrypted: boolean;
  signed: boolean;
  user?: number;
  credUser?: number;
  disconnected: boolean;
  reconnecting: boolean;
  passwordInvalid: boolean;
  readonly channels: DebugChannel[];
  readonly shares: DebugShare[];
}

export interface DebugShare {
  readonly index: number;
  /** `\\host\share` */
  readonly name: string;
  readonly ipc: boolean;
  readonly mounts: number;
  /** 0 new, 1 good, 2 exiting, 3 needs reconnect, 4 needs tcon, 5 in tcon, 6 and 7 invalidating files. */
  status?: number;
  type?: string;
  treeId?: number;
  encrypted: boolean;
  disconnected: boolean;
}

/** A request that has no answer yet. */
export interface DebugMid {
  /** Absent on 5.10. */
  readonly connectionId?: bigint;
  /** 1 allocated, 2 submitted, 4 response received, 8 retry needed, 0x10 malformed, 0x20 shutdown, 0x40 response ready. */
  readonly state: number;
  readonly command: number;
  /** Task id of who issued it. */
  readonly pid: number;
  readonly mid: bigint;
}

export interface DebugData {
  /** `2.51` */
  version?: string;
  features?: readonly string[];
  activeRequests?: number;
  readonly servers: DebugServer[];
  readonly mids: DebugMid[];
  /** Lines that no rule knows, in order, without their indentation. */
  readonly unknown: string[];
  /** The text ends within a line: that line is among the unknown ones. */
  readonly cut: boolean;
}

/** Where the parser stands: what the following lines belong to. */
export interface DebugCursor {
  readonly data: DebugData;
  server?: DebugServer | undefined;
  endpoint?: Endpoint | undefined;
  channel?: DebugChannel | undefined;
  session?: DebugSession | undefined;
  share?: DebugShare | undefined;
  midsOf?: bigint | undefined;
}

/** Never throws. */
export function parseDebugData(text: string): DebugData {
  const lines = text.split("\n");
  const rest = lines.pop() ?? "";
  const data: DebugData = { servers: [], mids: [], unknown: [], cut: rest !== "" };
  const cursor: DebugCursor = { data };
  for (const raw of lines) {
    const line = raw.trim();
    if (line !== "" && !applyRules(line, cursor)) data.unknown.push(line);
  }
  if (rest.trim() !== "") data.unknown.push(rest.trim());
  return data;
}

function applyRules(line: string, cursor: DebugCursor): boolean {
  for (const [pattern, apply] of rules) {
    const match = pattern.exec(line);
    if (match !== null) return apply(cursor, match, line);
  }
  return false;
}

/** Every connection: those of servers and the further channels of their sessions. */
export function endpointsOf({ servers }: DebugData): Endpoint[] {
  return servers.flatMap((server) => [
    server,
    ...server.sessions.flatMap((session) => session.channels.filter((channel) => !channel.disabled)),
  ]);
}
