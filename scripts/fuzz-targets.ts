// What `npm run fuzz` gives broken texts to: every reader of text that a kernel or a program writes.

import { nfsKernelMessage } from "../src/nfs/kernel-messages.ts";
import { parseMountstats } from "../src/nfs/mountstats.ts";
import { parseNfsServers, parseNfsVolumes } from "../src/nfs/nfsfs.ts";
import { parseNfsRpcStats } from "../src/nfs/rpc-stats.ts";
import { parseDebugData } from "../src/smb/debug-data.ts";
import { parseDfsCache } from "../src/smb/dfs-cache.ts";
import { smbKernelMessage } from "../src/smb/kernel-messages.ts";
import { parseOpenDirs } from "../src/smb/open-dirs.ts";
import { listOpenFiles, parseOpenFiles } from "../src/smb/open-files.ts";
import { parseFlag, parseMountParams, parseParameter, parseSecurityFlags } from "../src/smb/settings.ts";
import { parseStats } from "../src/smb/stats.ts";
import { parseKernelRecord } from "../src/system/kernel-log.ts";
import { parseMountinfo } from "../src/system/mountinfo.ts";
import { parseMounts } from "../src/system/mounts.ts";
import { tcpRowsTo } from "../src/system/sockets.ts";
import { parseSs } from "../src/system/ss.ts";

export interface FuzzTarget {
  readonly name: string;
  /** Samples below test/fixtures that are broken; a text that no kernel at hand shows is given as it is. */
  readonly samples: readonly string[];
  readonly texts?: readonly string[];
  /** Reads it, and returns the lines that it did not know, where it tells them: each must be one of the text's. */
  readonly read: (text: string) => readonly string[];
}

const nothing = (): readonly string[] => [];

export const targets: readonly FuzzTarget[] = [
  { name: "DebugData", samples: ["proc/**/DebugData*"], read: (text) => parseDebugData(text).unknown },
  { name: "Stats", samples: ["proc/**/Stats*"], read: (text) => parseStats(text).unknown },
  {
    name: "open_files",
    samples: ["proc/**/open_files"],
    read: (text) => {
      parseOpenFiles(text);
      return listOpenFiles(text).unknown;
    },
  },
  {
    name: "open_dirs",
    samples: ["proc/**/open_dirs"],
    texts: [
      "# Version:1\nNum entries: 1, cached_dirents: 2 entries, 30 bytes\n0x1 0x2 0x3 - a/b\tvalid file info, valid dirents, dirents: 2 entries, 30 bytes\n",
    ],
    read: (text) => parseOpenDirs(text).unknown,
  },
  {
    name: "dfscache",
    samples: ["proc/**/dfscache"],
    texts: [
      "cache entry: path=\\a\\b,type=link,ttl=300,etime=1,hdr_flags=0x2,ref_flags=0x4,interlink=no,path_consumed=4,expired=yes\n  \\fs1\\a (target hint)\n",
    ],
    read: (text) => parseDfsCache(text).unknown,
  },
  { name: "mount_params", samples: ["proc/**/mount_params"], read: (text) => parseMountParams(text).unknown },
  {
    name: "settings",
    samples: ["proc/**/SecurityFlags", "proc/**/cifsFYI", "proc/**/modparams"],
    read: (text) => {
      parseSecurityFlags(text);
      parseFlag(text);
      parseParameter(text);
      return nothing();
    },
  },
  {
    name: "mountstats",
    samples: ["proc/**/mountstats*"],
    read: (text) => parseMountstats(text).flatMap(({ unknown }) => unknown),
  },
  { name: "rpc_nfs", samples: ["proc/**/rpc_nfs"], read: (text) => parseNfsRpcStats(text).unknown },
  {
    name: "nfsfs",
    samples: ["proc/**/nfsfs_*"],
    read: (text) => {
      parseNfsVolumes(text);
      return parseNfsServers(text).unknown;
    },
  },
  {
    name: "mounts",
    samples: ["evidence/*/proc/1/mountinfo", "evidence/*/proc/1/mounts"],
    read: (text) => {
      parseMountinfo(text);
      parseMounts(text);
      return nothing();
    },
  },
  {
    name: "sockets",
    samples: ["evidence/*/proc/net/tcp", "ss/*"],
    read: (text) => {
      tcpRowsTo(text, undefined);
      parseSs(text);
      return nothing();
    },
  },
  {
    name: "kernel log",
    samples: ["kernel-log/*"],
    read: (text) => {
      for (const line of text.split("\n")) {
        parseKernelRecord(line);
        smbKernelMessage(line);
        nfsKernelMessage(line);
      }
      return nothing();
    },
  },
];
