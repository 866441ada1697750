import { inspect } from "node:util";

/** A password on its way to where it is needed: whoever prints or serialises it gets a word in its place. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** For what computes with it, never for what is shown. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return "(secret)";
  }

  toJSON(): string {
    return "(secret)";
  }

  [inspect.custom](): string {
    return "(secret)";
  }
}
