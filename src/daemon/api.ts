import { chmodSync, chownSync, existsSync, readFileSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { join } from "node:path";
import { messageOf } from "../system/error.ts";

/** What a GET of a path answers; undefined: there is no such thing. */
export type Route = (rest: string) => unknown;

export interface Api {
  readonly path: string;
  close(): Promise<void>;
}

/** Who may ask at the same time. */
const CONNECTIONS = 32;

/**
 * Answers GET on a unix socket with JSON; read-only. `routes`: first part of the path -> answer, which gets what follows it. The socket is
 * for root and, where there is one, the group `aod`.
 */
export async function startApi(runDir: string, routes: Readonly<Record<string, Route>>): Promise<Api> {
  const path = socketPath(runDir);
  // Whoever has the lock may: the socket is that of a daemon that has gone.
  rmSync(path, { force: true });
  const server = createServer({ requestTimeout: 5000 }, (request, response) => void answer(routes, request, response));
  server.maxConnections = CONNECTIONS;
  await listen(server, path);
  chmodSync(path, 0o660);
  const group = groupId("aod");
  if (group !== undefined && process.geteuid?.() === 0) chownSync(path, 0, group);
  return {
    path,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
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
  if (request.method !== "GET") return send(response, 405, { error: "only GET is answered" });
  const route = Object.hasOwn(routes, name) ? routes[name] : undefined;
  try {
    const body = await route?.(rest.join("/"));
    if (body === undefined) send(response, 404, { error: `there is no ${pathname}` });
    else send(response, 200, body);
  } catch (error) {
    send(response, 500, { error: messageOf(error) });
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(JSON.stringify(body));
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
