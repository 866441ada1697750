// What `npm run fuzz` gives broken texts to: every reader of text that a kernel or a program writes.

import type { Item } from "../src/decode/item.ts";
import { itemJson, totalsJson } from "../src/decode/json.ts";
import { itemText, totalsText } from "../src/decode/text.ts";
import { Timeline } from "../src/decode/timeline.ts";
import { parseAzureList } from "../src/doctor/kerberos/azure.ts";
import { parseCredentials } from "../src/doctor/mount/smb/credentials.ts";
import { parseCcache } from "../src/kerberos/ccache.ts";
import { parseKlist } from "../src/kerberos/klist.ts";
import { nfsKernelMessage } from "../src/nfs/kernel-messages.ts";
import { parseMountstats } from "../src/nfs/mountstats.ts";
import { parseNfsServers, parseNfsVolumes } from "../src/nfs/nfsfs.ts";
import { parseNfsRpcStats } from "../src/nfs/rpc-stats.ts";
import { parseRpcTasks } from "../src/nfs/rpc-tasks.ts";
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
import { parseProcKeys } from "../src/system/proc-keys.ts";
import { tcpRowsTo } from "../src/system/sockets.ts";
import { parseSs } from "../src/system/ss.ts";
import { parseStack } from "../src/system/task-stack.ts";

export interface FuzzTarget {
  readonly name: string;
  /** Samples below test/fixtures that are broken; a text that no kernel at hand shows is given as it is. */
  readonly samples: readonly string[];
  readonly texts?: readonly string[];
  /** Of samples that are no text: a character for each byte. */
  readonly encoding?: "utf8" | "latin1";
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
  {
    name: "traces",
    samples: ["traces/*"],
    read: (text) => {
      const unknown: string[] = [];
      const show = (item: Item): void => {
        itemText(item);
        JSON.stringify(itemJson(item));
        if (item.type === "line") unknown.push(item.text);
      };
      const timeline = new Timeline({}, show);
      for (const line of text.split("\n")) timeline.line(line);
      timeline.finish();
      totalsText(timeline.totals);
      JSON.stringify(totalsJson(timeline.totals));
      return unknown;
    },
  },
  {
    name: "rpc tasks",
    samples: [],
    texts: [
      "  107 0801      0 0x3 0x9d0c5a17    59840 nfs4_call_ops [nfsv4] nfsv4 READ a:call_status [sunrpc] q:xprt_pending\n 2115 0881 -11 0x4 0x0 60000 rpc_default_ops nfsv4 READ a:call_status q:xprt_pending\n",
    ],
    read: (text) => parseRpcTasks(text).unknown,
  },
  {
    name: "keys",
    samples: [],
    texts: [
      "0000000d I--Q---     1 expd 39010000     0     0 cifs.spne ver=0x2;host=files;ip4=10.0.0.1;sec=krb5;uid=0x0: 300\n1a2b3c4d IR-N--i     1  59s 3f010000    -1    -1 dns_resol files.example: 12\n",
    ],
    read: (text) => {
      parseProcKeys(text);
      return nothing();
    },
  },
  {
    name: "stacks",
    samples: [],
    texts: ["[<0>] wait_for_response+0xe1/0x120 [cifs]\n[<0>] ksys_read+0x6f/0xf0\n"],
    read: (text) => {
      parseStack(text);
      return nothing();
    },
  },
  {
    name: "credentials",
    samples: [],
    texts: [
      "username=DOMAIN\\u\npassword=a=b \ndomain=D\r\n# none\n",
      '[{"server":"a.file.core.windows.net","ticket_end_time":"2026-05-28 (epoch: 1780000000)"}]',
    ],
    read: (text) => {
      parseCredentials(text, "credentials", 0o644);
      parseAzureList(text);
      return nothing();
    },
  },
  {
    name: "klist",
    samples: ["kerberos/*.klist"],
    read: (text) => {
      parseKlist(text);
      return nothing();
    },
  },
  {
    name: "ccache",
    samples: ["kerberos/*.ccache"],
    encoding: "latin1",
    read: (text) => {
      parseCcache(Buffer.from(text, "latin1"));
      return nothing();
    },
  },
];
