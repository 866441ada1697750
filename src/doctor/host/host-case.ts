import type { ProbeCodec } from "../../probe/codec.ts";
import type { OpBase } from "../../probe/op.ts";
import type { ProbeSurvey } from "../../probe/survey.ts";
import type { MountInfo } from "../../system/mountinfo.ts";
import type { TcpRow } from "../../system/sockets.ts";
import type { Machine } from "../machine.ts";

/** What the checks of the host look at, and what they learn for those after them. */
export interface HostCase {
  readonly machine: Machine;
  /** Only root may attach probes. */
  readonly isRoot: boolean;
  /** Attaches a probe for a moment. */
  readonly survey: (codec: ProbeCodec<OpBase>, signal: AbortSignal) => Promise<ProbeSurvey>;
  /** Of SMB and NFS. */
  mounts: readonly MountInfo[];
  /** All connections of this network namespace. */
  tcp: readonly TcpRow[];
}
