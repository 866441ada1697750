import type { SmbOpJson, WaiterJson } from "../probe/op-json.ts";
import { commandName } from "../smb/commands.ts";
import type { DebugMid } from "../smb/debug-data.ts";
import { midStateWord } from "../smb/state-words.ts";
import { facts, hex, known, type Row } from "./row.ts";
import type { ShowState } from "./state.ts";

const OLD_MS = 5000;
/** They may wait for hours: that is what they are for. */
const patient: ReadonlySet<string> = new Set(["SMB2_CHANGE_NOTIFY", "SMB2_LOCK"]);

/** Requests without an answer; with what the daemon's probe knows of them. */
export function smbRequests(state: ShowState): Row[] {
  const mids = state.data?.mids ?? [];
  return [...mids.map((mid) => midRow(mid, state)), ...(state.seen?.waiters ?? []).map(waiterRow)];
}

/** A connection numbers its requests; a kernel that does not number connections leaves the task and the command. */
function seenOf(mid: DebugMid, seen: readonly SmbOpJson[]): SmbOpJson | undefined {
  const command = commandName(mid.command);
  return seen.find(
    (op) =>
      op.mid === String(mid.mid) &&
      op.command === command &&
      (mid.connectionId === undefined || op.connection_id === undefined || op.connection_id === hex(mid.connectionId)),
  );
}

function midRow(mid: DebugMid, state: ShowState): Row {
  const op = seenOf(mid, state.seen?.requests ?? []);
  const server = state.data?.servers.find(
    (one) =>
      mid.connectionId !== undefined &&
      [one, ...one.sessions.flatMap(({ channels }) => channels)].some(
        ({ connectionId }) => connectionId === mid.connectionId,
      ),
  );
  const ageMs = op === undefined ? undefined : Math.round(op.latency_us / 1000);
  const json = known({
    protocol: "smb",
    command: commandName(mid.command),
    state: midStateWord(mid.state),
    age_ms: ageMs,
    server: op?.server ?? server?.hostname ?? server?.sessions[0]?.address,
    share: op?.share,
    connection_id: mid.connectionId === undefined ? undefined : hex(mid.connectionId),
    mid: String(mid.mid),
    tid: mid.pid,
    pid: op?.pid,
    comm: op?.comm ?? state.comm(mid.pid),
    compound: op?.compound,
  });
  return {
    json,
    title: `${json.command}  ${ageMs === undefined ? "age not known" : `${(ageMs / 1000).toFixed(1)} s old`}  ${json.state}`,
    lines: [
      facts(
        ["", json.share ?? json.server],
        ["connection", json.connection_id],
        ["mid", json.mid],
        ["task", json.tid],
        ["", json.comm],
      ),
    ],
    problems:
      ageMs !== undefined && ageMs >= OLD_MS && !patient.has(json.command)
        ? [`the server has not answered within ${(ageMs / 1000).toFixed(1)} s`]
        : [],
  };
}

function waiterRow(waiter: WaiterJson): Row {
  const seconds = waiter.waited_us / 1e6;
  const { waiting, tid, pid, comm, server, connection_id } = waiter;
  return {
    json: known({
      protocol: "smb",
      waiting,
      age_ms: Math.round(waiter.waited_us / 1000),
      tid,
      pid,
      comm,
      server,
      connection_id,
    }),
    title: `waits for ${waiting === "credits" ? "credits" : "a reconnect"}  ${seconds.toFixed(1)} s`,
    lines: [facts(["", server], ["task", tid], ["", comm])],
    problems: [`no request could be made for ${seconds.toFixed(1)} s`],
  };
}
