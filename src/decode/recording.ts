// Requests of a recording of the probes: there they are joined already.
import { type RpcStatus, rpcStatusName } from "../nfs/status.ts";
import { startHelper } from "../probe/helper.ts";
import type { CommonEvent, SmbOp } from "../probe/op.ts";
import type { RpcOp } from "../probe/rpc-op.ts";
import { nfsRpc } from "../probe/rpc-wire.ts";
import { errnoOf, hasFailed } from "../probe/smb-outcome.ts";
import { smbWire } from "../probe/smb-wire.ts";
import { Player } from "../record/player.ts";
import { openRecording } from "../record/reader.ts";
import { commandName } from "../smb/commands.ts";
import { statusName } from "../smb/status.ts";
import { statusWords } from "../smb/status-words.ts";
import { errnoName } from "../system/errno.ts";
import { AodError } from "../system/error.ts";
import type { RequestItem } from "./item.ts";

/** Gives the requests of both wires, in the order of their ends; calls of the VFS are not among them. Returns how many records were lost. */
export async function playRecording(
  path: string,
  give: (item: RequestItem) => void,
  ready: () => Promise<void>,
): Promise<number> {
  const recording = openRecording(path);
  try {
    const player = new Player(recording);
    const has = (name: string): boolean => recording.header.probes.some((probe) => probe.name === name);
    if (!has(smbWire.name) && !has(nfsRpc.name))
      throw new AodError(
        "usage",
        `${path} holds no requests: it is of ${recording.header.probes.map(({ name }) => name).join(", ")}`,
      );
    let lost = 0;
    const note = (event: CommonEvent): void => {
      if (event.type === "lost") lost = event.losses.reduce((sum, { count }) => sum + count, 0);
    };
    const options = { program: "aod-probe", object: "", start: player.start, clock: player.clock };
    if (has(smbWire.name))
      startHelper(
        { ...options, probe: smbWire.name },
        smbWire,
        (event) => {
          if (event.type === "ops") for (const op of event.ops) give(smbItem(op));
          else if (event.type === "lost") note(event);
        },
        () => undefined,
      );
    if (has(nfsRpc.name))
      startHelper(
        { ...options, probe: nfsRpc.name },
        nfsRpc,
        (event) => {
          if (event.type === "ops") for (const op of event.ops) give(nfsItem(op));
          else if (event.type === "lost") note(event);
        },
        () => undefined,
      );
    await player.play({ ready });
    return lost;
  } finally {
    recording.close();
  }
}

const hex = (value: bigint | number): string => `0x${value.toString(16)}`;

function smbItem(op: SmbOp): RequestItem {
  const failed = hasFailed(op);
  const errno = errnoOf(op);
  const status = op.status === undefined ? op.end : statusName(op.status);
  const statusText = status === undefined ? undefined : statusWords(status);
  const shown = op.status !== 0 || failed;
  return {
    ...{ type: "request", protocol: "smb", time: op.startedNs / 1e9, comm: op.comm, pid: op.tid },
    ...{ command: commandName(op.commandCode), mid: String(op.mid), session: hex(op.sessionId), tree: hex(op.treeId) },
    ...(op.connectionId === 0n ? {} : { connection: hex(op.connectionId) }),
    ending: failed ? "failed" : op.endedNs === undefined ? "no-end" : "answered",
    latencyUs: op.latencyUs,
    ...(status === undefined || !shown ? {} : { status }),
    ...(statusText === undefined || !shown ? {} : { statusText }),
    ...(errno === undefined || errno === 0 ? {} : { rc: -errno, errno: errnoName(errno) }),
  };
}

function nfsItem(op: RpcOp): RequestItem {
  const status = nameOf(op.status);
  return {
    ...{
      type: "request",
      protocol: "nfs",
      time: op.startedNs / 1e9,
      comm: op.comm,
      pid: op.tid,
      command: op.procedure,
    },
    ending: status !== undefined ? "failed" : op.endedNs === undefined ? "no-end" : "answered",
    latencyUs: op.latencyUs,
    ...(status === undefined ? {} : { status }),
    ...(op.xid === undefined ? {} : { xid: hex(op.xid) }),
    ...(op.retransmissions > 0 ? { transmissions: op.retransmissions + 1 } : {}),
  };
}

function nameOf(status: RpcStatus | undefined): string | undefined {
  if (status === undefined) return undefined;
  const name = rpcStatusName(status);
  return /^(NFS\d?_)?OK$|^0$/.test(name) ? undefined : name;
}
