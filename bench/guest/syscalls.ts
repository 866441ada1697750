import { rmSync } from "node:fs";
import type { Lab } from "../../lab/guest/lab.ts";
import { run } from "../../lab/guest/process.ts";
import type { GuestRequest, SyscallsResult } from "../request.ts";
import { startHelper } from "./helper.ts";
import { place, prepareShare, releasedRequests } from "./share.ts";

/** What aod-probe asks of the kernel while requests go through and none of them is slow. */
export async function syscalls(lab: Lab, { seconds, object }: GuestRequest): Promise<SyscallsResult> {
  await prepareShare(lab);
  const helper = await startHelper(object);
  const { program, directory, onServer } = place(lab);
  const load = lab.start([program, directory, String(10_000_000)]);
  try {
    // The first tick is past: what starting needs is done.
    await helper.counted();
    const requestsBefore = releasedRequests();
    const ticksBefore = helper.ticks();
    const traced = await lab.step(`strace -c for ${seconds} s`, () =>
      // timeout(1) ends strace the way a person does; strace then detaches and prints.
      run(["timeout", "-s", "INT", String(seconds), "strace", "-f", "-c", "-p", String(helper.hello.pid)], {
        anyStatus: true,
        timeoutMs: (seconds + 60) * 1000,
      }),
    );
    const requests = releasedRequests() - requestsBefore;
    const table = traced.stderr;
    const calls = Number(/^\s*100\.00\s+\S+\s+(?:\S+\s+)?(\d+)\s+(?:\d+\s+)?total$/m.exec(table)?.[1] ?? Number.NaN);
    return { seconds, requests, table, calls, ticks: helper.ticks() - ticksBefore };
  } finally {
    await load.stop("SIGKILL");
    await helper.stop();
    rmSync(onServer, { recursive: true, force: true });
  }
}
