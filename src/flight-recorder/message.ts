/** Bytes of a segment's payload that are kept: from, to (not included). */
export type Range = readonly [number, number];

/** What is at a place where a message may begin. */
export interface Message {
  /** Bytes from its first to the first of the next one. */
  readonly size: number;
  /** Relative to the payload. What is not captured may be among it. */
  readonly keep: readonly Range[];
  /** It names something that only this connection knows, e.g. its session: then it is no file's content that looks like a message. */
  readonly familiar: boolean;
}

/** One protocol on one connection. It learns from what is certainly a message, in both directions. */
export interface Dissector {
  /**
   * The message at `at`, of which the payload's captured bytes are there. `unknown`: it is certainly none, or it cannot be told from these bytes
   * how long it is.
   */
  read(payload: Buffer, at: number, toServer: boolean): Message | "unknown";
  /** The message at `at` is one without doubt. */
  learn(payload: Buffer, at: number, toServer: boolean): void;
}
