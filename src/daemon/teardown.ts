import { messageOf } from "../system/error.ts";

/** What a start has opened, to be given back when it fails half way or when the daemon ends: what was opened last goes first. */
export class Teardown {
  readonly #failed: (message: string) => void;
  #steps: (() => void | Promise<void>)[] = [];

  /** `failed` hears of a step that could not be done; the others are done all the same. */
  constructor(failed: (message: string) => void) {
    this.#failed = failed;
  }

  add(step: () => void | Promise<void>): void {
    this.#steps.push(step);
  }

  /** Never rejects; a second call does nothing more. */
  async run(): Promise<void> {
    const steps = this.#steps.reverse();
    this.#steps = [];
    for (const step of steps) {
      try {
        await step();
      } catch (error) {
        this.#failed(messageOf(error));
      }
    }
  }
}
