// One question to a KDC, by UDP and by TCP: RFC 4120, section 7.2.
import { createSocket } from "node:dgram";
import { Resolver } from "node:dns/promises";
import { isIPv6 } from "node:net";
import { messageOf } from "../../system/error.ts";
import type { Network } from "../network/network.ts";

/** `failed`: what the kernel or an ICMP message says: ECONNREFUSED, EHOSTUNREACH, ... */
export type KdcAnswer =
  | { readonly state: "answer"; readonly bytes: Buffer; readonly tookMs: number }
  | { readonly state: "timeout" }
  | { readonly state: "failed"; readonly code: string };

export interface Service {
  readonly host: string;
  readonly port: number;
}

/** What the doctor of Kerberos asks of the network; tests answer themselves. */
export interface KdcWire {
  /** The SRV records of a name, the preferred first; empty where there is none. Throws where DNS does not answer. */
  services(name: string, signal: AbortSignal): Promise<readonly Service[]>;
  /** Never rejects. */
  udp(address: string, port: number, request: Buffer, timeoutMs: number, signal: AbortSignal): Promise<KdcAnswer>;
  /** Never rejects. */
  tcp(address: string, port: number, request: Buffer, timeoutMs: number, signal: AbortSignal): Promise<KdcAnswer>;
}

/** A longer answer is none. */
const LIMIT_BYTES = 256 * 1024;

export const realKdcWire = (network: Network): KdcWire => ({
  services: lookUpServices,
  udp: askByUdp,
  tcp: (address, port, request, timeoutMs, signal) => askByTcp(network, address, port, request, timeoutMs, signal),
});

async function lookUpServices(name: string, signal: AbortSignal): Promise<readonly Service[]> {
  const resolver = new Resolver({ timeout: 2000, tries: 2 });
  const cancel = (): void => resolver.cancel();
  signal.addEventListener("abort", cancel, { once: true });
  try {
    const records = await resolver.resolveSrv(name);
    const sorted = records.toSorted((a, b) => a.priority - b.priority || b.weight - a.weight);
    return sorted.map((record) => ({ host: record.name, port: record.port }));
  } catch (error) {
    if (/ENOTFOUND|ENODATA/.test(messageOf(error))) return [];
    throw error;
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}

function askByUdp(
  address: string,
  port: number,
  request: Buffer,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<KdcAnswer> {
  const started = performance.now();
  const socket = createSocket(isIPv6(address) ? "udp6" : "udp4");
  return new Promise((resolve) => {
    let done = false;
    const settle = (answer: KdcAnswer): void => {
      if (done) return;
      done = true;
      clearTimeout(timer);
      clearInterval(again);
      signal.removeEventListener("abort", late);
      socket.close();
      resolve(answer);
    };
    const late = (): void => settle({ state: "timeout" });
    const failed = (error: Error): void =>
      settle({ state: "failed", code: "code" in error ? String(error.code) : messageOf(error) });
    const send = (): void => socket.send(request, (error) => error !== null && failed(error));
    const timer = setTimeout(late, timeoutMs);
    // A datagram may be lost: the library sends again after a second too.
    const again = setInterval(() => connected && send(), 1000);
    let connected = false;
    if (signal.aborted) return late();
    signal.addEventListener("abort", late, { once: true });
    socket.on("error", failed);
    socket.on("message", (bytes) => settle({ state: "answer", bytes, tookMs: performance.now() - started }));
    // Connected, so that the kernel hands on what ICMP says.
    socket.connect(port, address, () => {
      connected = true;
      send();
    });
  });
}

async function askByTcp(
  network: Network,
  address: string,
  port: number,
  request: Buffer,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<KdcAnswer> {
  const started = performance.now();
  const connected = await network.connect(address, port, { timeoutMs, signal });
  if (connected.state === "timeout") return { state: "timeout" };
  if (connected.state === "failed") return { state: "failed", code: connected.code };
  const { socket } = connected;
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    const settle = (answer: KdcAnswer): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", late);
      socket.destroy();
      resolve(answer);
    };
    const late = (): void => settle({ state: "timeout" });
    const timer = setTimeout(late, Math.max(1, timeoutMs - (performance.now() - started)));
    if (signal.aborted) return late();
    signal.addEventListener("abort", late, { once: true });
    socket.on("error", (error) =>
      settle({ state: "failed", code: "code" in error ? String(error.code) : error.message }),
    );
    socket.on("close", () => settle({ state: "failed", code: "closed without an answer" }));
    socket.on("data", (piece) => {
      pieces.push(typeof piece === "string" ? Buffer.from(piece) : piece);
      const bytes = Buffer.concat(pieces);
      if (bytes.length < 4) return;
      const length = bytes.readUInt32BE(0);
      if (length > LIMIT_BYTES) settle({ state: "failed", code: "an answer that is not Kerberos" });
      else if (bytes.length >= 4 + length)
        settle({ state: "answer", bytes: bytes.subarray(4, 4 + length), tookMs: performance.now() - started });
    });
    const length = Buffer.alloc(4);
    length.writeUInt32BE(request.length);
    socket.write(Buffer.concat([length, request]));
  });
}
