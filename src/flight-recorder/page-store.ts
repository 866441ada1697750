/** A page of the kernel's ring: its first eight bytes are the time of its first event, ns of the ring's clock. */
interface Kept {
  readonly cpu: number;
  readonly timeNs: number;
  readonly page: Buffer;
}

export interface PageLimits {
  readonly maxBytes: number;
  readonly maxAgeNs: number;
}

/**
 * Pages that were taken out of the ring for one incident: the next one wants them too. Bounded by age and bytes; the oldest go first. What is too
 * old is no loss, what had to go for want of room is counted.
 */
export class PageStore {
  dropped = 0;
  readonly #limits: PageLimits;
  #pages: Kept[] = [];
  #bytes = 0;

  constructor(limits: PageLimits) {
    this.#limits = limits;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** In the order of each processor. */
  add(cpu: number, page: Buffer, nowNs: number): void {
    this.#pages.push({ cpu, timeNs: Number(page.readBigUInt64LE(0)), page });
    this.#bytes += page.length;
    this.expire(nowNs);
    while (this.#bytes > this.#limits.maxBytes) {
      this.#drop();
      this.dropped += 1;
    }
  }

  expire(nowNs: number): void {
    const oldest = nowNs - this.#limits.maxAgeNs;
    while (this.#pages[0] !== undefined && this.#pages[0].timeNs < oldest) this.#drop();
  }

  of(cpu: number): Buffer[] {
    return this.#pages.filter((kept) => kept.cpu === cpu).map(({ page }) => page);
  }

  #drop(): void {
    this.#bytes -= this.#pages.shift()?.page.length ?? 0;
  }
}
