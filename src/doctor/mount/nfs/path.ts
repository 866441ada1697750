import { flavorsOf, type Walked, walk } from "../../../nfs-client/namespace.ts";
import type { Failed } from "../../../nfs-client/nfs.ts";
import type { CallLimits, RpcTransport } from "../../../nfs-client/rpc.ts";
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
      return await look(of, rpc, minors, signal);
    } finally {
      rpc.close();
    }
  },
};

async function look(of: NfsCase, rpc: RpcTransport, minors: readonly number[], signal: AbortSignal): Promise<Finding> {
  const limits = { timeoutMs: ANSWER_MS, signal };
  const newest = Math.max(...minors);
  // Without a session nothing is left behind; which minor version looks a name up makes no difference.
  const opened = minors.includes(0) ? withoutSession(rpc, of.as) : await openSession(rpc, newest, of.as, limits);
  if (typeof opened === "string") return { result: "warn", evidence: opened, meaning: "no lookup was possible" };
  if (!("run" in opened)) return failed(of, opened);
  try {
    const walked = await walk(opened, of.target.export, limits);
    if (walked.state !== "found" && walked.state !== "refused") return failed(of, walked);
    const flavors = await flavorsAt(of, walked, opened, rpc, newest, limits);
    if (walked.state === "refused") return refused(of, walked, flavors);
    const evidence = `LOOKUP of ${of.target.export} as NFS 4.${opened.minor}: found${flavors === undefined ? "" : `, for sec=${flavors.join(":")}`}`;
    return (flavors && wrongSecurity(of, flavors, evidence)) ?? { result: "ok", evidence };
  } finally {
    await opened.end(limits);
  }
}

/** The flavours of the server's root need a session, which is worth it where they matter. */
async function flavorsAt(
  { target, intent, as }: Pick<NfsCase, "target" | "intent" | "as">,
  walked: Walked,
  compounds: Compounds,
  rpc: RpcTransport,
  newest: number,
  limits: CallLimits,
): Promise<readonly string[] | undefined> {
  const isWrong = walked.state === "refused" && walked.status === "NFS4ERR_WRONGSEC";
  if (walked.state === "refused" && (!isWrong || walked.flavors !== undefined)) return walked.flavors;
  const names = (isWrong ? walked.at : target.export).split("/").filter((name) => name !== "");
  const told = await flavorsOf(compounds, names, limits);
  if (told !== undefined || newest === 0 || (!isWrong && intent.security === undefined)) return told;
  const session = await openSession(rpc, newest, as, limits);
  if (typeof session === "string" || !("run" in session)) return undefined;
  try {
    return await flavorsOf(session, names, limits);
  } finally {
    await session.end(limits);
  }
}

function refused(
  of: NfsCase,
  { at, status }: Extract<Walked, { state: "refused" }>,
  flavors: readonly string[] | undefined,
): Finding {
  const { target, exports } = of;
  const evidence = `LOOKUP of ${target.export}: ${status} at ${at}`;
  const own = exports === undefined ? undefined : exportOf(exports, target.export);
  switch (status) {
    case "NFS4ERR_WRONGSEC":
      if (flavors === undefined || flavors.length === 0) return wrongFlavor(of, evidence);
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

function wrongFlavor({ target, intent }: NfsCase, evidence: string): Finding {
  const meaning = "the server wants another sec= than sys, and does not say which";
  if (intent.security?.includes("sys") !== true) return { result: "warn", evidence, meaning };
  const advice = [
    "mount with sec=krb5, krb5i or krb5p",
    "look at it again with that option: what Kerberos needs is looked at then",
  ];
  const summary = `${target.host} does not take sec=sys for ${target.export}`;
  return {
    result: "fail",
    evidence,
    meaning,
    verdict: { cause: "nfs.gss-failure", confidence: "likely", summary, advice },
  };
}

function failed(of: NfsCase, reply: Failed): Finding {
  const evidence = `COMPOUND: ${unansweredBy(reply)}`;
  if (reply.state === "denied" && /^AUTH_|^RPCSEC/.test(reply.why)) return deniedExport(of, evidence, "likely");
  return { result: "fail", evidence };
}
