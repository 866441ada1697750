import { AodError } from "../system/error.ts";
import { mountOf, parseMountinfo } from "../system/mountinfo.ts";
import { isNfs, isSmb } from "../system/mounts.ts";

/** Throws a usage error when a recording would lie on a network mount: it would record itself, and hang with the server. */
export function refuseNetworkMount(file: string, readProc: (path: string) => string | undefined, cwd: string): void {
  const mount = mountOf(file, parseMountinfo(readProc("self/mountinfo") ?? ""), cwd);
  if (mount === undefined || !(isSmb(mount) || isNfs(mount))) return;
  throw new AodError(
    "usage",
    `${file} lies on the ${mount.type} mount ${mount.target}: a recording there would record itself`,
  );
}
