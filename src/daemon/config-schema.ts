import type { z } from "zod";
import { captures } from "../capture/registry.ts";
import { sourceNames } from "../sources/registry.ts";
import { directory, duration, fixed, flag, integer, nameList, section, size } from "./config-keys.ts";
import { detectorSections } from "./detector-schema.ts";

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
  max_anomalies: integer(100, 1, 10_000, "Anomalies that are listed per incident; further ones are counted."),
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
