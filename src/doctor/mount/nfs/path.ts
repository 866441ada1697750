import { flavorsOf, type Walked, walk } from "../../../nfs-client/namespace.ts";
import type { Failed } from "../../../nfs-client/nfs.ts";
import type { RpcTransport } from "../../../nfs-client/rpc.ts";
import { type Compounds, openSession, withoutSession } from "../../../nfs-client/session.ts";
import type { Finding } from "../../answer.ts";
import type { Check } from "../../examine.ts";
import { ANSWER_MS, type NfsCase } from "./case.ts";
import { exportOf } from "./exports.ts";
import { wants } from "./intent.ts";
import { deniedExport, missingExport, unansweredBy, wrongSecurity } from "./verdicts.ts";

/** The way of a mount of NFSv4 from the server's root to the export. */
export const path: Check<NfsCase> = {
  name: "path",
  limitMs: 40_000,
  async run(of, signal) {
    const { reachable, offered = [], intent } = of;
    const minors = offered.flatMap((version) => (version.startsWith("4.") ? [Number(version.slice(2))] : []));
    const wanted = minors.filter((minor) => wants(intent, 4, minor));
    if (reachable === undefined || of.stalled === true || wanted.length === 0) return [];
    const rpc = await of.open(reachable.address, reachable.port, signal);
    if (rpc === undefined) return { result: "warn", evidence: "the server takes no further connection" };
    try {
      // Without a session nothing is left behind; which minor version looks a name up makes no difference.
      return await look(of, rpc, minors.includes(0) ? 0 : Math.max(...minors), signal);
    } finally {
      rpc.close();
    }
  },
};

async function look(of: NfsCase, rpc: RpcTransport, minor: number, signal: AbortSignal): Promise<Finding> {
  const limits = { timeoutMs: ANSWER_MS, signal };
  const opened = minor === 0 ? withoutSession(rpc, of.as) : await openSession(rpc, minor, of.as, limits);
  if (typeof opened === "string") return { result: "warn", evidence: opened, meaning: "no lookup was possible" };
  if (!("run" in opened)) return failed(of, opened);
  try {
    const walked = await walk(opened, of.target.export, limits);
    if (walked.state === "found") return await found(of, opened, signal);
    return walked.state === "refused" ? refused(of, walked) : failed(of, walked);
  } finally {
    await opened.end(limits);
  }
}

async function found(of: NfsCase, compounds: Compounds, signal: AbortSignal): Promise<Finding> {
  const names = of.target.export.split("/").filter((name) => name !== "");
  const flavors = await flavorsOf(compounds, names, { timeoutMs: ANSWER_MS, signal });
  const evidence = `LOOKUP of ${of.target.export} as NFS 4.${compounds.minor}: found${flavors === undefined ? "" : `, for sec=${flavors.join(":")}`}`;
  if (flavors === undefined) return { result: "ok", evidence };
  return wrongSecurity(of, flavors, evidence) ?? { result: "ok", evidence };
}

function refused(of: NfsCase, { at, status, flavors }: Extract<Walked, { state: "refused" }>): Finding {
  const { target, exports } = of;
  const evidence = `LOOKUP of ${target.export}: ${status} at ${at}`;
  const own = exports === undefined ? undefined : exportOf(exports, target.export);
  switch (status) {
    case "NFS4ERR_WRONGSEC":
      if (flavors === undefined || flavors.length === 0)
        return { result: "warn", evidence, meaning: "the server asks for another sec=, and does not say which" };
      return (
        wrongSecurity(of, flavors, `${evidence}; it takes sec=${flavors.join(":")}`) ?? {
          result: "ok",
          evidence: `${evidence} without Kerberos, as it has to be: it takes sec=${flavors.join(":")}`,
        }
      );
    case "NFS4ERR_NOENT":
      // What is not exported to this machine is not there for it.
      if (own !== undefined && own.clients.length > 0) return deniedExport(of, evidence, "likely");
      return at === "/" ? deniedExport(of, evidence, "likely") : missingExport(of, evidence, "certain");
    case "NFS4ERR_NOTDIR":
    case "NFS4ERR_SYMLINK":
      return missingExport(of, evidence, "certain");
    case "NFS4ERR_ACCESS":
    case "NFS4ERR_PERM":
      return deniedExport(of, evidence, "certain");
    case "NFS4ERR_DELAY":
    case "NFS4ERR_GRACE":
      return {
        result: "warn",
        evidence,
        meaning: "the server asks to come again later, as after a restart",
        verdict: {
          cause: "nfs.grace-period",
          confidence: "likely",
          summary: `${target.host} is not ready yet: ${status}`,
          advice: ["wait two minutes, and ask again"],
        },
      };
    default:
      return { result: "fail", evidence };
  }
}

function failed(of: NfsCase, reply: Failed): Finding {
  const evidence = `COMPOUND: ${unansweredBy(reply)}`;
  if (reply.state === "denied" && /^AUTH_|^RPCSEC/.test(reply.why)) return deniedExport(of, evidence, "likely");
  return { result: "fail", evidence };
}
