import { readFileSync } from "node:fs";
import { startDaemon } from "../../lab/guest/daemon.ts";
import type { Lab } from "../../lab/guest/lab.ts";
import { pidsByComm } from "../../lab/guest/proc.ts";
import type { GuestRequest, MemoryResult } from "../request.ts";
import { place, prepareShare, releasedRequests } from "./share.ts";

/** Memory of the daemon and its helper after a time with traffic and no incident. */
export async function memory(lab: Lab, { seconds }: GuestRequest): Promise<MemoryResult> {
  await prepareShare(lab);
  const daemon = await startDaemon(lab);
  const { program, directory } = place(lab);
  const load = lab.start([program, directory, String(10_000_000)]);
  const before = releasedRequests();
  await lab.step(`traffic for ${seconds} s`, () => lab.sleep(seconds));
  const { pid } = daemon.process;
  const [helper] = pidsByComm((comm) => comm === "aod-probe");
  const result: MemoryResult = {
    seconds,
    requests: releasedRequests() - before,
    flags: readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").filter(isHeapFlag),
    daemon: sizes(pid),
    helper: sizes(helper ?? Number.NaN),
  };
  await load.stop("SIGKILL");
  return result;
}

const isHeapFlag = (word: string): boolean => /^--(max|optimize)-/.test(word);

function sizes(pid: number): { rss: number; rssAnon: number } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const kB = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1]);
  return { rss: kB("VmRSS"), rssAnon: kB("RssAnon") };
}
