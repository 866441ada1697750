// What the time line is made of.

interface InTask {
  /** Of its begin, s. */
  readonly time: number;
  readonly comm: string;
  readonly pid: number;
}

/** `answered`: with a status that is no error. `no-begin`: it began before the trace, or that event was lost. `no-end`: nothing tells its end. */
export type Ending = "answered" | "failed" | "no-begin" | "no-end";

/** A request on the wire, from the moment that the client made it until it had taken the answer. */
export interface RequestItem extends InTask {
  readonly type: "request";
  readonly protocol: "smb" | "nfs";
  /** `SMB2_CREATE`, `READ` */
  readonly command: string;
  readonly ending: Ending;
  readonly latencyUs?: number;
  /** NTSTATUS, NFS status or errno by name. */
  readonly status?: string;
  readonly statusText?: string;
  /** Negative, as the kernel has it. */
  readonly rc?: number;
  readonly errno?: string;
  /** SMB: of the message; NFS: none. */
  readonly mid?: string;
  readonly session?: string;
  readonly tree?: string;
  readonly connection?: string;
  readonly server?: string;
  /** Credits that were left when it was made, and how many it took. */
  readonly credits?: number;
  readonly charge?: number;
  /** Its place in a compound chain. */
  readonly chain?: { readonly at: number; readonly of: number; readonly first: string };
  /** Of the call that it was made for (SMB), or of the RPC (NFS). */
  readonly xid?: string;
  /** NFS, µs: in the queue, from the last transmission to the reply. */
  readonly backlogUs?: number;
  readonly rttUs?: number;
  readonly transmissions?: number;
}

/** A call into the client, with the requests that it caused. */
export interface CallItem extends InTask {
  readonly type: "call";
  readonly protocol: "smb" | "nfs";
  readonly name: string;
  readonly xid?: string;
  readonly ending: Ending;
  readonly latencyUs?: number;
  readonly rc?: number;
  readonly errno?: string;
  readonly errnoText?: string;
  /** `open`, `write`: what it says of itself, with its arguments. */
  readonly steps: readonly string[];
  readonly requests: readonly RequestItem[];
}

/** An event that is joined with nothing. */
export interface EventItem extends InTask {
  readonly type: "event";
  readonly name: string;
  /** This program knows its kind. */
  readonly known: boolean;
  readonly text: string;
  readonly rc?: number;
  readonly errno?: string;
  readonly errnoText?: string;
}

export interface LostItem {
  readonly type: "lost";
  readonly count: number;
  readonly cpu?: number;
}

export interface LineItem {
  readonly type: "line";
  readonly text: string;
}

export type Item = RequestItem | CallItem | EventItem | LostItem | LineItem;
