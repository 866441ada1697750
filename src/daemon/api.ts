import { chmodSync, chownSync, existsSync, readFileSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { join } from "node:path";
import { AodError, messageOf } from "../system/error.ts";

/** What a GET of a path answers; undefined: there is no such thing. */
export type Route = (rest: string, accept: string | undefined) => unknown;

/** An answer that is not JSON. */
export class TextAnswer {
  readonly contentType: string;
  readonly text: string;

  constructor(contentType: string, text: string) {
    this.contentType = contentType;
    this.text = text;
  }
}

/** What a POST of JSON does and answers. An AodError `usage` is the asker's fault, `failed` means not now. */
export type Action = (body: unknown) => unknown;

export interface Api {
  readonly path: string;
  close(): Promise<void>;
}

/** Who may ask at the same time. */
const CONNECTIONS = 32;

/** Bytes of a POST. */
const MAX_BODY = 16 * 1024;

/**
 * Answers on a unix socket with JSON: GET reads, by the first part of the path, with what follows it; POST does one of a few things. The socket
 * is for root and, where there is one, the group `aod`.
 */
export async function startApi(
  runDir: string,
  routes: Readonly<Record<string, Route>>,
  actions: Readonly<Record<string, Action>> = {},
): Promise<Api> {
  const path = socketPath(runDir);
  // Whoever has the lock may: the socket is that of a daemon that has gone.
  rmSync(path, { force: true });
  const server = createServer({ requestTimeout: 5000 }, (request, response) => {
    // What can be read cannot be done: 405.
    const readable = Object.hasOwn(routes, (request.url ?? "").split(/[/?]/)[1] ?? "");
    if (request.method === "POST" && !readable) void act(actions, request, response);
    else void answer(routes, request, response);
  });
  server.maxConnections = CONNECTIONS;
  await listen(server, path);
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  try {
    chmodSync(path, 0o660);
    const group = groupId("aod");
    if (group !== undefined && process.geteuid?.() === 0) chownSync(path, 0, group);
  } catch (error) {
    await close();
    throw error;
  }
  return { path, close };
}

export function socketPath(runDir: string): string {
  return join(runDir, "aod.sock");
}

function listen(server: Server, path: string): Promise<void> {
  // The socket appears with its final mode: nobody can connect in between.
  const before = process.umask(0o117);
  return new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => resolve());
  }).finally(() => process.umask(before));
}

async function answer(
  routes: Readonly<Record<string, Route>>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { pathname } = new URL(request.url ?? "/", "http://localhost");
  const [, name = "", ...rest] = pathname.split("/").map(decode);
  if (request.method !== "GET") return send(response, 405, { error: "only GET and POST are answered" });
  const route = Object.hasOwn(routes, name) ? routes[name] : undefined;
  try {
    const body = await route?.(rest.join("/"), request.headers.accept);
    if (body === undefined) send(response, 404, { error: `there is no ${pathname}` });
    else send(response, 200, body);
  } catch (error) {
    send(response, 500, { error: messageOf(error) });
  }
}

async function act(
  actions: Readonly<Record<string, Action>>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { pathname } = new URL(request.url ?? "/", "http://localhost");
  const name = pathname.slice(1);
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
  if (action === undefined) return send(response, 404, { error: `there is no ${pathname} to be done` });
  try {
    send(response, 200, await action(JSON.parse(await bodyOf(request))));
  } catch (error) {
    const code = error instanceof AodError ? error.code : error instanceof SyntaxError ? "usage" : undefined;
    send(response, code === "usage" ? 400 : code === "failed" ? 409 : 500, { error: messageOf(error) });
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of request) {
    const bytes = Buffer.from(piece);
    size += bytes.length;
    if (size > MAX_BODY) throw new AodError("usage", `more than ${MAX_BODY} bytes`);
    pieces.push(bytes);
  }
  return Buffer.concat(pieces).toString();
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const { contentType, text } =
    body instanceof TextAnswer ? body : { contentType: "application/json", text: JSON.stringify(body) };
  response.writeHead(status, { "content-type": contentType, "cache-control": "no-store" });
  response.end(text);
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    // Not an escape: taken as it is.
    return part;
  }
}

function groupId(name: string): number | undefined {
  if (!existsSync("/etc/group")) return undefined;
  const line = readFileSync("/etc/group", "utf8")
    .split("\n")
    .find((entry) => entry.startsWith(`${name}:`));
  const id = Number(line?.split(":")[2]);
  return Number.isInteger(id) ? id : undefined;
}
