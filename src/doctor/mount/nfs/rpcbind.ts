import { programNumbers } from "../../../nfs/rpc-words.ts";
import { dumpRpcbind, portOf, type Registration, type Registrations } from "../../../nfs-client/rpcbind.ts";
import type { Finding } from "../../answer.ts";
import type { Check } from "../../examine.ts";
import { examinePort } from "../../network/port.ts";
import { ANSWER_MS, type NfsCase } from "./case.ts";
import { type NfsIntent, wants } from "./intent.ts";

const PORT = 111;
const CONNECT_MS = 3000;

/** rpcbind on the server: a mount of NFSv3 asks it where mountd is, one of NFSv4 never. */
export const rpcbind: Check<NfsCase> = {
  name: "rpcbind",
  limitMs: 30_000,
  async run(of, signal) {
    const { addresses, reachable, machine, target, intent } = of;
    const [first] = addresses;
    const address = reachable?.address ?? first;
    if (address === undefined) return [];
    const isNeeded = needed(intent);
    const question = { host: target.host, addresses: [address], port: PORT, service: "rpcbind", timeoutMs: CONNECT_MS };
    const { findings, open } = await examinePort(question, machine, signal);
    if (open.length === 0) return findings.map((finding) => closed(finding, isNeeded));
    const rpc = await of.open(address, PORT, signal);
    if (rpc === undefined) return findings;
    try {
      const limits = { timeoutMs: ANSWER_MS, signal };
      const answer = await dumpRpcbind(rpc, limits);
      if (answer.state === "listed") {
        of.registered = answer.list;
        return [...findings, ...registered(answer.list, isNeeded)];
      }
      // Some keep their list to themselves, and tell single programs.
      const mountd = answer.reply.state === "denied" ? await portOf(rpc, programNumbers.mount, 3, limits) : undefined;
      if (mountd !== undefined && mountd > 0)
        of.registered = [{ program: programNumbers.mount, version: 3, netid: "tcp", port: mountd }];
      return [...findings, unanswered(answer.reply, isNeeded, mountd)];
    } finally {
      rpc.close();
    }
  },
};

/** `no`: version 4, or both ports are given. `perhaps`: version 3 is the last that is tried. */
type Needed = "yes" | "perhaps" | "no";

function needed(intent: NfsIntent): Needed {
  if (!wants(intent, 3) || (intent.mountPort !== undefined && intent.port !== undefined)) return "no";
  return intent.version === undefined ? "perhaps" : "yes";
}

const withoutIt: Readonly<Record<Needed, string>> = {
  yes: "NFSv3 asks it for the ports of mountd and nfs: without it a mount fails",
  perhaps: "only NFSv3 asks it; a mount that comes out as NFSv4 does without",
  no: "this mount does not ask it",
};

function closed(finding: Finding, isNeeded: Needed): Finding {
  const { verdict, evidence } = finding;
  if (isNeeded !== "yes")
    return { result: isNeeded === "no" ? "skip" : "warn", evidence, meaning: withoutIt[isNeeded] };
  const advice = [
    "start rpcbind on the server (systemctl start rpcbind.socket), or let TCP port 111 through",
    "or mount with vers=4.2, which needs port 2049 alone",
    "or name the ports that rpcbind would tell: port=2049,mountport=PORT",
  ];
  const [fix = ""] = advice;
  return {
    ...finding,
    meaning: withoutIt.yes,
    fix,
    ...(verdict && { verdict: { ...verdict, summary: `${verdict.summary}; ${withoutIt.yes}`, advice } }),
  };
}

const told: readonly (readonly [number, string])[] = [
  [programNumbers.nfs, "nfs"],
  [programNumbers.mount, "mountd"],
  [programNumbers.nlm, "nlockmgr"],
  [programNumbers.status, "status"],
];

function registered(list: readonly Registration[], isNeeded: Needed): readonly Finding[] {
  const overTcp = list.filter(({ netid }) => netid === "tcp" || netid === "tcp6");
  const parts = told.flatMap(([program, name]) => {
    const own = overTcp.filter((one) => one.program === program);
    const versions = [...new Set(own.map(({ version }) => version))].sort((a, b) => a - b);
    // rpc.mountd has a port for each of its versions; a mount asks for that of the newest.
    const port = own.find(({ version }) => version === versions.at(-1))?.port;
    return own.length === 0 ? [] : [`${name} ${versions.join(", ")} on port ${port}`];
  });
  const evidence = `registered for TCP: ${parts.join("; ") || "nothing of NFS"}`;
  const hasMountd = overTcp.some(({ program, version }) => program === programNumbers.mount && version === 3);
  if (hasMountd || isNeeded !== "yes") return [{ result: "ok", evidence }];
  const summary = "the server's rpcbind knows no mountd of version 3: it does not serve NFSv3";
  return [
    {
      result: "fail",
      evidence,
      meaning: summary,
      fix: "mount with vers=4.2, or start rpc.mountd on the server with version 3",
      verdict: {
        cause: "mount.version-mismatch",
        confidence: "likely",
        summary,
        advice: ["mount with vers=4.2", "start rpc.mountd on the server with version 3 (nfs.conf: vers3=y)"],
      },
    },
  ];
}

type Failure = Extract<Registrations, { state: "failed" }>["reply"];

function unanswered(reply: Failure, isNeeded: Needed, mountd: number | undefined): Finding {
  if (mountd !== undefined)
    return {
      result: mountd > 0 || isNeeded !== "yes" ? "ok" : "fail",
      evidence: mountd > 0 ? `it does not list; mountd is on port ${mountd}` : "it does not list, and has no mountd",
    };
  const what = { denied: "refuses to list", silent: "does not answer", closed: "ends the connection" }[reply.state];
  const meaning = withoutIt[isNeeded];
  if (isNeeded !== "yes") return { result: "warn", evidence: `rpcbind ${what}`, meaning };
  const summary = `rpcbind on the server takes connections and ${what}`;
  return {
    result: "fail",
    evidence: `rpcbind ${what}`,
    meaning,
    fix: "restart rpcbind on the server",
    verdict: {
      cause: "nfs.server-not-responding",
      confidence: "likely",
      summary,
      advice: ["restart rpcbind on the server", "or mount with vers=4.2, which does not ask it"],
    },
  };
}
