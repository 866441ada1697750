import { request } from "node:http";
import { AodError } from "../system/error.ts";
import { socketPath } from "./api.ts";

const TIMEOUT_MS = 10_000;

/** The answer to GET `path`; undefined for 404. Rejects with AodError `failed` that says what to do when no daemon answers. */
export async function askDaemon(runDir: string, path: string): Promise<unknown> {
  const text = await askDaemonText(runDir, path);
  return text === undefined ? undefined : JSON.parse(text);
}

/** The same of an answer that is not JSON. */
export async function askDaemonText(runDir: string, path: string): Promise<string | undefined> {
  const socket = socketPath(runDir);
  const { status, body } = await ask(socket, path).catch((error: unknown) => {
    throw explain(error, socket);
  });
  if (status === 404) return undefined;
  if (status === 200) return body;
  throw new AodError("failed", `the daemon answered ${status}: ${body}`);
}

/** The answer to POST `path`. Rejects as askDaemon does, and with the daemon's words when it refuses. */
export async function tellDaemon(runDir: string, path: string, content: unknown): Promise<unknown> {
  const socket = socketPath(runDir);
  const { status, body } = await ask(socket, path, JSON.stringify(content)).catch((error: unknown) => {
    throw explain(error, socket);
  });
  const value: unknown = JSON.parse(body);
  if (status === 200) return value;
  const why = typeof value === "object" && value !== null && "error" in value ? String(value.error) : body;
  throw new AodError(status === 400 ? "usage" : "failed", why);
}

/** Whether an error of askDaemon means that there is no daemon. */
export class NotRunning extends AodError {
  constructor(socket: string, cause: unknown) {
    super("failed", `aod is not running: nobody answers at ${socket}. Start it with: aod run`, { cause });
  }
}

/** There is a daemon, but it did not answer in time: it has too much to do. */
export class NoAnswer extends AodError {
  constructor(socket: string, cause: unknown) {
    super("failed", `${socket}: no answer within ${TIMEOUT_MS / 1000} s`, { cause });
  }
}

/** What a request is ended with that took too long. */
class TooLong extends Error {}

function ask(
  socketPath: string,
  path: string,
  content?: string,
): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const method = content === undefined ? "GET" : "POST";
    const asked = request(
      { socketPath, path, method, timeout: TIMEOUT_MS, headers: { host: "localhost" } },
      (response) => {
        const pieces: Buffer[] = [];
        response.on("data", (piece: Buffer) => pieces.push(piece));
        response.on("error", reject);
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(pieces).toString() }));
      },
    );
    asked.on("timeout", () => asked.destroy(new TooLong()));
    asked.on("error", reject);
    asked.end(content);
  });
}

function explain(error: unknown, socket: string): AodError {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (error instanceof TooLong) return new NoAnswer(socket, error);
  if (code === "ENOENT" || code === "ECONNREFUSED") return new NotRunning(socket, error);
  if (code === "EACCES" || code === "EPERM") {
    return new AodError("failed", `${socket} may not be opened: run this as root or as a member of the group aod`, {
      cause: error,
    });
  }
  return new AodError("failed", `${socket}: ${error instanceof Error ? error.message : String(error)}`, {
    cause: error,
  });
}
