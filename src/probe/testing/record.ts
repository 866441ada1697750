// Records what aod-probe says on this machine: node src/probe/testing/record.ts FILE SECONDS
// As root, with cifs loaded. Everything is an outlier and in flight; the history is asked for before the end.
import { createWriteStream } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { nativePaths } from "../../system/paths.ts";
import { startProbe } from "../helper.ts";
import { startProcess } from "../helper-process.ts";

const [file = "", seconds = "10"] = process.argv.slice(2);
const record = createWriteStream(file);
const paths = nativePaths();
let onAttached = (): void => {};
const attached = new Promise<void>((resolve) => {
  onAttached = resolve;
});
const probe = startProbe(
  {
    program: paths.probe,
    object: paths.object("smb_wire"),
    probe: "smb_wire",
    start: (argv) => {
      const helper = startProcess(argv);
      helper.stdout.on("data", (chunk: Buffer) => record.write(chunk));
      return helper;
    },
  },
  (event) => {
    console.log(event.type);
    if (event.type === "hello") onAttached();
  },
  (exit) => console.log(exit),
);
probe.set({ slowUs: 0, inflightUs: 0 });
await attached;
await setTimeout(Number(seconds) * 1000);
probe.history(0);
await setTimeout(500);
await probe.stop();
record.end();
