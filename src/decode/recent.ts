/** A map that keeps at most `limit` entries; the oldest is handed over before it is forgotten. */
export class Recent<Key, Value> {
  readonly #limit: number;
  readonly #forgotten: (value: Value) => void;
  readonly #entries = new Map<Key, Value>();

  constructor(limit: number, forgotten: (value: Value) => void) {
    this.#limit = limit;
    this.#forgotten = forgotten;
  }

  get(key: Key): Value | undefined {
    return this.#entries.get(key);
  }

  of(key: Key, make: () => Value): Value {
    const found = this.#entries.get(key);
    if (found !== undefined) return found;
    const value = make();
    this.set(key, value);
    return value;
  }

  set(key: Key, value: Value): void {
    this.#entries.set(key, value);
    if (this.#entries.size <= this.#limit) return;
    const [oldest] = this.#entries;
    if (oldest === undefined) return;
    this.#entries.delete(oldest[0]);
    this.#forgotten(oldest[1]);
  }

  delete(key: Key): void {
    this.#entries.delete(key);
  }

  /** All values, the oldest first; it is empty afterwards. */
  drain(): Value[] {
    const values = [...this.#entries.values()];
    this.#entries.clear();
    return values;
  }
}
