import type { Loss } from "../../probe/op.ts";

/** Which losses are worth a line in the log: each kind when it first appears, and whenever it has doubled. The totals are in the status. */
export class LossNews {
  readonly #told = new Map<string, number>();

  take(losses: readonly Loss[], tell: (news: readonly Loss[]) => void): void {
    const news = losses.filter(({ kind, detail, count }) => {
      const key = `${kind} ${detail ?? ""}`;
      if (count < 2 * (this.#told.get(key) ?? 0.5)) return false;
      this.#told.set(key, count);
      return true;
    });
    if (news.length > 0) tell(news);
  }

  clear(): void {
    this.#told.clear();
  }
}
