import { join } from "node:path";
import { messageOf } from "../../src/system/error.ts";
import type { Lab } from "./lab.ts";

/** What people do with a share, by other processes, until it is stopped: write a file safely, read it, list the directory. */
export class OrdinaryWork {
  /** Rounds done. */
  rounds = 0;
  readonly #done: Promise<void>;
  #stopping = false;

  constructor(lab: Lab, directory: string, pauseSeconds = 0.3, maxRounds = 1000) {
    this.#done = this.#work(lab, directory, pauseSeconds, maxRounds);
    // Reported by stop(); until then nobody waits for it.
    this.#done.catch((error: unknown) => lab.tell(`the workload ended: ${messageOf(error)}`));
  }

  /** Ends after the round that is under way. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#done;
  }

  async #work(lab: Lab, directory: string, pauseSeconds: number, maxRounds: number): Promise<void> {
    const input = "a line of a report that must not be lost\n".repeat(400);
    while (!this.#stopping && this.rounds < maxRounds) {
      const file = join(directory, `report-${this.rounds % 7}`);
      await lab.run(["dd", `of=${file}`, "bs=4k", "conv=fsync", "status=none"], { input });
      await lab.run(["cat", file]);
      if (this.rounds % 5 === 0) await lab.run(["ls", "-l", directory]);
      this.rounds++;
      await lab.sleep(pauseSeconds);
    }
  }
}
