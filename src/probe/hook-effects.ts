import type { Hook } from "./op.ts";

// What the operations lack when a hook of smb_wire, smb_trace or rpc_trace is not attached; the roles are those of probe/wire/smb_wire.c,
// probe/trace/smb_trace.c and probe/rpc/rpc_trace.c.
const effects: ReadonlyMap<string, string> = new Map([
  ["credits", "operations have no queue phase, except READ and WRITE; tasks that wait for credits are not seen"],
  ["mtu_credits", "READ and WRITE have no queue phase"],
  ["send", "operations have no send and wire phase"],
  ["answer", "answers are seen only when their requests end: operations have no wake phase"],
  [
    "read_answer",
    "of an encrypted READ the status is not known, and when a kernel worker decrypts it (esize=) its answer is seen only at its end",
  ],
  ["deferred_close", "of a deferred CLOSE it is not known who opened the file"],
  ["write", "of writeback it is not known who opened the file"],
  ["reconnect", "reconnects are not counted"],
  // Of smb_trace alone: it has the numbers that trace points pass.
  [
    "release",
    "a request ends when its answer is evaluated: ECHO is not seen, and of one that a signal or a reconnect ended only that it is gone",
  ],
  [
    "header",
    "connections, pending answers (ASYNC_RQST), parameters, and why a request was not sent are not known; compounds are recognised by their order",
  ],
  ["opener", "of writeback and deferred CLOSE it is not known who opened the file"],
  // Of rpc_trace alone: it has what the records of trace points hold.
  ["client_new", "of mounts that come later the server is not known"],
  ["client_gone", "an RPC client whose number is used again may have the server of the one before it"],
  ["read", "of READ the file's inode, offset and count are not known, nor by it the mount"],
  ["write", "of WRITE the file's inode, offset and count are not known, nor by it the mount"],
  ["commit", "of COMMIT the file's inode, offset and count are not known, nor by it the mount"],
  ["transmit", "retransmissions are not counted"],
  ["timeout", "major timeouts are not counted"],
  ["rpc_error", "an error of the RPC layer is told as what the client makes of it (EIO for ETIMEDOUT)"],
  ["file", "names and paths of files are not known; inode, offset and count of READ, WRITE and COMMIT alone"],
  [
    "mount",
    "the minor version of NFSv4 and the RPC client that one was cloned from are not known; the mount only when something was read or written, the server's name only of what is mounted later",
  ],
  ["bytes", "bytes sent and received are not known; phases are told in whole µs"],
  ["credential", "for whom a kernel thread asks is not known: its user is the thread's own"],
]);

/** One sentence for each hook that this kernel does not give, though the probe could use it. */
export function missingWithout(hooks: readonly Hook[]): string[] {
  return hooks
    .filter((hook) => hook.rung === "none" && hook.why?.startsWith("not needed") !== true)
    .map((hook) => effects.get(hook.name) ?? `nothing comes from the hook ${hook.name}`);
}
