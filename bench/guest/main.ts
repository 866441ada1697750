// Runs in the guest, by the Node that the host uses: takes /run/lab/request.json, leaves out/result.json.
import { readFileSync, writeSync } from "node:fs";
import { Lab } from "../../lab/guest/lab.ts";
import { stopSamba } from "../../lab/guest/samba.ts";
import type { AnyRequest } from "../request.ts";
import { daemonRounds } from "./daemon.ts";
import { memory } from "./memory.ts";
import { quiet } from "./quiet.ts";
import { ring } from "./ring.ts";
import { rounds } from "./rounds.ts";
import { syscalls } from "./syscalls.ts";
import { tools } from "./tools.ts";

const eventDescriptor = 3;

const request = JSON.parse(readFileSync("/run/lab/request.json", "utf8")) as AnyRequest;
const lab = new Lab("bench", "", {}, "/run/lab/out", (line) => {
  writeSync(eventDescriptor, `${line.replaceAll("\n", " ")}\n`);
});

function answer(): Promise<unknown> {
  switch (request.kind) {
    case "tools":
      return tools(lab, request);
    case "daemon":
      return daemonRounds(lab, request);
    case "quiet":
      return quiet(lab, request);
    case "ring":
      return ring(lab, request);
    default:
      return { rounds, syscalls, memory }[request.kind](lab, request);
  }
}

try {
  lab.writeJson("result.json", await answer());
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
for (const failure of await lab.end()) console.error(failure);
await stopSamba();
process.exit();
