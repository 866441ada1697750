import { versionText } from "../../../nfs/versions.ts";
import { hasMinor, nullCall } from "../../../nfs-client/nfs.ts";
import type { Reply, RpcTransport } from "../../../nfs-client/rpc.ts";
import type { Finding } from "../../answer.ts";
import type { Check } from "../../examine.ts";
import { ANSWER_MS, type NfsCase } from "./case.ts";
import { wants } from "./intent.ts";

const minors = [0, 1, 2] as const;

/** Which versions the server speaks: NULL of 3 and 4, and a COMPOUND in each minor version that leaves nothing at the server. */
export const versions: Check<NfsCase> = {
  name: "versions",
  limitMs: 40_000,
  async run(of, signal) {
    if (of.reachable === undefined) return [];
    const { address, port } = of.reachable;
    const rpc = await of.open(address, port, signal);
    if (rpc === undefined)
      return { result: "warn", evidence: `${address} port ${port} took a connection before, and takes none now` };
    try {
      return await ask(of, rpc, signal);
    } finally {
      rpc.close();
    }
  },
};

async function ask(of: NfsCase, rpc: RpcTransport, signal: AbortSignal): Promise<Finding> {
  const limits = { timeoutMs: ANSWER_MS, signal };
  const three = await nullCall(rpc, 3, limits);
  if (three.state === "silent") return silent(of);
  const four = await nullCall(rpc, 4, limits);
  if (three.state === "closed" && four.state === "closed") return noServer(of, three);
  const offered: string[] = three.state === "done" ? ["3"] : [];
  if (four.state === "done") {
    for (const minor of minors) {
      const asked = await hasMinor(rpc, minor, of.as, limits);
      if (!("has" in asked)) {
        // The version is there, and whoever asks is refused: that is the next steps' matter.
        if (asked.state === "denied") offered.push(versionText(4, minor));
        continue;
      }
      if (asked.has) offered.push(versionText(4, minor));
    }
  }
  of.offered = offered;
  return judged(of, offered, three.tookMs, [three, four]);
}

function silent(of: NfsCase): Finding {
  of.stalled = true;
  const { host } = of.target;
  const summary = `the NFS server ${host} takes connections and answers nothing, not even NULL, within ${ANSWER_MS / 1000} s`;
  return {
    result: "fail",
    evidence: `NULL of NFSv3: no answer within ${ANSWER_MS / 1000} s on a connection that stands`,
    meaning:
      "the server hangs or is overloaded, or packets with data are dropped on the way: a mount waits for minutes",
    fix: "look at the server: its load, its threads (nfsd), its disks",
    verdict: {
      cause: "nfs.server-not-responding",
      confidence: "certain",
      summary,
      advice: [
        `look at the server: uptime, ps of nfsd in state D, dmesg; restart its NFS service`,
        "if the server is well: a firewall on the way lets connections be made and drops what follows",
      ],
    },
  };
}

function noServer({ target }: NfsCase, reply: Reply): Finding {
  const why = reply.state === "closed" ? reply.why : reply.state;
  const summary = `what listens at ${target.host} is no NFS server, or refuses this machine: ${why}`;
  return {
    result: "fail",
    evidence: `NULL: ${why}`,
    meaning: summary,
    fix: "check that the address and the port are the server's",
    verdict: {
      cause: "server.down",
      confidence: "possible",
      summary,
      advice: ["check that the address and the port are the server's", "look at the server's own log for this machine"],
    },
  };
}

function judged(of: NfsCase, offered: readonly string[], tookMs: number, replies: readonly Reply[]): Finding {
  const { intent, target } = of;
  const list = offered.join(", ") || "none";
  const evidence = `the server speaks NFS ${list} (${tookMs.toFixed(1)} ms for a NULL)`;
  const fits = offered.filter((version) => {
    const [major, minor] = version.split(".").map(Number);
    return major !== undefined && wants(intent, major, minor);
  });
  if (fits.length > 0) return { result: "ok", evidence };
  if (offered.length === 0) {
    const why = replies.map((reply) => (reply.state === "denied" ? reply.why : reply.state)).join(", ");
    const summary = `${target.host} answers RPC on that port, and has no NFS of version 3 or 4 (${why})`;
    return {
      result: "fail",
      evidence: `NULL of 3 and of 4: ${why}`,
      meaning: summary,
      fix: "start the server's NFS service with version 4",
      verdict: {
        cause: "mount.version-mismatch",
        confidence: "certain",
        summary,
        advice: ["start the server's NFS service with version 4 (nfs.conf: vers4=y)"],
      },
    };
  }
  const { major = 0, minor } = intent.version ?? {};
  const asked = versionText(major, minor);
  const best = offered.at(-1) ?? "";
  const summary = `the options ask for NFS ${asked}, and ${target.host} speaks ${list}`;
  return {
    result: "fail",
    evidence,
    meaning: `${summary}: mount.nfs says "Protocol not supported" or "requested NFS version ... not supported" (error 93)`,
    fix: `mount with vers=${best}`,
    verdict: {
      cause: "mount.version-mismatch",
      confidence: "certain",
      summary,
      advice: [`mount with vers=${best}`, `or switch NFS ${asked} on at the server (nfs.conf: vers${asked}=y)`],
    },
  };
}
