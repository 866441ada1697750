import type { Reply } from "../../../nfs-client/rpc.ts";
import type { Confidence, Finding } from "../../answer.ts";
import type { NfsCase } from "./case.ts";

/** What an unanswered or refused call says, in words. */
export function unansweredBy(reply: Exclude<Reply, { state: "done" }>): string {
  switch (reply.state) {
    case "denied":
      return `refused by RPC: ${reply.why}`;
    case "silent":
      return "no answer in time";
    case "closed":
      return reply.why;
  }
}

/** The export is there, and not for this machine. */
export function deniedExport(of: NfsCase, evidence: string, confidence: Confidence): Finding {
  const { target, isRoot, exports = [], as } = of;
  const own = exports.find(({ path }) => path === target.export);
  const whom = own === undefined || own.clients.length === 0 ? "" : `; it is exported to ${own.clients.join(", ")}`;
  const summary = `the server ${target.host} does not give ${target.export} to this machine${whom}`;
  const insecure = isRoot
    ? []
    : [
        "ask again as root: without it the question comes from a port above 1023, which exports refuse without `insecure`",
      ];
  return {
    result: "fail",
    evidence,
    meaning: `${summary}: mount.nfs says "access denied by server" or "Operation not permitted" (error 13 or 1)`,
    fix: "add this machine to the export on the server (exports(5)), then exportfs -ra",
    verdict: {
      cause: "mount.export-denied",
      confidence: isRoot ? confidence : "possible",
      summary,
      advice: [
        ...insecure,
        `add this machine (${as.machine}) to the export on the server (/etc/exports, then exportfs -ra)`,
        "if it is listed by name there: the server must resolve this machine's address back to that name",
      ],
    },
  };
}

/** There is no such export. */
export function missingExport(of: NfsCase, evidence: string, confidence: Confidence): Finding {
  const { target, exports } = of;
  const known = exports?.map(({ path }) => path).slice(0, 8) ?? [];
  const summary = `the server ${target.host} has no export ${target.export}`;
  return {
    result: "fail",
    evidence,
    meaning: `${summary}: mount.nfs says "No such file or directory" or "access denied by server" (error 2 or 13)`,
    fix: known.length === 0 ? "check the path: showmount -e SERVER lists what there is" : `it has ${known.join(", ")}`,
    verdict: {
      cause: "mount.share-not-found",
      confidence,
      summary,
      advice: [
        known.length === 0 ? "check the path with the server's administrator" : `take one of ${known.join(", ")}`,
        "with NFSv4 an export with fsid=0 is the root: its own path is left out (SERVER:/)",
        "or export it on the server (/etc/exports, then exportfs -ra)",
      ],
    },
  };
}

/** Where what sec= asks for is not among what the server takes; undefined where it is. */
export function wrongSecurity(of: NfsCase, offered: readonly string[], evidence: string): Finding | undefined {
  const { intent, target } = of;
  of.flavors = offered;
  const asked = intent.security ?? ["sys"];
  if (asked.some((flavor) => offered.includes(flavor))) return undefined;
  // Without sec= a mount takes the first that the server offers; for Kerberos that needs rpc.gssd.
  if (intent.security === undefined)
    return {
      result: "warn",
      evidence,
      meaning: `the export asks for sec=${offered.join(":")}: a mount without sec= uses it, and needs rpc.gssd and this machine's keytab`,
      fix: "the further steps look at what Kerberos needs",
    };
  const summary = `the options ask for sec=${asked.join(":")}, and ${target.host} takes sec=${offered.join(":")} for ${target.export}`;
  return {
    result: "fail",
    evidence,
    meaning: `${summary}: mount.nfs says "access denied by server", "an incorrect mount option was specified" or "Operation not permitted"`,
    fix: `mount with sec=${offered[0] ?? "sys"}`,
    verdict: {
      cause: "nfs.gss-failure",
      confidence: "certain",
      summary,
      advice: [`mount with sec=${offered[0] ?? "sys"}`, `or add sec=${asked[0] ?? ""} to the export on the server`],
    },
  };
}
