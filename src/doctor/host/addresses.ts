import { isIP } from "node:net";
import { targetOfMount } from "../../sources/targets.ts";
import { messageOf } from "../../system/error.ts";
import type { MountInfo } from "../../system/mountinfo.ts";
import { isNfs } from "../../system/mounts.ts";
import { comparable } from "../../system/sockets.ts";
import type { Finding } from "../answer.ts";
import type { Check } from "../examine.ts";
import type { HostCase } from "./host-case.ts";

const NAME_LIMIT_MS = 5000;
const MAX_NAMES = 20;

interface Server {
  readonly name: string;
  readonly address: string;
  readonly mounts: MountInfo[];
}

/** The address that the client keeps of each mounted server, against what its name resolves to now. */
export const addresses: Check<HostCase> = {
  name: "addresses",
  limitMs: 30_000,
  async run(host, signal) {
    const servers = serversByName(host.mounts);
    if (servers.length === 0)
      return { result: "skip", evidence: host.mounts.length === 0 ? "nothing is mounted" : "mounted by address" };
    const told: Finding[] = [];
    for (const server of servers.slice(0, MAX_NAMES)) {
      const { name, address } = server;
      const limited = AbortSignal.any([signal, AbortSignal.timeout(NAME_LIMIT_MS)]);
      const now = await host.machine.network.addresses(name, limited).catch(messageOf);
      if (typeof now === "string") told.push(unknownNow(server, now));
      else if (now.map(comparable).includes(address))
        told.push({ result: "ok", evidence: `${name} is ${address}, as mounted` });
      else told.push(moved(server, now, host));
    }
    if (servers.length > MAX_NAMES)
      told.push({ result: "skip", evidence: `${servers.length - MAX_NAMES} more servers are not asked for` });
    return told;
  },
};

function serversByName(mounts: readonly MountInfo[]): readonly Server[] {
  const servers = new Map<string, Server>();
  for (const mount of mounts) {
    const { server: name, address } = targetOfMount(mount) ?? {};
    if (name === undefined || address === undefined || isIP(name.replace(/%.*$/, "")) !== 0) continue;
    const key = `${name} ${address}`;
    const known = servers.get(key);
    if (known === undefined) servers.set(key, { name, address: comparable(address), mounts: [mount] });
    else known.mounts.push(mount);
  }
  return [...servers.values()];
}

const unknownNow = ({ name, address }: Server, why: string): Finding => ({
  result: "warn",
  evidence: `${name}, mounted from ${address}, does not resolve now: ${why}`,
  meaning: "what is mounted goes on with the address it has; the next mount fails, and so may a reconnect of SMB",
  fix: `ask the name servers of /etc/resolv.conf for ${name}`,
});

function moved({ name, address, mounts }: Server, now: readonly string[], host: HostCase): Finding {
  const [first] = mounts;
  const where = mounts.map(({ target }) => target).join(", ");
  const up = host.tcp.some(({ remote, state }) => remote.address === address && state === "ESTABLISHED");
  const evidence = `${where} is mounted from ${address}; ${name} is ${now.join(", ")} now`;
  const meaning = up
    ? "the connection to the old address stands: the name may have several addresses in turn; if the server has moved, the mount fails when the old address goes away"
    : "there is no connection to the old address: the server has moved, and the client keeps looking for it where it was";
  const again = `unmount ${where} (umount -l where it hangs) and mount it again: the new mount asks for the address`;
  const keeps =
    first !== undefined && isNfs(first)
      ? "The NFS client never asks for the address again."
      : "The SMB client asks again at a reconnect, if dns_resolver and its rule of request-key are there.";
  return {
    result: "warn",
    evidence,
    meaning,
    fix: again,
    verdict: {
      cause: "client.dns-stale",
      confidence: up ? "possible" : "likely",
      summary: `${evidence}; ${up ? "the connection to the old address still stands" : "nothing is connected to the old address"}.`,
      advice: [`${again[0]?.toUpperCase()}${again.slice(1)}.`, keeps],
    },
  };
}
