import type { DebugServer, DebugSession, DebugShare } from "../smb/debug-data.ts";
import { accessWords, shareFlagWords, treeStateWord } from "../smb/state-words.ts";
import type { ShareStats } from "../smb/stats.ts";
import type { MountInfo } from "../system/mountinfo.ts";
import { isSmb } from "../system/mounts.ts";
import { facts, hex, known, listed, type Row } from "./row.ts";
import type { ShowState } from "./state.ts";

const GOOD = 1;

/** Of `\\server\share`: also those of a directory below it. */
export function mountsOfShare(mounts: readonly MountInfo[], share: string): readonly MountInfo[] {
  const wanted = share.replaceAll("\\", "/").toLowerCase();
  return mounts.filter((mount) => {
    const source = mount.source.replaceAll("\\", "/").toLowerCase();
    return isSmb(mount) && (source === wanted || source.startsWith(`${wanted}/`));
  });
}

export function smbShares(state: ShowState): Row[] {
  const seen = new Map<string, number>();
  return (state.data?.servers ?? []).flatMap((server) =>
    server.sessions.flatMap((session) =>
      session.shares
        .filter(({ ipc }) => !ipc)
        .map((share) => {
          // Shares of one name stand in Stats in the same order.
          const nth = seen.get(share.name) ?? 0;
          seen.set(share.name, nth + 1);
          const counted = state.stats?.shares.filter(({ name }) => name === share.name)[nth];
          return shareRow(server, session, share, counted, state);
        }),
    ),
  );
}

const shown = [
  "vers",
  "cache",
  "rsize",
  "wsize",
  "seal",
  "sign",
  "soft",
  "hard",
  "nosharesock",
  "multichannel",
  "max_channels",
  "multiuser",
  "actimeo",
  "acregmax",
  "acdirmax",
  "closetimeo",
  "echo_interval",
  "sec",
];

function shareRow(
  server: DebugServer,
  session: DebugSession,
  share: DebugShare,
  counted: ShareStats | undefined,
  { mounts }: ShowState,
): Row {
  const own = mountsOfShare(mounts, share.name);
  const options = own[0]?.options ?? {};
  const failed = [...(counted?.counts.values() ?? [])].reduce((sum, { failed = 0 }) => sum + failed, 0);
  const json = known({
    protocol: "smb",
    share: share.name,
    server: server.hostname ?? session.address,
    mounts: own.map(({ target }) => target),
    tree_id: share.treeId === undefined ? undefined : hex(share.treeId),
    session_id: session.sessionId === undefined ? undefined : hex(session.sessionId),
    state: treeStateWord(share.status),
    type: share.type,
    file_system: share.fileSystem,
    encrypted: share.encrypted,
    capabilities: share.capabilities,
    flags: share.shareFlags === undefined ? undefined : shareFlagWords(share.shareFlags),
    access: share.maximalAccess === undefined ? undefined : accessWords(share.maximalAccess),
    serial: share.serial === undefined ? undefined : hex(share.serial),
    witness: share.witness,
    dfs_origin: share.dfsOrigin,
    users: share.mounts,
    open_files: counted?.openFiles,
    open_on_server: counted?.openOnServer,
    requests: counted?.smbs,
    failed,
    counted_since: counted?.since,
    options: Object.fromEntries(shown.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]]))),
  });
  const optionText = Object.entries(json.options).map(([name, value]) => (value === true ? name : `${name}=${value}`));
  return {
    json,
    title: `${share.name}  tree ${json.tree_id ?? "-"}  ${json.state}`,
    lines: [
      `mounted on ${listed(json.mounts)}`,
      facts(
        ["", share.type],
        ["", share.fileSystem],
        ["encrypted", share.encrypted ? "yes" : "no"],
        ["flags:", json.flags === undefined ? undefined : listed(json.flags)],
        ["may:", json.access === undefined ? undefined : listed(json.access)],
      ),
      ...(share.capabilities === undefined || share.capabilities.length === 0
        ? []
        : [`capabilities: ${listed(share.capabilities)}`]),
      facts(
        ["open files", counted?.openFiles],
        ["of them on the server", counted?.openOnServer],
        ["requests", counted?.smbs],
        ["failed", counted === undefined ? undefined : failed],
      ),
      ...(optionText.length === 0 ? [] : [`options ${optionText.join(",")}`]),
      ...(share.dfsOrigin === undefined ? [] : [`by DFS from ${share.dfsOrigin}`]),
    ],
    problems: [
      ...(share.status === undefined || share.status === GOOD ? [] : [`the tree ${treeStateWord(share.status)}`]),
      ...(share.disconnected ? ["disconnected: the tree is connected again with the next request"] : []),
      ...(own.length === 0
        ? ["no mount of it is seen here: another mount namespace has it, or it was unmounted lazily"]
        : []),
      ...handleProblem(counted),
    ],
  };
}

function handleProblem(counted: ShareStats | undefined): string[] {
  const { openFiles = 0, openOnServer = 0 } = counted ?? {};
  if (openFiles === openOnServer) return [];
  return openFiles > openOnServer
    ? [
        `${openFiles - openOnServer} of ${openFiles} open files are not open on the server: they were open before a reconnect`,
      ]
    : [`the server holds ${openOnServer - openFiles} handles more than the client`];
}
