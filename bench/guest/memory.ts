import { readFileSync } from "node:fs";
import { startDaemon } from "../../lab/guest/daemon.ts";
import type { Lab } from "../../lab/guest/lab.ts";
import { treeOf } from "../native.ts";
import type { GuestMemory, GuestRequest, MemoryResult } from "../request.ts";
import { nameOf } from "./duty.ts";
import { place, prepareShare, releasedRequests } from "./share.ts";

/** Memory of the daemon and its helpers after a time with traffic and no incident. */
export async function memory(lab: Lab, { seconds }: GuestRequest): Promise<MemoryResult> {
  await prepareShare(lab);
  const daemon = await startDaemon(lab);
  const { program, directory } = place(lab);
  const load = lab.start([program, directory, String(10_000_000)]);
  const before = releasedRequests();
  await lab.step(`traffic for ${seconds} s`, () => lab.sleep(seconds));
  const { pid } = daemon.process;
  const result: MemoryResult = {
    seconds,
    requests: releasedRequests() - before,
    flags: readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").filter(isHeapFlag),
    processes: treeOf(pid).flatMap(sizes),
  };
  await load.stop("SIGKILL");
  return result;
}

const isHeapFlag = (word: string): boolean => /^--(max|optimize|no)-/.test(word);

function sizes(pid: number): GuestMemory[] {
  const kB = (file: string, name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(readFileSync(`/proc/${pid}/${file}`, "utf8"))?.[1] ?? 0);
  try {
    const [rss, rssAnon] = [kB("status", "VmRSS"), kB("status", "RssAnon")];
    return [{ name: nameOf(pid), rss, rssAnon, pss: kB("smaps_rollup", "Pss") }];
  } catch {
    // It has ended.
    return [];
  }
}
