import { isNfs, isSmb } from "../../system/mounts.ts";
import { printable } from "../../tools/table-text.ts";
import type { Finding } from "../answer.ts";
import type { Holder, UnmountCase, UnmountCheck } from "./case.ts";

const MAX_TOLD = 3;
const MAX_ADVICE = 6;

/** What umount(8) will do, of all that was found. */
export const wouldGo: UnmountCheck = {
  name: "umount",
  limitMs: 5000,
  async run(of) {
    return judge(of);
  },
};

export function judge(of: UnmountCase): Finding {
  const target = printable(of.asked.target);
  const refusing = of.holders.filter(({ effect }) => effect === "refuses");
  const outliving = of.holders.filter(({ effect }) => effect === "outlives");
  if (refusing.length > 0) {
    const summary = `umount ${target} is refused (EBUSY): ${told(refusing)}`;
    const advice = [...advised(refusing), lazily(of, target)];
    return {
      result: "fail",
      evidence: `EBUSY, for ${counted(refusing.length, "holder")}`,
      verdict: { cause: "mount.busy", confidence: "certain", summary, advice },
    };
  }
  const possible = of.holders.filter(({ effect }) => effect === "may");
  if (possible.length > 0) {
    return {
      result: "fail",
      evidence: `EBUSY, if one of these is on this mount: ${counted(possible.length, "holder")}`,
      verdict: {
        cause: "mount.busy",
        confidence: "likely",
        summary: `${target} is busy as long as ${told(possible)}`,
        advice: [...advised(possible), lazily(of, target)],
      },
    };
  }
  if (outliving.length > 0) {
    const summary = `umount ${target} works, but the share stays in use: ${told(outliving)}`;
    return {
      result: "warn",
      evidence: "it goes, and its file system stays with its connection",
      verdict: { cause: "mount.busy", confidence: "likely", summary, advice: advised(outliving) },
    };
  }
  if (of.looked.hidden > 0 || of.looked.cut || of.looked.more > 0) {
    return {
      result: "warn",
      evidence: "nothing that may be seen keeps it",
      verdict: {
        cause: "unknown",
        confidence: "possible",
        summary: `nothing that may be seen holds ${target}, and not everything may be seen`,
        advice: ["ask again as root"],
      },
    };
  }
  const going = of.holders.filter(({ effect }) => effect === "goes");
  if (going.length === 0) return { result: "ok", evidence: "nothing that can be seen keeps it" };
  return {
    result: "ok",
    evidence: `it goes, and takes ${counted(going.length, "thing")} along`,
    verdict: {
      cause: "ok",
      confidence: "likely",
      summary: `umount ${target} takes it away, with what the client made by itself: ${told(going)}`,
      advice: [],
    },
  };
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;

function told(holders: readonly Holder[]): string {
  const some = holders.slice(0, MAX_TOLD).map(({ text }) => text);
  return holders.length > MAX_TOLD ? `${some.join("; ")}; and ${holders.length - MAX_TOLD} more` : some.join("; ");
}

/** Mounts on it first, the deepest before the others; each piece once. */
function advised(holders: readonly Holder[]): string[] {
  const first = holders.filter(({ kind }) => kind === "loop" || kind === "layer");
  const mounts = holders.filter(({ kind }) => kind === "mount");
  const rest = holders.filter((holder) => !first.includes(holder) && !mounts.includes(holder));
  const all = [...new Set([...first, ...mounts, ...rest].map(({ advice }) => advice))];
  return all.length > MAX_ADVICE
    ? [...all.slice(0, MAX_ADVICE), `and ${all.length - MAX_ADVICE} more of the kind`]
    : all;
}

/** What umount -l really does. */
function lazily({ asked }: UnmountCase, target: string): string {
  const connection = isSmb(asked) || isNfs(asked) ? ", with its connection and what is not yet written," : "";
  return `umount -l ${target} only takes the name away: the file system${connection} stays until the last of these ends, and nobody sees it any more`;
}
