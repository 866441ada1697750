// /proc/fs/nfsfs/servers and volumes: fs/nfs/client.c nfs_server_list_show() and nfs_volume_list_show(). Those of the reader's network namespace.

export interface NfsServerRow {
  /** 2, 3 or 4. */
  readonly version: number;
  readonly address: string;
  readonly port: number;
  /** How many users the client's structure has. */
  readonly users: number;
  readonly hostname: string;
}

export interface NfsVolumeRow {
  readonly version: number;
  readonly address: string;
  readonly port: number;
  /** st_dev: `0:45` */
  readonly device: string;
  /** `major:minor`, hexadecimal. */
  readonly fsid: string;
  readonly fscache: boolean;
}

interface Rows<Row> {
  readonly rows: readonly Row[];
  readonly unknown: readonly string[];
}

/** Never throws. */
export function parseNfsServers(text: string): Rows<NfsServerRow> {
  return rowsOf(text, ([version, address, port, users, ...hostname]) => {
    const use = Number(users);
    if (users === undefined || !Number.isSafeInteger(use) || hostname.length === 0) return undefined;
    const to = endpointOf(version, address, port);
    return to === undefined ? undefined : { ...to, users: use, hostname: hostname.join(" ") };
  });
}

/** Never throws. */
export function parseNfsVolumes(text: string): Rows<NfsVolumeRow> {
  return rowsOf(text, ([version, address, port, device, fsid, fscache]) => {
    const to = endpointOf(version, address, port);
    if (to === undefined || device === undefined || !/^\d+:\d+$/.test(device)) return undefined;
    return fsid === undefined || fscache === undefined
      ? undefined
      : { ...to, device, fsid, fscache: fscache === "yes" };
  });
}

function rowsOf<Row>(text: string, rowOf: (words: readonly string[]) => Row | undefined): Rows<Row> {
  const rows: Row[] = [];
  const unknown: string[] = [];
  for (const line of text.split("\n")) {
    if (line.trim() === "" || line.startsWith("NV SERVER")) continue;
    const row = rowOf(line.trim().split(/\s+/));
    if (row === undefined) unknown.push(line);
    else rows.push(row);
  }
  return { rows, unknown };
}

function endpointOf(version = "", address = "", port = "") {
  const [, number] = /^v(\d)$/.exec(version) ?? [];
  if (number === undefined || !/^([0-9a-f]{8}|[0-9a-f]{32})$/.test(address) || !/^[0-9a-f]{1,4}$/.test(port)) {
    return undefined;
  }
  return { version: Number(number), address: addressOf(address), port: Number.parseInt(port, 16) };
}

/** In the order of the network, not of the machine. */
function addressOf(hex: string): string {
  const bytes = Buffer.from(hex, "hex");
  if (bytes.length === 4) return bytes.join(".");
  const words = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16));
  return new URL(`http://[${words.join(":")}]/`).hostname.slice(1, -1);
}
