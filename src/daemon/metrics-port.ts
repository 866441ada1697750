import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { AodError, messageOf } from "../system/error.ts";
import type { TextAnswer } from "./api.ts";

export interface MetricsPort {
  readonly port: number;
  close(): Promise<void>;
}

const CONNECTIONS = 8;

/** Serves GET /metrics, and nothing else, on a loopback address. Rejects with AodError `failed`. */
export async function openMetricsPort(
  { host, port }: { readonly host: string; readonly port: number },
  answer: (accept: string | undefined) => Promise<TextAnswer>,
): Promise<MetricsPort> {
  const server = createServer({ requestTimeout: 5000 }, (request, response) => {
    const refuse = (status: number, text: string): void => {
      response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(`${text}\n`);
    };
    // A page in somebody's browser may name any host that leads here; such a request does not say "localhost".
    if (!isLoopbackName(request.headers.host)) return refuse(403, "only for localhost");
    if (request.method !== "GET") return refuse(405, "only GET is answered");
    if (request.url?.split("?")[0] !== "/metrics") return refuse(404, "there is only /metrics");
    answer(request.headers.accept).then(
      ({ contentType, text }) => {
        response.writeHead(200, { "content-type": contentType, "cache-control": "no-store" }).end(text);
      },
      (error: unknown) => refuse(500, messageOf(error)),
    );
  });
  server.maxConnections = CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) =>
      reject(
        new AodError("failed", `metrics.listen: cannot listen at ${host}:${port}: ${error.message}`, { cause: error }),
      ),
    );
    server.listen(port, host, () => resolve());
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function isLoopbackName(host: string | undefined): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i.test(host ?? "");
}
