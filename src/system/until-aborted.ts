/** Thrown by untilAborted() when its signal ends it. */
export class OutOfTime extends Error {
  constructor() {
    super("its time was over");
    this.name = "OutOfTime";
  }
}

/**
 * The values of an iterable until it ends or the signal does: one that never answers cannot hold its reader. `abandoned` is told of the
 * unanswered request, which settles when (and if) the iterable answers after all.
 */
export async function* untilAborted<T>(
  iterable: AsyncIterable<T>,
  signal: AbortSignal | undefined,
  abandoned: (request: Promise<unknown>) => void = () => {},
): AsyncGenerator<T> {
  const iterator = iterable[Symbol.asyncIterator]();
  let stop = (): void => {};
  const onAbort = (): void => stop();
  signal?.addEventListener("abort", onAbort, { once: true });
  let over = false;
  try {
    for (;;) {
      // A promise of its own for each value: a race with one that lives as long as the reading would keep every value alive.
      const next = await new Promise<IteratorResult<T>>((resolve, reject) => {
        let request: Promise<unknown> | undefined;
        stop = () => {
          if (request !== undefined) abandoned(request);
          reject(new OutOfTime());
        };
        if (signal?.aborted) return stop();
        request = iterator.next().then(resolve, (error: unknown) => {
          over = true;
          reject(error);
        });
      });
      if (next.done) {
        over = true;
        return;
      }
      yield next.value;
    }
  } finally {
    signal?.removeEventListener("abort", onAbort);
    // Not awaited: the return of a generator that hangs in an await comes only after that.
    if (!over) void iterator.return?.().catch(() => undefined);
  }
}
