import type { DebugServer, DebugSession } from "../smb/debug-data.ts";
import { capabilityWords, sessionStateWord } from "../smb/state-words.ts";
import type { MountInfo } from "../system/mountinfo.ts";
import { facts, hex, known, listed, type Row } from "./row.ts";
import { mountsOfShare } from "./smb-shares.ts";
import type { ShowState } from "./state.ts";

const GOOD = 1;

export function smbSessions(state: ShowState): Row[] {
  return (state.data?.servers ?? []).flatMap((server) =>
    server.sessions.map((session) => sessionRow(server, session, state)),
  );
}

function sessionRow(server: DebugServer, session: DebugSession, { mounts }: ShowState): Row {
  const shares = session.shares.filter(({ ipc }) => !ipc);
  const own = shares.flatMap(({ name }) => mountsOfShare(mounts, name));
  const wanted = Math.max(1, ...own.map(({ options }) => Number(options.max_channels) || 1));
  const channels = 1 + session.channels.filter(({ disabled }) => !disabled).length;
  const name = server.hostname ?? session.address ?? "server";
  const json = known({
    protocol: "smb",
    server: name,
    address: session.address,
    connection_id: server.connectionId === undefined ? undefined : hex(server.connectionId),
    session_id: session.sessionId === undefined ? undefined : hex(session.sessionId),
    state: sessionStateWord(session.status),
    security: session.securityType,
    user: userOf(own),
    uid: session.user,
    cred_uid: session.credUser,
    guest: session.guest,
    anonymous: session.anonymous,
    signed: session.signed,
    encrypted: session.encrypted,
    domain: session.domain,
    os: session.os,
    capabilities: session.capability === undefined ? undefined : capabilityWords(session.capability),
    channels,
    max_channels: wanted,
    dfs_root_session_id: session.dfsRootSessionId === undefined ? undefined : hex(session.dfsRootSessionId),
    shares: shares.map(({ name }) => name),
    witness: undefined,
  });
  return {
    json,
    title: `SMB ${name}  session ${json.session_id ?? session.index}  ${json.state}`,
    lines: [
      facts(
        ["", json.security],
        ["user", json.user],
        ["uid", json.uid],
        ["signed", session.signed ? "yes" : "no"],
        ["encrypted", session.encrypted ? "yes" : "no"],
        ["channels", channels],
      ),
      ...(session.os === undefined ? [] : [`server ${facts(["", session.os], ["domain", session.domain])}`]),
      `shares: ${listed(json.shares)}`,
    ],
    problems: [
      ...(session.status === undefined || session.status === GOOD
        ? []
        : [`the session ${sessionStateWord(session.status)}`]),
      ...(session.disconnected ? ["its primary channel is disconnected"] : []),
      ...(session.passwordInvalid
        ? ["the server says that the password is no longer valid: remount with the new one"]
        : []),
      ...(session.guest === true
        ? ["the server took the user for a guest: neither signing nor encryption is possible"]
        : []),
      ...(channels < wanted ? [`${channels} of ${wanted} channels that the mount asks for`] : []),
      ...session.channels
        .filter(({ disconnected }) => disconnected)
        .map(({ index }) => `channel ${index} is disconnected`),
    ],
  };
}

function userOf(mounts: readonly MountInfo[]): string | undefined {
  const names = new Set(
    mounts.flatMap(({ options }) => {
      const { username, domain } = options;
      if (typeof username !== "string") return [];
      return [typeof domain === "string" ? `${domain}\\${username}` : username];
    }),
  );
  return names.size === 0 ? undefined : [...names].join(", ");
}
