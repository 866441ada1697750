import { nfsCaches, nfsRequests, nfsServers, nfsSessions, nfsShares } from "./nfs.ts";
import type { Row, Subject } from "./row.ts";
import { smbCaches } from "./smb-caches.ts";
import { smbFiles } from "./smb-files.ts";
import { smbRequests } from "./smb-requests.ts";
import { smbServers } from "./smb-servers.ts";
import { smbSessions } from "./smb-sessions.ts";
import { smbShares } from "./smb-shares.ts";
import type { ShowState } from "./state.ts";

type View = (state: ShowState) => readonly Row[];

const none: View = () => [];

const views: Readonly<Record<Subject, { readonly smb: View; readonly nfs: View }>> = {
  servers: { smb: smbServers, nfs: nfsServers },
  sessions: { smb: smbSessions, nfs: nfsSessions },
  shares: { smb: smbShares, nfs: nfsShares },
  requests: { smb: smbRequests, nfs: nfsRequests },
  // The NFS client keeps no list of its open files.
  files: { smb: smbFiles, nfs: none },
  caches: { smb: smbCaches, nfs: nfsCaches },
};

export function rowsOf(subject: Subject, state: ShowState): readonly Row[] {
  const { smb, nfs } = views[subject];
  return [...smb(state), ...nfs(state)];
}

/** What is told once, of a subject or of the reading itself. */
export function notesOf(subject: Subject, state: ShowState): readonly string[] {
  const unknown = Object.entries(state.unknown).filter(([, lines]) => lines.length > 0);
  const nfs = state.nfs.length > 0;
  return [
    ...(subject === "files" && state.filesMissing !== undefined ? [state.filesMissing] : []),
    ...(subject === "files" && nfs ? ["the NFS client keeps no list of its open files"] : []),
    ...(subject === "requests" && state.data !== undefined && state.seen === undefined
      ? ["the kernel does not tell the age of a request: with the daemon running (aod run) it is known"]
      : []),
    ...(subject === "requests" && nfs && state.rpcTasks === undefined
      ? ["RPCs of NFS are listed in debugfs, which is not mounted or may only be read by root"]
      : []),
    ...unknown.map(([file, lines]) => `${lines.length} lines of ${file} are not known here, the first: ${lines[0]}`),
  ];
}
