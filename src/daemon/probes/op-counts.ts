import type { Tick } from "../../probe/op.ts";
import { commandName } from "../../smb/commands.ts";

/** Requests released since the probe was attached, as `aod status` shows them. */
export interface OpCount {
  readonly connection_id: string;
  readonly command: string;
  readonly count: number;
  readonly errors: number;
}

/** Connections whose counts are kept; the one that was idle longest makes room. A host has one per server, or a few with multichannel. */
const MAX_CONNECTIONS = 1024;

/**
 * Sums the ticks per connection and command. On a quiet client the counts since attach are the differences of the per-command table
 * of /proc/fs/cifs/Stats, which also counts in __release_mid.
 */
export class OpCounts {
  /** Counts that were given up with their connection. */
  forgotten = 0;
  readonly #connections = new Map<bigint, Map<number, { count: number; errors: number }>>();

  take(tick: Tick): void {
    for (const { connectionId, commandCode, count, errors } of tick.entries) {
      if (count === 0) continue;
      const commands = this.#commandsOf(connectionId);
      const sum = commands.get(commandCode) ?? { count: 0, errors: 0 };
      sum.count += count;
      sum.errors += errors;
      commands.set(commandCode, sum);
    }
  }

  list(): OpCount[] {
    return [...this.#connections].flatMap(([connection, commands]) =>
      [...commands].map(([code, { count, errors }]) => ({
        connection_id: `0x${connection.toString(16)}`,
        command: commandName(code),
        count,
        errors,
      })),
    );
  }

  /** A new probe counts anew. */
  clear(): void {
    this.#connections.clear();
    this.forgotten = 0;
  }

  #commandsOf(connection: bigint): Map<number, { count: number; errors: number }> {
    const commands = this.#connections.get(connection) ?? new Map<number, { count: number; errors: number }>();
    this.#connections.delete(connection);
    this.#connections.set(connection, commands);
    if (this.#connections.size > MAX_CONNECTIONS) this.#forgetOldest();
    return commands;
  }

  #forgetOldest(): void {
    const oldest = this.#connections.entries().next().value;
    if (oldest === undefined) return;
    for (const { count } of oldest[1].values()) this.forgotten += count;
    this.#connections.delete(oldest[0]);
  }
}
