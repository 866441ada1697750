import type { z } from "zod";
import { captures } from "../capture/registry.ts";
import { sourceNames } from "../sources/registry.ts";
import { detectorSections } from "./detector-schema.ts";
import {
  choice,
  directory,
  duration,
  durationOrOff,
  fixed,
  flag,
  integer,
  loopbackPort,
  nameList,
  percent,
  section,
  size,
} from "./keys.ts";
import { argv } from "./kinds.ts";

const incidents = section({
  cool_down: duration(
    "60s",
    "An incident closes when its target has been quiet for this long; what comes before belongs to it.",
  ),
  max_length: duration("10m", "An incident closes at this age even when the fault lasts."),
  repeat: duration(
    "1h",
    "A fault that outlasts `max_length` opens its next incident this long after the last one opened.",
  ),
  post: duration("10s", "Operations are kept until this long after the last anomaly."),
  max_open: integer(8, 1, 64, "Incidents that are open at the same time; further ones are dropped and counted."),
  max_per_hour: integer(
    60,
    1,
    10_000,
    "Incidents that are opened within an hour; further ones are dropped and counted.",
  ),
  journal: flag(
    true,
    "An incident that opens, gets worse or closes is an entry of the journal with a fixed MESSAGE_ID.",
  ),
  on_incident: argv(
    "A program that is run when an incident opens, gets worse or closes; the incident is in its environment. Without a shell; it sees no secret.",
  ),
  on_incident_limit: duration("30s", "The program is ended after this time."),
  max_anomalies: integer(100, 1, 10_000, "Anomalies that are listed per incident; further ones are counted."),
});

const recorder = section({
  events: section({
    enabled: fixed(
      flag(true, "Keep rare trace events of cifs, nfs, nfs4, sunrpc and rpcgss in a ring of the kernel's."),
    ),
    all: fixed(
      flag(false, "Keep every event of these, also those of each operation. Costs a workload of metadata some 6 %."),
    ),
    max_bytes: fixed(
      size("4MiB", "Bytes of the ring, all processors together; as many more hold what was read for incidents."),
    ),
    max_age: fixed(duration("15m", "What was read for one incident is kept this long for the next.")),
  }),
  packets: section({
    mode: fixed(
      choice(
        "auto",
        ["auto", "always", "trouble", "off"],
        "Record packets of the server connections: `auto` all the time while it costs less than `budget`, else from the first sign of trouble on; `always`; `trouble` only from that on; `off`.",
      ),
    ),
    budget: fixed(percent(0.5, "Share of one processor that recording may cost in `auto`.")),
    snap_length: fixed(
      integer(
        256,
        96,
        65_535,
        "Bytes that are kept of a packet in the ring. Payload is zeroed before it gets into a bundle.",
      ),
    ),
    max_bytes: fixed(
      size("16MiB", "Bytes of the ring of files, in `packet-ring/` below `state_dir`, which only root can read."),
    ),
    max_age: fixed(duration("15m", "Packets older than this are left out and removed.")),
    post: fixed(duration("60s", "Recording that trouble started goes on for this long after the last sign of it.")),
  }),
});

/** aod.yaml. */
export const configSchema = section({
  state_dir: fixed(
    directory("/var/lib/aod", "Where bundles are kept (`bundles/` below it). `AOD_STATE_DIR` overrides it."),
  ),
  run_dir: fixed(directory("/run/aod", "Where the socket and the lock are. `AOD_RUN_DIR` overrides it.")),
  probes: section({
    smb_wire: fixed(flag(true, "Observe every SMB2/3 request of the kernel's client.")),
    nfs_rpc: fixed(flag(true, "Observe every RPC of the kernel's NFS client.")),
    smb_vfs: fixed(
      flag(
        false,
        "Observe failed calls of the SMB client's VFS callbacks. Its programs run at every call, also those that the cache answers; nearly all failures are seen as failed requests too.",
      ),
    ),
    linger: durationOrOff(
      "60s",
      "Probes stay attached this long after the last mount of their protocol went; then the kernel's module can be unloaded. The next mount attaches them again. `off`: they stay.",
    ),
  }),
  sources: section({
    exclude: fixed(nameList(sourceNames, "Sources that are not looked at; what rests on them is not noticed.")),
  }),
  detectors: section(detectorSections),
  incidents,
  captures: section({
    exclude: nameList(
      captures.map((capture) => capture.name),
      "Captures that are left out of bundles.",
    ),
    limit: duration(
      "30s",
      "What one capture may take for all of its files; a program that it starts may take a third of it, all captures of a closing incident together twice as long. Milliseconds are usual; a slow or busy machine needs more, and what hangs on a dead mount has to end.",
    ),
    verbose: section({
      enabled: flag(
        false,
        "At the opening of an incident, have the clients log verbosely (cifsFYI with dynamic debug, rpcdebug). It slows them down and fills the kernel's log; it is undone after `for`, and after a crash at the next start.",
      ),
      for: duration("30s", "How long the clients log verbosely."),
    }),
  }),
  recorder,
  metrics: section({
    listen: fixed(
      loopbackPort("off", "Serves `/metrics` for Prometheus at this address too; it is always on the daemon's socket."),
    ),
    max_series: fixed(
      integer(
        1000,
        10,
        100_000,
        "Series of one metric, by server, share and command; further ones are counted in `aod_metrics_left_out`.",
      ),
    ),
  }),
  bundles: section({
    max_count: integer(100, 1, 100_000, "Bundles that are kept; the oldest goes first."),
    max_age: duration("30d", "Bundles older than this are removed."),
    max_bytes: size("1GiB", "Bytes of all bundles together; the oldest goes first."),
    min_free: size(
      "128MiB",
      "Bytes that must stay free on the file system of `state_dir`; below it nothing is captured.",
    ),
    max_size: size("128MiB", "Bytes of the files of one bundle before it is packed."),
    max_ops: size("32MiB", "Bytes of `ops.ndjson` in one bundle."),
  }),
});

export type Config = z.output<typeof configSchema>;
