// What the NFS client shows: one view for each subject, as far as it has something like it.
import type { NfsMountStats } from "../nfs/mountstats.ts";
import { nfsDevice } from "../sources/targets.ts";
import type { MountInfo } from "../system/mountinfo.ts";
import { isNfs } from "../system/mounts.ts";
import type { TcpRow } from "../system/sockets.ts";
import type { Tunnel } from "./helpers.ts";
import { facts, hex, known, listed, type Row } from "./row.ts";
import type { ShowState } from "./state.ts";

/** The timer of a socket that waits for an acknowledgement. */
const RETRANSMITTING = 1;
const text = (mount: MountInfo, name: string): string | undefined => {
  const value = mount.options[name];
  return value === true ? "yes" : value;
};
const portOf = (mount: MountInfo): number => Number(text(mount, "port")) || 2049;

/** A server for each address, port and kind of transport. */
export function nfsServers(state: ShowState): Row[] {
  const servers = new Map<string, MountInfo[]>();
  for (const mount of state.mounts.filter(isNfs)) {
    const key = `${text(mount, "addr")} ${portOf(mount)} ${text(mount, "proto")} ${text(mount, "xprtsec")}`;
    servers.set(key, [...(servers.get(key) ?? []), mount]);
  }
  return [...servers.values()].map((mounts) => serverRow(mounts, state));
}

function serverRow(mounts: readonly MountInfo[], state: ShowState): Row {
  const [mount] = mounts;
  if (mount === undefined) return { json: {}, title: "", lines: [], problems: [] };
  const address = text(mount, "addr");
  const port = portOf(mount);
  const tls = text(mount, "xprtsec");
  const tunnel = state.helpers.tunnels.find(({ local }) => local.address === address && local.port === port);
  const sockets = state.tcp.filter(
    (row) => row.remote.address === address && row.remote.port === port && row.state !== "TIME_WAIT",
  );
  const stats = mounts.flatMap(({ target }) => state.nfs.find(({ mountPoint }) => mountPoint === target) ?? []);
  const transports = stats[0]?.transports ?? [];
  const server = nfsDevice(mount.source).server ?? address ?? "server";
  const users = state.nfsServers.filter((row) => row.address === address && row.port === port);
  const versions = [...new Set(mounts.flatMap((one) => text(one, "vers") ?? []))];
  const json = known({
    protocol: "nfs",
    server,
    address,
    port,
    versions,
    transport: text(mount, "proto"),
    connections: transports.length,
    nconnect: text(mount, "nconnect") === undefined ? undefined : Number(text(mount, "nconnect")),
    xprtsec: tls,
    tlshd: tls === "tls" || tls === "mtls" ? state.helpers.tlshd : undefined,
    tunnel: tunnel === undefined ? undefined : tunnelJson(tunnel),
    security: [...new Set(mounts.flatMap((one) => text(one, "sec") ?? []))],
    pending: transports.length === 0 ? undefined : transports.reduce((sum, one) => sum + pendingOf(one), 0),
    users: users.reduce((sum, one) => sum + one.users, 0),
    sockets: sockets.map(({ local, remote, state }) => ({ local, remote, state })),
    mounts: mounts.map(({ target }) => target),
  });
  return {
    json,
    title: `NFS ${server}  ${address}:${port}  ${sockets.some(({ state }) => state === "ESTABLISHED") ? "connected" : "not connected"}`,
    lines: [
      facts(
        ["versions", versions.join(" ")],
        ["", json.transport],
        ["connections", json.connections],
        ["security", json.security.join(" ")],
        ["encryption", encryptionWord(tls, tunnel)],
      ),
      ...sockets.map(
        ({ local, remote, state }) => `${local.address}:${local.port} -> ${remote.address}:${remote.port} ${state}`,
      ),
      ...(tunnel === undefined ? [] : [tunnelLine(tunnel)]),
      ...(json.tlshd === undefined
        ? []
        : [json.tlshd.running ? `tlshd runs (process ${json.tlshd.pid})` : "tlshd does not run"]),
      `mounts: ${listed(json.mounts)}`,
    ],
    problems: [
      ...(json.tlshd?.running === false
        ? ["tlshd does not run: a new connection with xprtsec cannot be made (start tlshd.service)"]
        : []),
      ...(tunnel === undefined ? [] : tunnelProblems(tunnel)),
      ...(sockets.length === 0 && (json.transport ?? "tcp").startsWith("tcp") && (json.pending ?? 0) > 0
        ? ["there is no TCP connection to it, and RPCs wait"]
        : []),
      ...sockets.filter(({ timer, retransmits }) => timer === RETRANSMITTING && retransmits > 1).map(retransmitLine),
    ],
  };
}

const retransmitLine = ({ local, retransmits }: TcpRow): string =>
  `${local.address}:${local.port} has sent the same ${retransmits} times without an answer`;

function encryptionWord(tls: string | undefined, tunnel: Tunnel | undefined): string {
  if (tls === "tls" || tls === "mtls") return `TLS of the kernel (xprtsec=${tls})`;
  return tunnel === undefined ? "no" : `by ${tunnel.process?.comm ?? "a tunnel"}`;
}

const at = ({ address, port }: { readonly address: string; readonly port: number }): string => `${address}:${port}`;

function tunnelJson({ local, listening, process, upstream, configured }: Tunnel): object {
  return known({ local, listening, process, true_servers: upstream, configured });
}

function tunnelLine({ local, listening, process, upstream, configured }: Tunnel): string {
  const who =
    process === undefined
      ? listening
        ? "who listens there only root can tell"
        : "nobody listens there"
      : `${process.comm} (process ${process.pid}) listens there`;
  const where =
    upstream.length > 0
      ? `true server ${upstream.map(at).join(", ")}`
      : configured === undefined
        ? undefined
        : `true server ${configured} (configured, not connected)`;
  return `${at(local)} is on this machine: ${facts(["", who], ["", where])}`;
}

function tunnelProblems({ local, listening, process, upstream }: Tunnel): string[] {
  if (process === undefined && listening) return [];
  if (process === undefined) return [`nobody listens on ${at(local)}: the tunnel (stunnel) does not run`];
  return upstream.length === 0 ? [`${process.comm} is not connected to the true server`] : [];
}

/** Sent and not answered, as the transport counts them. */
function pendingOf({ kind, numbers }: NfsMountStats["transports"][number]): number {
  const at = kind === "udp" ? 2 : kind === "local" ? 4 : 5;
  return Math.max(0, (numbers[at] ?? 0) - (numbers[at + 1] ?? 0));
}

const flavors: Readonly<Record<number, string>> = {
  0: "null",
  1: "sys",
  7: "tls",
  390003: "krb5",
  390004: "krb5i",
  390005: "krb5p",
};

/** NFSv4 has leases, NFSv3 has nothing of the kind. */
export function nfsSessions(state: ShowState): Row[] {
  return state.nfs.map((mount) => {
    const flavor = mount.pseudoFlavor ?? mount.securityFlavor;
    const { implementation, leaseExpiredSeconds: expired } = mount;
    const json = known({
      protocol: "nfs",
      server: nfsDevice(mount.device).server,
      mount: mount.mountPoint,
      version: optionOf(mount, "vers"),
      security: flavor === undefined ? undefined : (flavors[flavor] ?? String(flavor)),
      lease_s: mount.leaseSeconds,
      lease_expired_s: expired,
      pnfs: mount.pnfs,
      implementation: implementation?.name === "" ? undefined : implementation?.name,
      state_reclaimed_after: undefined,
    });
    return {
      json,
      title: `NFS ${json.server ?? mount.device}  ${mount.mountPoint}`,
      lines: [
        facts(
          ["version", json.version],
          ["security", json.security],
          ["lease", json.lease_s === undefined ? undefined : `${json.lease_s} s`],
          ["pNFS", json.pnfs],
          ["server", json.implementation],
        ),
      ],
      problems:
        expired !== undefined && expired > 0
          ? [`its lease ended ${expired} s ago: open files and locks may be lost`]
          : [],
    };
  });
}

const optionOf = ({ options = "" }: NfsMountStats, name: string): string | undefined =>
  new RegExp(`(?:^|,)${name}=([^,]*)`).exec(options)?.[1];

export function nfsShares(state: ShowState): Row[] {
  return state.mounts.filter(isNfs).map((mount) => {
    const stats = state.nfs.find(({ mountPoint }) => mountPoint === mount.target);
    const operations = [...(stats?.operations.values() ?? [])];
    const sum = (of: (one: (typeof operations)[number]) => number): number =>
      operations.reduce((all, one) => all + of(one), 0);
    const shown = [
      "vers",
      "rsize",
      "wsize",
      "hard",
      "soft",
      "timeo",
      "retrans",
      "sec",
      "nconnect",
      "xprtsec",
      "local_lock",
      "fsc",
    ];
    const json = known({
      protocol: "nfs",
      share: mount.source,
      mounts: [mount.target],
      device: mount.device,
      age_s: stats?.ageSeconds,
      requests: stats === undefined ? undefined : sum(({ operations }) => operations),
      failed: stats === undefined ? undefined : sum(({ errors = 0 }) => errors),
      retransmissions:
        stats === undefined
          ? undefined
          : Math.max(
              0,
              sum(({ transmissions, operations }) => transmissions - operations),
            ),
      major_timeouts: stats === undefined ? undefined : sum(({ majorTimeouts }) => majorTimeouts),
      options: Object.fromEntries(
        shown.flatMap((name) => (mount.options[name] === undefined ? [] : [[name, mount.options[name]]])),
      ),
    });
    const options = Object.entries(json.options).map(([name, value]) => (value === true ? name : `${name}=${value}`));
    return {
      json,
      title: mount.source,
      lines: [
        `mounted on ${mount.target}`,
        facts(
          ["requests", json.requests],
          ["failed", json.failed],
          ["sent again", json.retransmissions],
          ["timed out", json.major_timeouts],
        ),
        `options ${options.join(",")}`,
      ],
      problems:
        (json.major_timeouts ?? 0) > 0
          ? [`the server did not answer in time ${json.major_timeouts} times since the mount`]
          : [],
    };
  });
}

/** From debugfs: the RPCs that are not over, of every program. */
export function nfsRequests(state: ShowState): Row[] {
  return (state.rpcTasks ?? []).map((task) => ({
    json: {
      protocol: "nfs",
      program: task.program,
      version: task.version,
      command: task.procedure,
      task: task.task,
      xid: hex(task.xid),
      client_id: task.client,
      status: task.status,
      action: task.action,
      queue: task.queue,
    },
    title: `${task.program}v${task.version} ${task.procedure}  ${task.queue === "xprt_pending" ? "waits for the answer" : `in ${task.action}`}`,
    lines: [facts(["xid", hex(task.xid)], ["RPC client", task.client], ["queue", task.queue])],
    problems: [],
  }));
}

export function nfsCaches(state: ShowState): Row[] {
  return state.mounts.filter(isNfs).map((mount) => {
    const names = ["acregmin", "acregmax", "acdirmin", "acdirmax", "noac", "nocto", "lookupcache", "fsc"];
    const settings = Object.fromEntries(
      names.flatMap((name) => (mount.options[name] === undefined ? [] : [[name, mount.options[name]]])),
    );
    const pages = state.nfs.find(({ mountPoint }) => mountPoint === mount.target)?.fscache;
    return {
      json: known({
        protocol: "nfs",
        share: mount.source,
        mount: mount.target,
        settings,
        fscache_pages: pages === undefined || pages.length === 0 ? undefined : pages,
      }),
      title: mount.source,
      lines: [
        facts(...Object.entries(settings).map(([name, value]) => [name, value === true ? "yes" : value] as const)),
      ],
      problems: [],
    };
  });
}
