const SLOTS = 32;

/**
 * How much happened within a sliding window, in 32 numbers however much it is. What happened less than 31/32 of the window ago is in it for
 * certain, what happened a whole window ago is not.
 */
export class WindowCount {
  #slotNs: number;
  readonly #slots = new Float64Array(SLOTS);
  #newest = Number.NEGATIVE_INFINITY;

  constructor(windowNs: number) {
    this.#slotNs = windowNs / SLOTS;
  }

  /** Also for what is told late, as long as it is still in the window. */
  add(timeNs: number, amount = 1): void {
    const slot = this.#turn(timeNs);
    if (slot > this.#newest - SLOTS) this.#slots[indexOf(slot)] = (this.#slots[indexOf(slot)] ?? 0) + amount;
  }

  total(nowNs: number): number {
    this.#turn(nowNs);
    return this.#slots.reduce((sum, amount) => sum + amount, 0);
  }

  /** A window of another length from now on. What is in it stays, each amount in the middle of the slot that it was in. */
  resize(windowNs: number): void {
    const slotNs = windowNs / SLOTS;
    if (slotNs === this.#slotNs) return;
    const before: [timeNs: number, amount: number][] = [];
    // Before anything was counted there is no newest slot.
    const slots = Number.isFinite(this.#newest) ? SLOTS : 0;
    for (let age = slots - 1; age >= 0; age--) {
      const slot = this.#newest - age;
      const amount = this.#slots[indexOf(slot)] ?? 0;
      if (amount > 0) before.push([(slot + 0.5) * this.#slotNs, amount]);
    }
    this.#slotNs = slotNs;
    this.#newest = Number.NEGATIVE_INFINITY;
    this.#slots.fill(0);
    for (const [timeNs, amount] of before) this.add(timeNs, amount);
  }

  clear(): void {
    this.#slots.fill(0);
  }

  #turn(timeNs: number): number {
    const slot = Math.floor(timeNs / this.#slotNs);
    const from = Math.max(this.#newest + 1, slot - SLOTS + 1);
    for (let gone = from; gone <= slot; gone++) this.#slots[indexOf(gone)] = 0;
    this.#newest = Math.max(this.#newest, slot);
    return slot;
  }
}

function indexOf(slot: number): number {
  return ((slot % SLOTS) + SLOTS) % SLOTS;
}
