import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { KeySample, ObservedTarget, TicketSample } from "../detect/observation.ts";
import { parseDebugData } from "../smb/debug-data.ts";
import { readLocal } from "../system/proc.ts";
import { type ProcKey, parseProcKeys } from "../system/proc-keys.ts";
import { KeyringCaches } from "./keyring-caches.ts";
import type { Mounts } from "./mounts.ts";
import { readText } from "./read.ts";
import type { Outcome, Source, SourceRoots } from "./source.ts";
import { notLocal, targetOfMount } from "./targets.ts";
import { defaultCacheName, type FoundCache, fileCaches } from "./ticket-caches.ts";
import { spnegoFacts } from "./upcall-lines.ts";

const LIMIT_BYTES = 4 * 1024 ** 2;
const MAX_CONF_FILES = 32;
const MAX_CONF_BYTES = 64 * 1024;
const MAX_KEYS = 256;

/**
 * When the Kerberos tickets end that mounts live by, and the keys that the kernel got by upcalls. It reads times and names; keys are not taken out of
 * the caches.
 */
export function ticketsSource(roots: SourceRoots, mounts: Mounts): Source {
  const { procRoot, fsRoot, clock, run } = roots;
  const inKeyrings = new KeyringCaches(run);
  let overLimit = 0;
  return {
    name: "tickets",
    summary: "/tmp/krb5cc*, /run/user/*/krb5cc*, persistent keyrings, /proc/keys",
    waits: true,
    timeoutMs: 20_000,
    everyNs: ({ trouble }) => (trouble ? 20e9 : 60e9),
    async read(_situation, signal): Promise<Outcome> {
      if (!usesKerberos(mounts)) return { off: "no mount uses Kerberos (sec=krb5, krb5i, krb5p)" };
      const users = kerberosUsers(procRoot);
      const files = await fileCaches(fsRoot, mounts.mounts, signal);
      const preferred = defaultCacheName(await krb5Conf(fsRoot, mounts)) ?? "FILE:";
      const wantsKeyrings = /^KEYRING:/i.test(preferred);
      const uids = new Set([...users, ...(wantsKeyrings ? files.found.map(({ uid }) => uid) : [])]);
      if (wantsKeyrings) for (const uid of await usersLoggedIn(fsRoot)) uids.add(uid);
      const keyrings = await inKeyrings.look([...uids], clock.wallMs(), signal);
      const keys = parseProcKeys(readText(join(procRoot, "keys"), LIMIT_BYTES)?.text ?? "");
      overLimit += files.overLimit + keyrings.overLimit;
      // What a site does not use is not missed.
      const missed = wantsKeyrings || users.some((uid) => files.found.every((cache) => cache.uid !== uid));
      const lacks = [
        ...files.lacks,
        ...(missed ? keyrings.lacks : []),
        ...(/^KCM:/i.test(preferred) ? ["tickets in KCM are not seen"] : []),
      ];
      return {
        observations: [
          {
            type: "tickets",
            nowNs: clock.nowNs(),
            tickets: [...files.found, ...keyrings.found].flatMap((cache) => ticketsOf(cache, clock.wallMs())),
            keys: keys.flatMap(keySample).slice(0, MAX_KEYS),
          },
        ],
        ...(lacks.length === 0 ? {} : { degraded: lacks.join("; ") }),
      };
    },
    losses: (): Record<string, number> => (overLimit === 0 ? {} : { "over-limit": overLimit }),
  };
}

function usesKerberos({ mounts }: Mounts): boolean {
  return mounts.some((mount) => {
    const { sec } = mount.options;
    return targetOfMount(mount) !== undefined && typeof sec === "string" && sec.startsWith("krb5");
  });
}

/** Those whose credentials SMB sessions were set up with. */
function kerberosUsers(procRoot: string): number[] {
  const file = readText(join(procRoot, "fs/cifs/DebugData"), LIMIT_BYTES);
  const sessions = parseDebugData(file?.text ?? "").servers.flatMap((server) => server.sessions);
  const users = sessions.flatMap(({ securityType, credUser }) =>
    securityType === "Kerberos" && credUser !== undefined ? [credUser] : [],
  );
  return [...new Set(users)];
}

async function usersLoggedIn(fsRoot: string): Promise<number[]> {
  try {
    return (await readdir(join(fsRoot, "run/user"))).filter((name) => /^\d+$/.test(name)).map(Number);
  } catch {
    // Without logind nobody is logged in there.
    return [];
  }
}

/** Texts of krb5.conf and of what lies in its usual directory, which is read first. */
async function krb5Conf(fsRoot: string, { mounts }: Mounts): Promise<string[]> {
  if (notLocal("/etc/krb5.conf.d", mounts) !== undefined) return [];
  const directory = join(fsRoot, "etc/krb5.conf.d");
  let names: string[] = [];
  try {
    names = (await readdir(directory)).sort().slice(0, MAX_CONF_FILES);
  } catch {
    // Most machines have none.
  }
  const texts: string[] = [];
  for (const path of [...names.map((name) => join(directory, name)), join(fsRoot, "etc/krb5.conf")]) {
    const file = await readLocal(path, { limitBytes: MAX_CONF_BYTES });
    if (file !== undefined) texts.push(file.content.toString("utf8"));
  }
  return texts;
}

function ticketsOf({ name, uid, cache: { client, tickets } }: FoundCache, wallMs: number): TicketSample[] {
  const fromNow = (seconds: number): number => (seconds * 1000 - wallMs) * 1e6;
  return tickets.flatMap(({ service, end, renewUntil }) => {
    const target = targetOfService(service);
    if (target === undefined && !service.startsWith("krbtgt/")) return [];
    return [
      {
        cache: name,
        uid,
        client,
        service,
        ...(target === undefined ? {} : { target }),
        remainingNs: fromNow(end),
        ...(renewUntil === 0 ? {} : { renewableNs: fromNow(renewUntil) }),
      },
    ];
  });
}

function targetOfService(service: string): ObservedTarget | undefined {
  const [, kind, server] = /^(cifs|nfs|host)\/([^@/]+)@/i.exec(service) ?? [];
  if (kind === undefined || server === undefined) return undefined;
  // cifs.upcall asks for `host/` of some servers, rpc.gssd never.
  return { protocol: kind.toLowerCase() === "nfs" ? "nfs" : "smb", server };
}

/** As /proc/keys cuts their names: 9 letters. */
const keyTypes: Readonly<Record<string, string>> = {
  "cifs.spne": "cifs.spnego",
  "cifs.idma": "cifs.idmap",
  dns_resol: "dns_resolver",
  id_resolv: "id_resolver",
  id_legacy: "id_legacy",
};

function keySample({ flags, type: cut, description, uid, timeoutSeconds }: ProcKey): KeySample[] {
  const credentials = cut === "logon" && /^cifs:/.test(description);
  const type = credentials ? "logon" : keyTypes[cut.slice(0, 9)];
  if (type === undefined) return [];
  const about = type === "cifs.spnego" ? spnegoFacts(description) : undefined;
  const state = flags.includes("R")
    ? "revoked"
    : /[Di]/.test(flags)
      ? "dead"
      : timeoutSeconds === 0
        ? "expired"
        : flags.includes("N")
          ? "negative"
          : "valid";
  return [
    {
      type,
      description,
      uid: about?.uid ?? uid,
      ...(about?.target === undefined ? {} : { target: about.target }),
      state,
      ...(timeoutSeconds === undefined ? {} : { remainingNs: timeoutSeconds * 1e9 }),
    },
  ];
}
