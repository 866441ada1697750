/** SIGINT, SIGTERM or the end of -d, whichever comes first. */
export class Ending {
  readonly reached: Promise<void>;
  private readonly durationS: number | undefined;
  private resolve: () => void = () => {};
  private timer: NodeJS.Timeout | undefined;
  private readonly onSignal = (): void => this.resolve();

  constructor(durationS: number | undefined) {
    this.durationS = durationS;
    this.reached = new Promise((resolve) => {
      this.resolve = resolve;
    });
    process.once("SIGINT", this.onSignal);
    process.once("SIGTERM", this.onSignal);
  }

  /** The time begins, anew. */
  start(): void {
    clearTimeout(this.timer);
    if (this.durationS !== undefined) this.timer = setTimeout(this.onSignal, this.durationS * 1000);
  }

  pause(): void {
    clearTimeout(this.timer);
  }

  dispose(): void {
    clearTimeout(this.timer);
    process.off("SIGINT", this.onSignal);
    process.off("SIGTERM", this.onSignal);
  }
}
