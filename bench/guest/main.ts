// Runs in the guest, by the Node that the host uses: takes /run/lab/request.json, leaves out/result.json.
import { readFileSync, writeSync } from "node:fs";
import { Lab } from "../../lab/guest/lab.ts";
import { stopSamba } from "../../lab/guest/samba.ts";
import type { GuestRequest, ToolsRequest } from "../request.ts";
import { memory } from "./memory.ts";
import { rounds } from "./rounds.ts";
import { syscalls } from "./syscalls.ts";
import { tools } from "./tools.ts";

const eventDescriptor = 3;

const request = JSON.parse(readFileSync("/run/lab/request.json", "utf8")) as GuestRequest | ToolsRequest;
const lab = new Lab("bench", "", {}, "/run/lab/out", (line) => {
  writeSync(eventDescriptor, `${line.replaceAll("\n", " ")}\n`);
});
const kinds = { rounds, syscalls, memory };
try {
  const result = request.kind === "tools" ? await tools(lab, request) : await kinds[request.kind](lab, request);
  lab.writeJson("result.json", result);
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
for (const failure of await lab.end()) console.error(failure);
await stopSamba();
process.exit();
