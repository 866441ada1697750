/** A map that keeps at most `limit` entries: the one that was used longest ago goes first, and is counted. */
export class BoundedMap<Key, Value> {
  /** Entries that were given up for others. */
  forgotten = 0;
  #limit: number;
  readonly #entries = new Map<Key, Value>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Another limit from now on. */
  resize(limit: number): void {
    this.#limit = limit;
    this.#shrink();
  }

  clear(): void {
    this.#entries.clear();
  }

  /** Looks without using it. */
  peek(key: Key): Value | undefined {
    return this.#entries.get(key);
  }

  get(key: Key): Value | undefined {
    const value = this.#entries.get(key);
    if (value !== undefined) this.#touch(key, value);
    return value;
  }

  /** The entry of a key; `make` gives it when there is none. */
  of(key: Key, make: () => Value): Value {
    const value = this.#entries.get(key) ?? make();
    this.set(key, value);
    return value;
  }

  set(key: Key, value: Value): void {
    this.#touch(key, value);
    this.#shrink();
  }

  delete(key: Key): void {
    this.#entries.delete(key);
  }

  entries(): MapIterator<[Key, Value]> {
    return this.#entries.entries();
  }

  values(): MapIterator<Value> {
    return this.#entries.values();
  }

  /** Deletes those that `keep` does not want. */
  retain(keep: (value: Value, key: Key) => boolean): void {
    for (const [key, value] of this.#entries) if (!keep(value, key)) this.#entries.delete(key);
  }

  #shrink(): void {
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#limit) break;
      this.#entries.delete(oldest);
      this.forgotten++;
    }
  }

  #touch(key: Key, value: Value): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
  }
}
