// /proc/fs/cifs/DebugData: fs/smb/client/cifs_debug.c, cifs_debug_data_proc_show(). Its text differs between kernels: what is not known is kept.
import { rules } from "./debug-data-rules.ts";
import { sessionRules } from "./debug-session-rules.ts";

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
  clientGuid?: string;
  signed?: boolean;
  posix?: boolean;
  noShareSock?: boolean;
  rdma?: boolean;
  /** SMB2_GLOBAL_CAP_*: `capabilityWords()`. */
  capabilities?: number;
  /** As the kernel words it; before 6.12 the algorithm alone, `LZ77`. */
  compression?: string;
  /** `AES128-GCM`; 7.2 and later, empty where none was negotiated. */
  cipher?: string;
  dfsLeaf?: string;
  /** What the kernel tells of SMB Direct, as it writes it: hexadecimal without `0x` before 7.2. */
  smbDirect?: Record<string, string>;
  readonly sessions: DebugSession[];
}

export interface DebugChannel extends Endpoint {
  readonly index: number;
  disconnected: boolean;
  disabled: boolean;
  reconnecting?: boolean;
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
  guest?: boolean;
  anonymous?: boolean;
  /** What an SMB1 server, and some later ones, tell of themselves. */
  domain?: string;
  os?: string;
  nos?: string;
  /** 6.12: with AES-256-GCM. */
  gcm256?: boolean;
  dfsRootSessionId?: bigint;
  /** The server's network interfaces, where it told them. */
  interfaces?: DebugInterface[];
  interfacesAgeSeconds?: number;
  disconnected: boolean;
  reconnecting: boolean;
  passwordInvalid: boolean;
  readonly channels: DebugChannel[];
  readonly shares: DebugShare[];
}

export interface DebugInterface {
  readonly index: number;
  /** `10Gbps`; before 6.12 `10000000000 bps`. */
  readonly speed: string;
  rdma?: boolean;
  rss?: boolean;
  address?: string;
  /** How many channels it has of how many it should have. */
  weight?: readonly [current: number, total: number];
  channels?: number;
  connected?: boolean;
  /** The server does not name it any more. */
  gone?: boolean;
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
  fileSystem?: string;
  deviceInfo?: number;
  attributes?: number;
  maxComponent?: number;
  serial?: number;
  nocase?: boolean;
  posix?: boolean;
  /** `DFS`, `CONTINUOUS AVAILABILITY`, ...; then of its volume `Aligned`, `SSD`, ... */
  capabilities?: readonly string[];
  shareFlags?: number;
  maximalAccess?: number;
  sectorSize?: number;
  witness?: boolean;
  nosparse?: boolean;
  dfsOrigin?: string;
}

/** A share whose server tells the client, by the witness protocol, when it moves. */
export interface WitnessRegistration {
  readonly id: number;
  readonly references: number;
  readonly network: string;
  readonly networkNotify: boolean;
  readonly share: string;
  readonly shareNotify: boolean;
  /** `(no live tcon)`, `(unknown)`, or the address. */
  readonly address: string;
  readonly addressNotify: boolean;
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
  maxBufferSize?: number;
  readonly servers: DebugServer[];
  readonly mids: DebugMid[];
  /** Absent where the kernel has no witness client. */
  witness?: WitnessRegistration[];
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
  iface?: DebugInterface | undefined;
  midsOf?: bigint | undefined;
  /** What 5.10 has said of this connection's requests: it says it again under each of its sessions. */
  midsSaid?: Set<bigint> | undefined;
}

const allRules = [...rules, ...sessionRules];

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
  for (const [pattern, apply] of allRules) {
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
