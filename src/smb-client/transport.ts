// Messages over TCP: MS-SMB2 2.1, a zero byte, then the length in three bytes.
import type { Socket } from "node:net";

/** What came back: a message, nothing in time, or the end of the connection (`code`: ECONNRESET, where it was no orderly end). */
export type Received =
  | { readonly state: "message"; readonly bytes: Buffer }
  | { readonly state: "timeout" }
  | { readonly state: "closed"; readonly code?: string };

/** More than any answer to what is asked here. */
const MAX_MESSAGE = 1024 * 1024;

/** One connection, one request at a time. */
export class Transport {
  readonly #socket: Socket;
  #bytes: Buffer = Buffer.alloc(0);
  #ended: Extract<Received, { state: "closed" }> | undefined;
  #wake: (() => void) | undefined;

  /** Takes the socket over: close() ends it. */
  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (bytes: Buffer) => {
      if (this.#bytes.length <= MAX_MESSAGE) this.#bytes = Buffer.concat([this.#bytes, bytes]);
      this.#wake?.();
    });
    socket.on("error", (error) => this.#end("code" in error ? String(error.code) : error.message));
    socket.on("close", () => this.#end());
    socket.on("end", () => this.#end());
  }

  #end(code?: string): void {
    this.#ended ??= { state: "closed", ...(code !== undefined && { code }) };
    this.#wake?.();
  }

  send(message: Buffer): void {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(message.length);
    this.#socket.write(Buffer.concat([length, message]));
  }

  async receive(timeoutMs: number, signal?: AbortSignal): Promise<Received> {
    const end = performance.now() + timeoutMs;
    for (;;) {
      const message = this.#take();
      if (message !== undefined) return message;
      if (this.#ended !== undefined) return this.#ended;
      const left = end - performance.now();
      if (left <= 0 || signal?.aborted === true) return { state: "timeout" };
      await this.#more(left, signal);
    }
  }

  #take(): Received | undefined {
    if (this.#bytes.length < 4) return undefined;
    const length = this.#bytes.readUInt32BE(0);
    if (length > MAX_MESSAGE) return { state: "closed", code: "no SMB message" };
    if (this.#bytes.length < 4 + length) return undefined;
    const bytes = this.#bytes.subarray(4, 4 + length);
    this.#bytes = this.#bytes.subarray(4 + length);
    return { state: "message", bytes };
  }

  #more(waitMs: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", done);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(done, waitMs);
      signal?.addEventListener("abort", done, { once: true });
      this.#wake = done;
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}
