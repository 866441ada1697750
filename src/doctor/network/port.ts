import type { Finding, Verdict } from "../answer.ts";
import type { Machine } from "../machine.ts";
import { hostIsAlive } from "./alive.ts";
import { type LocalDrops, localDrops } from "./drops.ts";
import type { Connected } from "./network.ts";
import { rejections } from "./rejections.ts";

export interface PortQuestion {
  /** As the user calls the server. */
  readonly host: string;
  readonly addresses: readonly string[];
  readonly port: number;
  /** `SMB`, `NFS`, `rpcbind`. */
  readonly service: string;
  /** What gives up after how long; more is no use. */
  readonly timeoutMs: number;
}

export interface PortAnswer {
  readonly findings: readonly Finding[];
  /** Where something listens, in the order of the question. */
  readonly open: readonly string[];
}

type Tried = {
  readonly address: string;
  readonly outcome: Exclude<Connected, { state: "open" }> | { readonly state: "open"; readonly tookMs: number };
};

const SLOW_MS = 1000;
const MAX_ADDRESSES = 8;

/** Whether the service's port takes connections: refused, rejected on the way, silent and slow are told apart. */
export async function examinePort(question: PortQuestion, machine: Machine, signal: AbortSignal): Promise<PortAnswer> {
  const addresses = question.addresses.slice(0, MAX_ADDRESSES);
  const tried = await Promise.all(addresses.map((address) => tryOne(address, question, machine, signal)));
  const open = tried.filter(({ outcome }) => outcome.state === "open").map(({ address }) => address);
  const findings: Finding[] = [];
  let looked = false;
  for (const { address, outcome } of tried) {
    if (outcome.state === "open") {
      findings.push(opened(address, question, outcome.tookMs));
      continue;
    }
    // Of several dead addresses one shows what this machine's own rules do.
    const own = looked ? undefined : await ownFirewall(address, question, outcome, machine, signal);
    looked = true;
    findings.push(own ?? (await closed(address, question, outcome, machine, signal)));
  }
  if (open.length > 0 && open.length < tried.length) return { findings: someDead(question, tried, findings), open };
  return { findings, open };
}

async function tryOne(
  address: string,
  { port, timeoutMs }: PortQuestion,
  machine: Machine,
  signal: AbortSignal,
): Promise<Tried> {
  const outcome = await machine.network.connect(address, port, { timeoutMs, signal });
  if (outcome.state !== "open") return { address, outcome };
  outcome.socket.destroy();
  return { address, outcome: { state: "open", tookMs: outcome.tookMs } };
}

function opened(address: string, { port }: PortQuestion, tookMs: number): Finding {
  const evidence = `${address} port ${port} takes connections (${tookMs < 10 ? tookMs.toFixed(1) : Math.round(tookMs)} ms)`;
  if (tookMs < SLOW_MS) return { result: "ok", evidence };
  const summary = `it takes ${(tookMs / 1000).toFixed(1)} s until ${address} takes a connection`;
  return {
    result: "warn",
    evidence,
    meaning: `${summary}: the way there is slow, or loses packets`,
    fix: `look at the way there: ping ${address}, mtr ${address}`,
    verdict: {
      cause: "network.latency",
      confidence: "possible",
      summary,
      advice: [`look at the way there: mtr ${address}`],
    },
  };
}

async function closed(
  address: string,
  question: PortQuestion,
  outcome: Exclude<Connected, { state: "open" }>,
  machine: Machine,
  signal: AbortSignal,
): Promise<Finding> {
  const { port, service, timeoutMs } = question;
  const where = `${address} port ${port}`;
  if (outcome.state === "timeout") {
    const alive = await hostIsAlive(address, port, machine, signal);
    const seconds = timeoutMs / 1000;
    return silent(where, service, `nothing comes back within ${seconds} s`, alive);
  }
  switch (outcome.code) {
    case "ECONNREFUSED": {
      // A firewall that rejects by ICMP "port unreachable" looks the same to connect(2): the kernel counts those messages.
      const icmp = await rejections(machine, signal, () =>
        machine.network.connect(address, port, { timeoutMs, signal }).then((again) => {
          if (again.state === "open") again.socket.destroy();
        }),
      );
      if (icmp > 0)
        return rejected(where, service, `refused by an ICMP message (${icmp} counted), not by the host's TCP`);
      const summary = `the host ${address} answers, and no ${service} server listens on port ${port}`;
      return failed(`${where}: connection refused (ECONNREFUSED)`, `${summary}; mount says error 111`, {
        cause: "server.down",
        confidence: "certain",
        summary,
        advice: [
          `start the ${service} server on ${address}, or look why it ended`,
          `if it listens on another port: port=NUMBER`,
          ...(address === question.host
            ? []
            : [`if ${address} is not the server's address any more: see the step "name"`]),
        ],
      });
    }
    case "EHOSTUNREACH":
    case "ENETUNREACH":
    case "EACCES":
    case "EPERM":
    case "EHOSTDOWN":
      return rejected(where, service, `${outcome.code} after ${Math.round(outcome.tookMs)} ms`);
    case "ECONNRESET":
      return rejected(where, service, "the connection is reset while it is being made (ECONNRESET)");
    default:
      return { result: "fail", evidence: `${where}: ${outcome.code}` };
  }
}

/** Long enough for the first packet and for the second. */
const AGAIN_MS = 1500;

/** A further try shows by the counters of this machine's own rules whether it is they that throw the packets away. */
async function ownFirewall(
  address: string,
  { port, service }: PortQuestion,
  outcome: Exclude<Connected, { state: "open" }>,
  machine: Machine,
  signal: AbortSignal,
): Promise<Finding | undefined> {
  const seen = await localDrops(machine, signal, async () => {
    const again = await machine.network.connect(address, port, { timeoutMs: AGAIN_MS, signal });
    if (again.state === "open") again.socket.destroy();
  });
  const drop = seen?.drops.find(({ rule }) => isAbout(rule, address, port));
  if (drop === undefined) return undefined;
  const where = `${address} port ${port}`;
  const how = outcome.state === "timeout" ? "nothing comes back" : outcome.code;
  const summary = `this machine's own firewall throws away what goes to ${where}: ${drop.where}: ${drop.rule}`;
  const fix = `take that rule away, or let TCP ${where} through before it`;
  return failed(
    `${where}: ${how}; ${drop.where}: ${drop.rule} (${packetsText(drop.packets)} more)${others(seen, drop.rule)}`,
    `${summary}: the ${service} server was never asked`,
    { cause: "network.port-blocked", confidence: "certain", summary, advice: [fix] },
  );
}

const packetsText = (packets: number): string => `${packets} packet${packets === 1 ? "" : "s"}`;

/** Other traffic is counted too: only a rule that names the port or the address says something of this connection. */
const isAbout = (rule: string, address: string, port: number): boolean =>
  new RegExp(`\\b${port}\\b`).test(rule) || rule.includes(address);

function others(seen: LocalDrops | undefined, rule: string): string {
  const more = seen?.drops.filter((drop) => drop.rule !== rule).length ?? 0;
  return more === 0 ? "" : `; ${more} further rules threw something away meanwhile`;
}

function silent(where: string, service: string, evidence: string, alive: string | undefined): Finding {
  const summary =
    alive === undefined
      ? `${where} does not answer, and nothing else of that host does: packets are dropped on the way, or the host is down`
      : `${where} does not answer while the host does (${alive}): a firewall drops packets to the ${service} port`;
  return failed(
    `${where}: ${evidence}${alive === undefined ? "; neither do other ports nor ping" : `; ${alive}`}`,
    `${summary}; mount says error 115 or 110, of SMB without port= 111 where port 139 refuses`,
    {
      cause: "network.port-blocked",
      confidence: alive === undefined ? "likely" : "certain",
      summary,
      advice: [
        `let TCP ${where} through: this machine's firewall, the network's, the server's, and where it is over the Internet the provider's`,
        "check that the address is the server's, and that the server is up",
      ],
    },
  );
}

function rejected(where: string, service: string, evidence: string): Finding {
  const summary = `connections to ${where} are rejected on the way: ${evidence}`;
  return failed(
    `${where}: ${evidence}`,
    `a firewall or a router rejects the ${service} port, or the host is not in its network; mount says error 113, 101 or 111`,
    {
      cause: "network.port-blocked",
      confidence: "likely",
      summary,
      advice: [
        `look for a rule that rejects TCP ${where}: here (nft list ruleset, iptables -S), on the way, on the server`,
        "check that the server is up: within one network an address that nobody has gives the same error",
      ],
    },
  );
}

const failed = (evidence: string, meaning: string, verdict: Verdict): Finding => ({
  result: "fail",
  evidence,
  meaning,
  ...(verdict.advice[0] !== undefined && { fix: verdict.advice[0] }),
  verdict,
});

/** mount.cifs goes on to the next address after a refusal, and not after silence; what reconnects takes any of them. */
function someDead({ host }: PortQuestion, tried: readonly Tried[], findings: readonly Finding[]): readonly Finding[] {
  const [first] = tried;
  return findings.map((finding, index) => {
    const one = tried[index];
    if (one === undefined || one.outcome.state === "open") return finding;
    const blocks = one === first && one.outcome.state === "timeout";
    const summary = `${host} has ${tried.length} addresses, and ${one.address} is dead: ${blocks ? "it is the first, and a mount gives up there" : "a mount that takes it fails or waits"}`;
    return {
      ...finding,
      result: blocks ? "fail" : "warn",
      meaning: summary,
      verdict: {
        cause: "network.name-resolution",
        confidence: blocks ? "certain" : "likely",
        summary,
        advice: [
          `take ${one.address} out of the name's addresses (DNS, /etc/hosts) if it is not the server's, or bring the server up there`,
          `until then mount with ip=${tried.find(({ outcome }) => outcome.state === "open")?.address ?? ""}`,
        ],
      },
    };
  });
}
