import type { DebugData, DebugServer, Endpoint } from "../smb/debug-data.ts";

export interface ConnectionRules {
  /** Not good for so long. */
  readonly downAfterNs: number;
  /** No credits for so long. */
  readonly creditsAfterNs: number;
  /** So many reconnects within the window. */
  readonly stormCount: number;
  readonly stormWindowNs: number;
  /** So many times within the storm's window the server has ended the session. */
  readonly expiries: number;
  /** So many tasks that wait at least for `waiterAgeNs`. */
  readonly waiters: number;
  readonly waiterAgeNs: number;
  readonly maxTargets: number;
}

/** One connection as DebugData shows it. */
export interface ConnectionLook {
  readonly key: string;
  readonly connectionId?: bigint;
  readonly server?: string;
  readonly status?: number;
  readonly instance: number;
  /** Absent where it is not told. */
  readonly credits?: number;
  readonly waiting: number;
  /** Requests on the wire that somebody waits for. */
  readonly inFlight: number;
  readonly bad: boolean;
  readonly sessionBad: boolean;
  readonly passwordInvalid: boolean;
}

const TCP_NEW = 0;
const TCP_GOOD = 1;
const TCP_EXITING = 2;
const SESSION_NEEDS_RECONNECT = 3;
/** A CHANGE_NOTIFY waits for something to change; an ECHO is the client's own. */
const idleCommands: ReadonlySet<number> = new Set([13, 15]);

/** Whether somebody waits for the end of such a request. */
export function isWanted(commandCode: number): boolean {
  return !idleCommands.has(commandCode);
}
const statuses = ["new", "good", "exiting", "needs reconnect", "needs negotiate", "in negotiate"];

/** The words for tcpStatus. */
export function nameOfStatus(status: number | undefined): string {
  return status === undefined ? "unknown" : (statuses[status] ?? `status ${status}`);
}

export function lookAt(data: DebugData): ConnectionLook[] {
  return data.servers.flatMap((server) => {
    const channels = server.sessions.flatMap((session) => session.channels.filter((channel) => !channel.disabled));
    return [server, ...channels].map((endpoint, index) => look(data, server, endpoint, index));
  });
}

function look(data: DebugData, server: DebugServer, endpoint: Endpoint, index: number): ConnectionLook {
  const { connectionId, tcpStatus: status } = endpoint;
  const name = server.hostname ?? server.sessions[0]?.address;
  const mids = data.mids.filter(
    (mid) => mid.connectionId === undefined || connectionId === undefined || mid.connectionId === connectionId,
  );
  const credits = endpoint.credits?.[0];
  const bad = status !== undefined && status !== TCP_NEW && status !== TCP_GOOD && status !== TCP_EXITING;
  const first = index === 0;
  return {
    key: connectionId === undefined ? `${name ?? server.index}/${index}` : String(connectionId),
    ...(connectionId === undefined ? {} : { connectionId }),
    ...(name === undefined ? {} : { server: name }),
    ...(status === undefined ? {} : { status }),
    instance: endpoint.instance ?? 0,
    ...(credits === undefined ? {} : { credits }),
    waiting: endpoint.inMaxRequestWait ?? 0,
    inFlight: mids.filter(({ command }) => isWanted(command)).length,
    bad,
    sessionBad:
      first && server.sessions.some(({ status: its, reconnecting }) => its === SESSION_NEEDS_RECONNECT || reconnecting),
    passwordInvalid: first && server.sessions.some((session) => session.passwordInvalid),
  };
}
