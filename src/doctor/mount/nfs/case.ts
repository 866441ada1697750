import type { Export } from "../../../nfs-client/mountd.ts";
import type { Credentials, RpcTransport } from "../../../nfs-client/rpc.ts";
import type { Registration } from "../../../nfs-client/rpcbind.ts";
import type { WithKerberos } from "../../kerberos/steps.ts";
import type { Machine } from "../../machine.ts";
import type { MountRequest } from "../mount.ts";
import type { NfsTarget } from "../target.ts";
import type { NfsIntent } from "./intent.ts";

/** What the checks of an NFS mount learn and hand on. */
export interface NfsCase extends WithKerberos {
  readonly target: NfsTarget;
  readonly request: MountRequest;
  readonly machine: Machine;
  readonly intent: NfsIntent;
  readonly isRoot: boolean;
  /** Who asks the server: root, as mount.nfs does, under this machine's name. */
  readonly as: Credentials;
  /** A connection to a port of an address; undefined: it does not come about. */
  readonly open: (address: string, port: number, signal: AbortSignal) => Promise<RpcTransport | undefined>;
  addresses: readonly string[];
  /** Where NFS takes connections. */
  reachable?: { readonly address: string; readonly port: number };
  /** What is registered with the server's rpcbind. */
  registered?: readonly Registration[];
  /** Versions that the server speaks: `3`, `4.0`, ... */
  offered?: readonly string[];
  exports?: readonly Export[];
  /** What the server takes for the export: `sys`, `krb5`, ... */
  flavors?: readonly string[];
  /** The server takes connections and answers nothing. */
  stalled?: true;
}

/** For one answer of a server. Healthy ones take ms; the client itself waits for a minute. */
export const ANSWER_MS = 8000;
