import { closeTimeOf, type JoinedHandle, mayBeKept } from "../holders/handles.ts";
import type { ShownHandle } from "./look.ts";

/**
 * `held`: a process or the kernel has it. `kept`: nobody has it, and the client may keep it for the next open. `leaked`: nobody has it, and the client would have
 * closed it by now.
 */
export type HandleState = "held" | "kept" | "leaked";

/** ns that the close itself may take after its time. */
const GRACE_NS = 1e9;

/** Follows handles over several looks. */
export class HandleStates {
  readonly #freeSince = new Map<string, number>();

  judge(one: JoinedHandle, nowNs: number): ShownHandle {
    const key = keyOf(one);
    if (one.holders.length > 0) {
      this.#freeSince.delete(key);
      return { ...one, state: "held" };
    }
    const since = this.#freeSince.get(key) ?? nowNs;
    this.#freeSince.set(key, since);
    const keptNs = mayBeKept(one.handle) ? (closeTimeOf(one.mounts) ?? 0) * 1e9 : 0;
    const freeNs = nowNs - since;
    return { ...one, state: freeNs > keptNs + GRACE_NS ? "leaked" : "kept", freeSeconds: freeNs / 1e9 };
  }

  /** Of handles that are gone nothing is kept. */
  forget(present: readonly JoinedHandle[]): void {
    const keys = new Set(present.map(keyOf));
    for (const key of this.#freeSince.keys()) if (!keys.has(key)) this.#freeSince.delete(key);
  }
}

const keyOf = ({ handle }: JoinedHandle): string =>
  `${handle.sessionId} ${handle.treeId} ${handle.fileId} ${handle.name}`;
