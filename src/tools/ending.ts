/** SIGINT, SIGTERM or the end of -d, whichever comes first. */
export class Ending {
  readonly reached: Promise<void>;
  private readonly durationS: number | undefined;
  private resolve: () => void = () => {};
  private timer: NodeJS.Timeout | undefined;
  private readonly onSignal = (): void => this.resolve();

  private readonly signals: readonly NodeJS.Signals[];

  /** `also`: further signals that end it. */
  constructor(durationS: number | undefined, also: readonly NodeJS.Signals[] = []) {
    this.durationS = durationS;
    this.signals = ["SIGINT", "SIGTERM", ...also];
    this.reached = new Promise((resolve) => {
      this.resolve = resolve;
    });
    for (const name of this.signals) process.once(name, this.onSignal);
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
    for (const name of this.signals) process.off(name, this.onSignal);
  }
}
