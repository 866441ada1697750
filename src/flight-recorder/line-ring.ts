export interface LineLimits {
  readonly maxAgeNs: number;
  readonly maxBytes: number;
}

const GONE = { atNs: 0, line: "" };

/** Lines of text with a time, bounded by age and bytes: the oldest go first, those that had to go for want of room are counted. */
export class LineRing {
  dropped = 0;
  readonly #limits: LineLimits;
  #lines: { readonly atNs: number; readonly line: string }[] = [];
  #bytes = 0;
  /** Lines before it have gone: they are cut off now and then, not one by one. */
  #from = 0;

  constructor(limits: LineLimits) {
    this.#limits = limits;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(atNs: number, line: string): void {
    this.#lines.push({ atNs, line });
    this.#bytes += line.length;
    this.expire(atNs);
    while (this.#bytes > this.#limits.maxBytes && this.#from < this.#lines.length) {
      this.#drop();
      this.dropped += 1;
    }
  }

  expire(nowNs: number): void {
    const oldest = nowNs - this.#limits.maxAgeNs;
    for (
      let first = this.#lines[this.#from];
      first !== undefined && first.atNs < oldest;
      first = this.#lines[this.#from]
    )
      this.#drop();
  }

  /** Newer than a moment, oldest first. */
  since(sinceNs: number): string[] {
    return this.#lines.slice(this.#from).flatMap(({ atNs, line }) => (atNs > sinceNs ? [line] : []));
  }

  #drop(): void {
    this.#bytes -= this.#lines[this.#from]?.line.length ?? 0;
    // Its text goes now, its place later.
    this.#lines[this.#from] = GONE;
    this.#from += 1;
    if (this.#from < 1024) return;
    this.#lines = this.#lines.slice(this.#from);
    this.#from = 0;
  }
}
