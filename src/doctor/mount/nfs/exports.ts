import { programNumbers } from "../../../nfs/rpc-words.ts";
import { askMount, type Export, forgetMount, listExports, type Mounted } from "../../../nfs-client/mountd.ts";
import { fsinfo3 } from "../../../nfs-client/nfs.ts";
import type { RpcTransport } from "../../../nfs-client/rpc.ts";
import type { Finding } from "../../answer.ts";
import type { Check } from "../../examine.ts";
import { ANSWER_MS, type NfsCase } from "./case.ts";
import { wants } from "./intent.ts";
import { deniedExport, missingExport, unansweredBy, wrongSecurity } from "./verdicts.ts";

/** What the server exports, by mountd; and where the mount comes out as NFSv3, whether mountd gives the handle. */
export const exports: Check<NfsCase> = {
  name: "exports",
  limitMs: 40_000,
  async run(of, signal) {
    if (of.reachable === undefined || of.stalled === true) return [];
    const { address } = of.reachable;
    const isThree = comesOutAsThree(of);
    const port = of.intent.mountPort ?? registeredPort(of);
    if (port === undefined)
      return isThree || of.offered?.length === 0
        ? []
        : { result: "skip", evidence: "there is no mountd to ask; NFSv4 needs none" };
    const rpc = await of.open(address, port, signal);
    if (rpc === undefined) return noMountd(port, isThree);
    try {
      const listed = await tellExports(of, isThree, rpc, signal);
      return isThree ? [...listed, ...(await mounted(of, rpc, signal))] : listed;
    } finally {
      rpc.close();
    }
  },
};

/** Version 3 is asked for, or the best that there is. */
const comesOutAsThree = ({ intent, offered = [] }: NfsCase): boolean =>
  offered.includes("3") && wants(intent, 3) && (intent.version?.major === 3 || offered.every((one) => one === "3"));

const registeredPort = ({ registered = [] }: NfsCase): number | undefined =>
  registered.find(
    ({ program, version, netid }) =>
      program === programNumbers.mount && version === 3 && (netid === "tcp" || netid === "tcp6"),
  )?.port;

function noMountd(port: number, isThree: boolean): Finding {
  const evidence = `mountd's port ${port} takes no connections`;
  if (!isThree) return { result: "skip", evidence: `${evidence}; NFSv4 needs none` };
  const summary = `NFSv3 gets an export's handle from mountd, and the server's port ${port}, where it is registered, takes no connections`;
  return {
    result: "fail",
    evidence,
    meaning: summary,
    fix: `let TCP port ${port} through, or restart rpc.mountd on the server`,
    verdict: {
      cause: "network.port-blocked",
      confidence: "likely",
      summary,
      advice: [
        `let TCP port ${port} through; a fixed one is set in the server's nfs.conf ([mountd] port=)`,
        "or mount with vers=4.2, which needs port 2049 alone",
      ],
    },
  };
}

async function tellExports(
  of: NfsCase,
  isThree: boolean,
  rpc: RpcTransport,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const list = await listExports(rpc, { timeoutMs: ANSWER_MS, signal });
  if (!isList(list)) return [{ result: "warn", evidence: `the list of exports: ${unansweredBy(list)}` }];
  of.exports = list;
  const own = exportOf(list, of.target.export);
  const paths = list.slice(0, 8).map(({ path }) => path);
  const evidence =
    own === undefined
      ? `${list.length === 0 ? "nothing is exported" : `exported: ${paths.join(", ")}`}; ${isThree ? `${of.target.export} is not among it` : "paths of NFSv4 begin at its root"}`
      : `${own.path} is exported to ${own.clients.join(", ") || "everybody"}`;
  return [{ result: own === undefined && isThree ? "warn" : "ok", evidence }];
}

const isList = <T>(value: readonly T[] | object): value is readonly T[] => Array.isArray(value);

/** The export that a path lies in. */
export function exportOf(list: readonly Export[], path: string): Export | undefined {
  const wanted = path.replace(/\/+$/, "") || "/";
  return list
    .filter(({ path: own }) => own === "/" || wanted === own || wanted.startsWith(`${own}/`))
    .sort((a, b) => b.path.length - a.path.length)[0];
}

/** As a mount does: MNT, then FSINFO of what it gave; the note that the server makes of it is taken back. */
async function mounted(of: NfsCase, rpc: RpcTransport, signal: AbortSignal): Promise<readonly Finding[]> {
  const limits = { timeoutMs: ANSWER_MS, signal };
  const { target, as, reachable } = of;
  const answer = await askMount(rpc, target.export, as, limits);
  if (answer.state === "refused") return [refusedBy(of, answer)];
  if (answer.state !== "mounted") return [{ result: "fail", evidence: `MNT: ${unansweredBy(answer)}` }];
  await forgetMount(rpc, target.export, as, limits);
  const flavors = answer.flavors.length === 0 ? ["sys"] : answer.flavors;
  const evidence = `MNT ${target.export}: given, for sec=${flavors.join(":")}`;
  const wrong = wrongSecurity(of, flavors, evidence);
  if (wrong !== undefined) return [wrong];
  const nfs = reachable === undefined ? undefined : await of.open(reachable.address, reachable.port, signal);
  if (nfs === undefined || !flavors.includes("sys")) return [{ result: "ok", evidence }];
  try {
    const status = await fsinfo3(nfs, answer.handle, as, limits);
    if (status === "NFS3_OK") return [{ result: "ok", evidence: `${evidence}; FSINFO of its root: NFS3_OK` }];
    const said = typeof status === "string" ? status : unansweredBy(status);
    return [deniedExport(of, `${evidence}; FSINFO of its root: ${said}`, "likely")];
  } finally {
    nfs.close();
  }
}

function refusedBy(of: NfsCase, { status }: Extract<Mounted, { state: "refused" }>): Finding {
  const evidence = `MNT ${of.target.export}: ${status}`;
  switch (status) {
    case "MNT3ERR_NOENT":
    case "MNT3ERR_NOTDIR":
      return missingExport(of, evidence, "certain");
    case "MNT3ERR_ACCES":
    case "MNT3ERR_PERM":
      // rpc.mountd says so too of a directory that nobody exports.
      if (of.exports !== undefined && exportOf(of.exports, of.target.export) === undefined)
        return missingExport(of, evidence, "likely");
      return deniedExport(of, evidence, "certain");
    default:
      return { result: "fail", evidence, meaning: "mountd could not do it: its own log on the server says why" };
  }
}
