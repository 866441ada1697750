/** Why a command or a part of it ended: the exit status follows from it. */
export type AodErrorCode = "failed" | "usage" | "unsupported";

const exitStatuses: Readonly<Record<AodErrorCode, number>> = { failed: 1, usage: 2, unsupported: 3 };

/** An error for people: the message says what went wrong and what to do; `cause` keeps the original. */
export class AodError extends Error {
  readonly code: AodErrorCode;

  constructor(code: AodErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AodError";
    this.code = code;
  }

  /** 1 failed, 2 usage, 3 not supported here. */
  get exitStatus(): number {
    return exitStatuses[this.code];
  }
}

/** The text of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
