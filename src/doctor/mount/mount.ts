import type { Answer } from "../answer.ts";
import type { Machine } from "../machine.ts";
import { examineNfsMount } from "./nfs/nfs.ts";
import type { MountOptions } from "./options.ts";
import type { Secret } from "./secret.ts";
import { examineSmbMount } from "./smb/smb.ts";
import type { MountTarget } from "./target.ts";

/** How a mount is looked at. */
export interface MountRequest {
  readonly options: MountOptions;
  /** Mounts for real, in a mount namespace of its own. */
  readonly attempt: boolean;
  /** The password that the options do not have: asked for when it is needed. Undefined: there is none. */
  readonly password?: (user: string | undefined, signal: AbortSignal) => Promise<Secret | undefined>;
}

/** Why a mount fails or would fail. */
export function examineMount(
  target: MountTarget,
  request: MountRequest,
  machine: Machine,
  signal?: AbortSignal,
): Promise<Answer> {
  switch (target.protocol) {
    case "smb":
      return examineSmbMount(target, request, machine, signal);
    case "nfs":
      return examineNfsMount(target, request, machine, signal);
  }
}
