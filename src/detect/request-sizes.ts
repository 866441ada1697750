import type { DebugData } from "../smb/debug-data.ts";
import { BoundedMap } from "./bounded-map.ts";
import type { SmbStatsDelta } from "./observation.ts";

interface TreeId {
  readonly connectionId: bigint;
  readonly sessionId: bigint;
  readonly treeId: number;
}

/** How large the reads and writes of a share are just now, as powers of four: Stats counts requests and bytes, DebugData knows which tree it is. */
export class RequestSizes {
  readonly #shares = new Map<string, string>();
  readonly #classes: BoundedMap<string, string>;

  constructor(limit: number) {
    this.#classes = new BoundedMap(limit);
  }

  /** Another limit from now on. */
  resize(limit: number): void {
    this.#classes.resize(limit);
  }

  state({ servers }: DebugData): void {
    this.#shares.clear();
    for (const server of servers) {
      for (const { sessionId = 0n, channels, shares } of server.sessions) {
        const connections = [server.connectionId, ...channels.map((channel) => channel.connectionId)];
        for (const { treeId, name } of shares)
          for (const connectionId of connections)
            if (treeId !== undefined)
              this.#shares.set(textOf({ connectionId: connectionId ?? 0n, sessionId, treeId }), name);
      }
    }
  }

  stats({ shares }: SmbStatsDelta): void {
    for (const { target, counts, bytesRead, bytesWritten } of shares) {
      if (target.share === undefined) continue;
      const reads = counts.get("Reads")?.total ?? 0;
      const writes = counts.get("Writes")?.total ?? 0;
      if (reads > 0) this.#classes.set(`${target.share} SMB2_READ`, classOf(bytesRead / reads));
      if (writes > 0) this.#classes.set(`${target.share} SMB2_WRITE`, classOf(bytesWritten / writes));
    }
  }

  /** Undefined when nothing tells. */
  of(id: TreeId, command: string): string | undefined {
    const share = this.#shares.get(textOf(id));
    return share === undefined ? undefined : this.#classes.peek(`${share} ${command}`);
  }
}

function textOf({ connectionId, sessionId, treeId }: TreeId): string {
  return `${connectionId}/${sessionId}/${treeId}`;
}

/** `4^6` for 4 to 16 KiB. */
function classOf(bytes: number): string {
  return `4^${Math.floor(Math.log2(Math.max(1, bytes)) / 2)}`;
}
