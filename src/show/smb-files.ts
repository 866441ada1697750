import { openFlagWords } from "../system/open-flags.ts";
import { facts, hex, known, type Row } from "./row.ts";
import type { ShowState } from "./state.ts";

/** Handles that the client holds, each with its share and the process that opened it. */
export function smbFiles(state: ShowState): Row[] {
  const shares = new Map(
    (state.data?.servers ?? []).flatMap(({ sessions }) =>
      sessions.flatMap(({ sessionId, shares }) =>
        shares.map((share) => [`${sessionId} ${share.treeId}`, share.name] as const),
      ),
    ),
  );
  // 5.10 tells no session with a file.
  const byTree = new Map([...shares].map(([key, name]) => [key.split(" ")[1], name]));
  return state.files.map((file) => {
    const share =
      shares.get(`${file.sessionId} ${file.treeId}`) ??
      (file.sessionId === undefined ? byTree.get(String(file.treeId)) : undefined);
    const json = known({
      protocol: "smb",
      name: file.name,
      share,
      pid: file.pid,
      comm: state.comm(file.pid),
      uid: file.uid,
      flags: file.flags === undefined ? undefined : openFlagWords(file.flags),
      references: file.references,
      file_id: file.fileId === undefined ? undefined : hex(file.fileId),
      tree_id: hex(file.treeId),
      session_id: file.sessionId === undefined ? undefined : hex(file.sessionId),
      lease: file.lease,
    });
    return {
      json,
      title: file.name,
      lines: [
        facts(
          ["", share],
          ["opened by", `${file.pid}${json.comm === undefined ? " (ended)" : ` ${json.comm}`}`],
          ["uid", file.uid],
          ["", json.flags?.join("|")],
          ["lease", file.lease],
        ),
      ],
      problems: share === undefined && state.data !== undefined ? ["its tree is not connected any more"] : [],
    };
  });
}
