import type { CachedDirs } from "../smb/open-dirs.ts";
import { facts, hex, known, type Row } from "./row.ts";
import { mountsOfShare } from "./smb-shares.ts";
import type { ShowState } from "./state.ts";

/** What the client keeps: attributes and content by the mount's options, directories, handles, DFS referrals. */
export function smbCaches(state: ShowState): Row[] {
  if (state.data === undefined) return [];
  return [...settingsRow(state), ...shareRows(state), ...dfsRows(state)];
}

function settingsRow({ parameters, lookupCache }: ShowState): Row[] {
  const of = (name: string) => parameters.get(name);
  const json = known({
    protocol: "smb",
    of: "client",
    oplocks: of("enable_oplocks"),
    dir_cache_timeout: of("dir_cache_timeout"),
    lookup_cache: lookupCache,
  });
  const off = json.oplocks === false;
  return [
    {
      json,
      title: "SMB client",
      lines: [
        facts(
          ["oplocks and leases", off ? "off" : json.oplocks === true ? "on" : undefined],
          ["directories are kept", json.dir_cache_timeout === undefined ? undefined : `${json.dir_cache_timeout} s`],
        ),
      ],
      problems: off ? ["oplocks and leases are off (enable_oplocks=N): nothing is cached between opens"] : [],
    },
  ];
}

function shareRows({ data, mounts, dirs }: ShowState): Row[] {
  const kept = new Map<string, CachedDirs>();
  for (const tree of dirs?.trees ?? []) {
    const [row] = tree.rows;
    if (row !== undefined) kept.set(`${row.sessionId} ${row.treeId}`, tree);
  }
  return (data?.servers ?? []).flatMap(({ sessions }) =>
    sessions.flatMap(({ sessionId, shares }) =>
      shares
        .filter(({ ipc }) => !ipc)
        .map((share): Row => {
          const options = mountsOfShare(mounts, share.name)[0]?.options ?? {};
          const tree = kept.get(`${sessionId} ${share.treeId}`);
          const text = (name: string): string | undefined =>
            typeof options[name] === "string" ? options[name] : undefined;
          const json = known({
            protocol: "smb",
            share: share.name,
            cache: text("cache"),
            actimeo: text("actimeo"),
            acregmax: text("acregmax"),
            acdirmax: text("acdirmax"),
            closetimeo: text("closetimeo"),
            nolease: options.nolease === true ? true : undefined,
            fsc: options.fsc === true ? true : undefined,
            directories: tree?.rows.map(({ path, validInfo, validDirents, dirents, leaseKey }) =>
              known({
                path,
                valid_info: validInfo,
                valid_entries: validDirents,
                entries: dirents?.entries,
                bytes: dirents?.bytes,
                lease_key: leaseKey,
              }),
            ),
          });
          return {
            json,
            title: share.name,
            lines: [
              facts(
                ["cache", json.cache],
                ["attributes for", json.actimeo ?? json.acregmax],
                ["closed handles for", json.closetimeo],
                ["", json.fsc === true ? "fscache" : undefined],
              ),
              ...(tree?.rows ?? []).map(
                ({ path, dirents }) =>
                  `directory ${path === "" ? "/" : path}${dirents === undefined ? "" : `: ${dirents.entries} entries, ${dirents.bytes} bytes`}`,
              ),
            ],
            problems: [],
          };
        }),
    ),
  );
}

function dfsRows({ dfs }: ShowState): Row[] {
  return (dfs?.entries ?? []).map((entry) => ({
    json: known({
      protocol: "smb",
      dfs: entry.path,
      type: entry.type,
      ttl_s: entry.ttlSeconds,
      expired: entry.expired,
      interlink: entry.interlink,
      header_flags: entry.headerFlags === undefined ? undefined : hex(entry.headerFlags),
      targets: entry.targets,
    }),
    title: `DFS ${entry.path}  ${entry.type}`,
    lines: [
      facts(["for", `${entry.ttlSeconds} s`], ["", entry.expired ? "expired" : "valid"]),
      ...entry.targets.map(({ name, hint }) => `target ${name}${hint ? " (in use)" : ""}`),
    ],
    problems: entry.targets.length === 0 ? ["it has no target"] : [],
  }));
}
