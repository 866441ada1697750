import type { Machine } from "../machine.ts";

/** Ports that many hosts answer on, if only with a refusal. */
const usual = [22, 80, 443, 139, 135, 111, 2049, 445, 3389];
const WAIT_MS = 1500;

/** What tells that a host is there though one of its ports is silent: another port that answers or refuses, or ping. Undefined: nothing does. */
export async function hostIsAlive(
  address: string,
  silent: number,
  machine: Machine,
  signal: AbortSignal,
): Promise<string | undefined> {
  const ports = usual.filter((port) => port !== silent);
  const [answers, ping] = await Promise.all([
    Promise.all(ports.map((port) => machine.network.connect(address, port, { timeoutMs: WAIT_MS, signal }))),
    machine.run(["ping", "-n", "-c", "1", "-W", "2", address], { timeoutMs: 3000, maxBytes: 8192, signal }),
  ]);
  const told: string[] = [];
  for (const [index, answer] of answers.entries()) {
    if (answer.state === "open") {
      answer.socket.destroy();
      told.push(`port ${ports[index]} is open`);
    } else if (answer.state === "failed" && answer.code === "ECONNREFUSED") told.push(`port ${ports[index]} refuses`);
  }
  if (ping.status === "ok") told.push("ping is answered");
  return told.length === 0 ? undefined : told.slice(0, 3).join(", ");
}
