import type { Choice } from "../../../packets/smb/negotiate.ts";
import type { LoggedIn } from "../../../smb-client/session.ts";
import type { WithKerberos } from "../../kerberos/steps.ts";
import type { Machine } from "../../machine.ts";
import type { MountRequest } from "../mount.ts";
import type { SmbTarget } from "../target.ts";
import type { Who } from "./credentials.ts";
import type { Intent } from "./intent.ts";

/** What the checks of an SMB mount learn and hand on. */
export interface SmbCase extends WithKerberos {
  readonly target: SmbTarget;
  readonly request: MountRequest;
  readonly machine: Machine;
  readonly intent: Intent;
  /** Where the name leads to, in the order in which a mount tries them. */
  addresses: readonly string[];
  /** Where something listens. */
  reachable?: { readonly address: string; readonly port: number };
  /** What the server chose of all dialects, and of those that the options offer. */
  server?: { readonly best: Choice; readonly wanted?: Choice; readonly skewMs?: number };
  who?: Who;
  /** What became of the log-in and of the share. */
  login?: { readonly state: "in"; readonly session: LoggedIn } | { readonly state: "refused"; readonly status: number };
  /** Whoever listens there does not answer. */
  stalled?: true;
}
