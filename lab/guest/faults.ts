import type { Lab } from "./lab.ts";

/** Every fault takes itself back at the end of the scenario, and earlier by its `clear...`. */

export interface Impairment {
  /** ms added to each packet from the client to the server, so to each round trip once. */
  readonly delayMs: number;
  readonly jitterMs?: number;
  readonly lossPercent?: number;
  /** The server's port: 445 (SMB) when absent, 2049 is NFS. */
  readonly port?: number;
}

/** tc commands that impair what goes to that port over lo and leave all other traffic of lo alone. */
export function impairCommands(impairment: Impairment): string[][] {
  const { delayMs, jitterMs = 0, lossPercent = 0, port = 445 } = impairment;
  const netem = ["delay", `${delayMs}ms`, ...(jitterMs > 0 ? [`${jitterMs}ms`] : [])];
  if (lossPercent > 0) netem.push("loss", `${lossPercent}%`);
  return [
    // Four bands, of which the default priority map uses the first three: the last one is netem's alone.
    ["tc", "qdisc", "replace", "dev", "lo", "root", "handle", "1:", "prio", "bands", "4"],
    ["tc", "qdisc", "replace", "dev", "lo", "parent", "1:4", "handle", "40:", "netem", "limit", "10000", ...netem],
    [
      ...["tc", "filter", "replace", "dev", "lo", "parent", "1:", "protocol", "ip", "prio", "1", "handle", "800::1"],
      ...[
        "u32",
        "match",
        "ip",
        "protocol",
        "6",
        "0xff",
        "match",
        "ip",
        "dport",
        String(port),
        "0xffff",
        "flowid",
        "1:4",
      ],
    ],
  ];
}

/** Latency and loss on the way to the server (netem). Another call changes the amount. */
export async function impair(lab: Lab, impairment: Impairment): Promise<void> {
  lab.onEnd("clear netem", () => clearImpairment(lab));
  for (const argv of impairCommands(impairment)) await lab.run(argv);
}

export async function clearImpairment(lab: Lab): Promise<void> {
  // Status 2: there is none.
  await lab.run(["tc", "qdisc", "del", "dev", "lo", "root"], { anyStatus: true });
}

const dropRules = (port: number): string[][] => [
  ["INPUT", "-i", "lo", "-p", "tcp", "--dport", String(port), "-j", "DROP"],
  ["INPUT", "-i", "lo", "-p", "tcp", "--sport", String(port), "-j", "DROP"],
];

/** Every packet from and to a TCP port is dropped on arrival, as by a firewall: no reset, no ICMP. */
export async function dropPort(lab: Lab, port: number): Promise<void> {
  lab.onEnd(`accept port ${port}`, () => acceptPort(lab, port));
  for (const rule of dropRules(port)) await lab.run(["iptables", "-w", "10", "-A", ...rule]);
}

export async function acceptPort(lab: Lab, port: number): Promise<void> {
  // Status 1: there is no such rule.
  for (const rule of dropRules(port)) await lab.run(["iptables", "-w", "10", "-D", ...rule], { anyStatus: true });
}
