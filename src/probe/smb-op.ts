// One record of the kernel's op table -> SmbOp. The rules are explained in docs/op.md.
import { commandName } from "../smb/commands.ts";
import { AodOpFlag, AodOpState, type AodSmbOp } from "./decoders.gen.ts";
import type { OpEnd, OpState, Phases, SmbOp } from "./op.ts";

const states: ReadonlyMap<number, OpState> = new Map([
  [AodOpState.OPEN, "open"],
  [AodOpState.ANSWERED, "answered"],
  [AodOpState.CLOSED, "closed"],
  [AodOpState.GHOST, "ghost"],
]);

// READ, WRITE and CLOSE: what kernel workers issue on behalf of whoever opened the file.
const onBehalf: ReadonlySet<number> = new Set([6, 8, 9]);

/** `nowNs`: the moment of observation, where an op in flight has got to. Undefined for a record that holds no op of its own. */
export function smbOpOf(raw: AodSmbOp, nowNs: number): SmbOp | undefined {
  const state = states.get(raw.state);
  if (state === undefined) return undefined;
  const flags = raw.flags;
  const startedNs = flags & AodOpFlag.QUEUE ? raw.created - raw.queueNs : raw.created;
  const endedNs = endOf(raw, state);
  const end = endKind(flags);
  const opener = openerOf(raw);
  const pid = issuerOf(raw, opener);
  return {
    seq: raw.seq,
    state,
    command: commandName(raw.command),
    commandCode: raw.command,
    startedNs,
    ...(endedNs === undefined ? undefined : { endedNs }),
    latencyUs: micros(startedNs, endedNs ?? nowNs) ?? 0,
    phasesUs: phasesOf(raw),
    ...(flags & AodOpFlag.STATUS ? { status: raw.status } : undefined),
    ...(end === undefined ? undefined : { end }),
    ...(raw.error === 0 ? undefined : { errno: -raw.error }),
    ...(pid === undefined ? undefined : { pid }),
    tid: raw.tid,
    comm: raw.comm,
    uid: raw.uid,
    ...(opener === undefined ? undefined : { opener }),
    cgroupId: raw.cgroup,
    connectionId: raw.connection,
    sessionId: raw.session,
    treeId: raw.tree,
    ...(flags & AodOpFlag.WIRE_ASYNC ? { asyncId: raw.asyncId } : undefined),
    mid: raw.mid,
    compound: (flags & AodOpFlag.COMPOUND) !== 0,
    ...(flags & AodOpFlag.NUMBERS ? undefined : { async: (flags & AodOpFlag.WIRE_ASYNC) !== 0 }),
    lateAnswer: (flags & AodOpFlag.LATE_ANSWER) !== 0,
    ...(raw.lead === 0 ? undefined : { lead: raw.lead }),
  };
}

function endOf(raw: AodSmbOp, state: OpState): number | undefined {
  if (raw.flags & AodOpFlag.ASYNC_CALL && raw.answered !== 0) return raw.answered;
  if (state === "closed" && raw.closed !== 0) return raw.closed;
  // A ghost's release was missed: its answer is the last that is known of it.
  return state === "ghost" && raw.answered !== 0 ? raw.answered : undefined;
}

function phasesOf(raw: AodSmbOp): Phases {
  const { flags, created, sent, answered, closed } = raw;
  const crossed = sent > answered && answered !== 0;
  const queue = flags & AodOpFlag.QUEUE ? Math.floor(raw.queueNs / 1000) : undefined;
  const send = micros(created, crossed ? answered : sent);
  const wire = crossed ? 0 : micros(sent, answered);
  const nobodyWoke = flags & (AodOpFlag.ASYNC_CALL | AodOpFlag.LATE_ANSWER | AodOpFlag.CANCELLED);
  const wake = nobodyWoke ? undefined : micros(answerFor(raw), closed);
  return {
    ...(queue === undefined ? undefined : { queue }),
    ...(send === undefined ? undefined : { send }),
    ...(wire === undefined ? undefined : { wire }),
    ...(wake === undefined ? undefined : { wake }),
  };
}

/** The response that the caller of a synchronous request waited for: in a compound the last of the chain. */
function answerFor(raw: AodSmbOp): number {
  if (raw.answered === 0) return 0;
  return raw.flags & AodOpFlag.COMPOUND ? raw.lastAnswer : raw.answered;
}

/** Whole µs between two moments; undefined when one was not seen or they are not in order. */
function micros(from: number, to: number): number | undefined {
  return from === 0 || to === 0 || to < from ? undefined : Math.floor((to - from) / 1000);
}

function endKind(flags: number): OpEnd | undefined {
  if (flags & AodOpFlag.NOT_MADE) return "not-made";
  if (flags & AodOpFlag.SEND_FAILED) return "send-failed";
  if (flags & AodOpFlag.RETRY) return "reconnect";
  if (flags & AodOpFlag.SHUTDOWN) return "shutdown";
  return flags & AodOpFlag.CANCELLED ? "cancelled" : undefined;
}

function isKernelWorker(raw: AodSmbOp): boolean {
  return raw.comm.startsWith("kworker");
}

/** From 6.10 on cifs_init_request() notes the kernel worker itself where it has no open file: that is no opener. */
function openerOf(raw: AodSmbOp): number | undefined {
  const unknown = raw.opener === 0 || (isKernelWorker(raw) && raw.opener === raw.tgid);
  return unknown ? undefined : raw.opener;
}

function issuerOf(raw: AodSmbOp, opener: number | undefined): number | undefined {
  if (!isKernelWorker(raw)) return raw.tgid;
  return opener ?? (onBehalf.has(raw.command) ? undefined : raw.tgid);
}
