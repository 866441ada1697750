// Credential caches in the persistent keyrings of users.
import { parseKlist } from "../kerberos/klist.ts";
import type { Run } from "../system/process.ts";
import { type CacheSearch, type FoundCache, MAX_USERS } from "./ticket-caches.ts";

/** It takes 10 ms; on a machine that is busy it runs at idle priority. */
const klistLimits = { timeoutMs: 10_000, maxBytes: 64 * 1024, env: { PATH: "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" } };
/** After that it no longer matters to anybody. */
const REMEMBERED_MS = 3600e3;

/**
 * Asks klist(1): the kernel shows these keyrings to nobody who has not taken them up. libkrb5 lets the kernel remove a cache when its last ticket ends
 * (krcc_store() of cc_keyring.c), so that one has ended is known from the look before alone.
 */
export class KeyringCaches {
  readonly #run: Run;
  /** As they were seen last. */
  readonly #seen = new Map<number, FoundCache>();

  constructor(run: Run) {
    this.#run = run;
  }

  /** Those of some users, and of whom there was one before. */
  async look(users: readonly number[], wallMs: number, signal: AbortSignal): Promise<CacheSearch> {
    const found: FoundCache[] = [];
    const lacks = new Set<string>();
    const uids = [...new Set([...this.#seen.keys(), ...users])];
    for (const uid of uids.slice(0, MAX_USERS)) {
      const name = `KEYRING:persistent:${uid}`;
      const { status, stdout, reason } = await this.#run(["klist", "-c", name], { ...klistLimits, signal });
      if (status === "missing")
        return { found, lacks: ["klist is not installed: tickets in keyrings are not seen"], overLimit: 0 };
      if (status === "timeout") {
        lacks.add(`klist: ${reason ?? "no answer"}`);
        continue;
      }
      const cache = status === "ok" ? parseKlist(stdout.toString("utf8")) : undefined;
      const there = cache === undefined ? this.#ended(uid, wallMs) : { name, uid, cache };
      if (there === undefined) this.#seen.delete(uid);
      else {
        this.#seen.set(uid, there);
        found.push(there);
      }
    }
    return { found, lacks: [...lacks], overLimit: Math.max(0, uids.length - MAX_USERS) };
  }

  /** What was there until its last ticket ended; what went before that, somebody has destroyed. */
  #ended(uid: number, wallMs: number): FoundCache | undefined {
    const before = this.#seen.get(uid);
    const sinceMs = wallMs - 1000 * Math.max(...(before?.cache.tickets ?? []).map(({ end }) => end));
    return sinceMs >= 0 && sinceMs < REMEMBERED_MS ? before : undefined;
  }
}
