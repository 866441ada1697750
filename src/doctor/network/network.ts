import { lookup, Resolver } from "node:dns/promises";
import { connect, type Socket } from "node:net";
import { messageOf } from "../../system/error.ts";

/** What a doctor asks of the network; tests answer themselves. */
export interface Network {
  /** What getaddrinfo(3) says, as mount.cifs and mount.nfs ask: /etc/hosts, DNS and what else nsswitch.conf names. Throws its code (ENOTFOUND, EAI_AGAIN). */
  addresses(name: string, signal: AbortSignal): Promise<readonly string[]>;
  /** What the DNS servers say, A and AAAA; empty for a name without any. Throws where they do not answer. */
  dns(name: string, signal: AbortSignal): Promise<readonly string[]>;
  /** Never rejects. */
  connect(address: string, port: number, options: ConnectOptions): Promise<Connected>;
}

export interface ConnectOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** The client's own end, as srcaddr= and resvport ask. */
  readonly localAddress?: string;
  readonly localPort?: number;
}

/** `timeout`: nothing came back. `failed`: what the kernel or an ICMP message says, ECONNREFUSED, EHOSTUNREACH, ... */
export type Connected =
  | { readonly state: "open"; readonly socket: Socket; readonly tookMs: number }
  | { readonly state: "timeout"; readonly tookMs: number }
  | { readonly state: "failed"; readonly code: string; readonly tookMs: number };

export const realNetwork: Network = {
  addresses: async (name, signal) => {
    const found = await until(lookup(name, { all: true, order: "verbatim" }), signal);
    return [...new Set(found.map(({ address }) => address))];
  },
  dns: async (name, signal) => {
    const resolver = new Resolver({ timeout: 2000, tries: 2 });
    const cancel = (): void => resolver.cancel();
    signal.addEventListener("abort", cancel, { once: true });
    try {
      const answers = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
      const said = answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
      const [failed] = answers.flatMap((answer) => (answer.status === "rejected" ? [answer.reason] : []));
      if (said.length === 0 && !/^(ENOTFOUND|ENODATA)$/.test(String(failed?.code))) throw failed;
      return said.flat();
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  },
  connect: connectTcp,
};

/** getaddrinfo() cannot be ended; it is left alone. */
function until<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(new Error("there was no answer in time"));
    if (signal.aborted) return stop();
    signal.addEventListener("abort", stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}

function connectTcp(address: string, port: number, options: ConnectOptions): Promise<Connected> {
  const started = performance.now();
  const tookMs = (): number => performance.now() - started;
  const { localAddress, localPort, timeoutMs, signal } = options;
  return new Promise((resolve) => {
    const socket = connect({
      host: address,
      port,
      autoSelectFamily: false,
      ...(localAddress && { localAddress }),
      ...(localPort && { localPort }),
    });
    const settle = (connected: Connected): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", late);
      socket.removeListener("error", failed).removeListener("connect", open);
      if (connected.state !== "open") socket.on("error", () => {}).destroy();
      resolve(connected);
    };
    const late = (): void => settle({ state: "timeout", tookMs: tookMs() });
    const failed = (error: Error): void =>
      settle({ state: "failed", code: "code" in error ? String(error.code) : messageOf(error), tookMs: tookMs() });
    const open = (): void => settle({ state: "open", socket, tookMs: tookMs() });
    const timer = setTimeout(late, timeoutMs);
    if (signal?.aborted === true) return late();
    signal?.addEventListener("abort", late, { once: true });
    socket.once("error", failed).once("connect", open);
  });
}
