/** Since when things have been there without a break, told by looks at what is there now. Those that are gone are forgotten. */
export class FirstSeen<Key> {
  /** Not followed because there were more than the limit. */
  overflow = 0;
  #limit: number;
  #since = new Map<Key, number>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#since.size;
  }

  resize(limit: number): void {
    this.#limit = limit;
  }

  /** Since when each of them, in their order. */
  see(keys: readonly Key[], nowNs: number): number[] {
    const next = new Map<Key, number>();
    const all = keys.map((key) => {
      const since = this.#since.get(key) ?? nowNs;
      if (next.size < this.#limit || next.has(key)) next.set(key, since);
      else this.overflow++;
      return since;
    });
    this.#since = next;
    return all;
  }
}
