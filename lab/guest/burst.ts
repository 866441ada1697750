import { closeSync, ftruncateSync, openSync } from "node:fs";
import { join } from "node:path";
import type { Lab } from "./lab.ts";

/** The size for the mount options `rsize` and `wsize` that a burst counts on. */
export const burstBytes = 4096;

/** Makes a file that `burst` reads, on the server's side (`shareDirectory()`, `exportDirectory`): all holes, so it needs no memory. */
export function prepareBurst(serverDirectory: string, requests: number): void {
  const fd = openSync(join(serverDirectory, "burst"), "w");
  ftruncateSync(fd, requests * burstBytes);
  closeSync(fd);
}

/**
 * Reads that file through a mount with `rsize=4096`, past the page cache: `requests` READs, as many at once as the client and the server's credits
 * allow, and one open and close. The bytes are exact; the READs may be some fewer, larger ones: when SMB credits are short, kernels with netfs ask
 * again for several at once (seen: 478 of 499 on 7.2), so count them by a witness. Not with `cache=loose`, which has no such reads on all kernels.
 */
export async function burst(lab: Lab, mountPoint: string, requests: number): Promise<void> {
  const size = ["bs=4M", `count=${requests * burstBytes}`, "iflag=direct,count_bytes"];
  await lab.run(["dd", `if=${join(mountPoint, "burst")}`, "of=/dev/null", "status=none", ...size], {
    timeoutMs: 600_000,
  });
}
