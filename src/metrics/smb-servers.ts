import type { DebugData, Endpoint } from "../smb/debug-data.ts";
import type { Family, Labels, Sample } from "./exposition.ts";

const GOOD = 1;

/** What DebugData says of each connection at this moment; at most `max` of them. `left`: those that were left out. */
export function smbServerFamilies(data: DebugData | undefined, max: number): { families: Family[]; left: number } {
  const all = (data?.servers ?? []).flatMap((server) => {
    const name = server.hostname ?? server.sessions[0]?.address ?? "";
    const channels = server.sessions.flatMap(({ channels }) => channels);
    return [server, ...channels].map((endpoint) => ({ endpoint, labels: labelsOf(name, endpoint) }));
  });
  const shown = distinct(all).slice(0, max);
  const gauge = (name: string, help: string, value: (endpoint: Endpoint) => number | undefined): Family => ({
    name,
    type: "gauge",
    help,
    samples: samples(shown, value),
  });
  const families: Family[] = [
    gauge(
      "aod_smb_connection_good",
      "1 while the connection is established, 0 in every other state.",
      ({ tcpStatus }) => (tcpStatus === undefined ? undefined : Number(tcpStatus === GOOD)),
    ),
    gauge("aod_smb_credits", "Credits that the client holds.", ({ credits }) => credits?.[0]),
    gauge("aod_smb_connection_requests_in_flight", "Requests on the wire.", ({ requestsOnWire }) => requestsOnWire),
    gauge("aod_smb_credit_waiters", "Tasks that wait for credits.", ({ inMaxRequestWait }) => inMaxRequestWait),
    {
      name: "aod_smb_connection_reconnects",
      type: "counter",
      help: "Reconnects of the connection since it was made.",
      samples: samples(shown, ({ instance }) => (instance === undefined ? undefined : Math.max(0, instance - 1))),
    },
  ];
  return { families, left: all.length - shown.length };
}

type Shown = { readonly endpoint: Endpoint; readonly labels: Labels };

function labelsOf(server: string, { connectionId }: Endpoint): Labels {
  return { server, connection: connectionId === undefined ? "" : `0x${connectionId.toString(16)}` };
}

function samples(shown: readonly Shown[], value: (endpoint: Endpoint) => number | undefined): Sample[] {
  return shown.flatMap(({ endpoint, labels }) => {
    const found = value(endpoint);
    return found === undefined ? [] : [{ labels, value: found }];
  });
}

/** The first channel of a session is its server's connection, and 5.10 numbers none. */
function distinct(all: readonly Shown[]): Shown[] {
  const byLabels = new Map<string, Shown>();
  for (const one of all) {
    const key = Object.values(one.labels).join("\0");
    if (!byLabels.has(key)) byLabels.set(key, one);
  }
  return [...byLabels.values()];
}
