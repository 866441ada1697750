// Runs in the guest, by the Node that the host uses: takes /run/lab/request.json, leaves out/result.json.
import { readFileSync, writeSync } from "node:fs";
import { Lab } from "../../lab/guest/lab.ts";
import { stopSamba } from "../../lab/guest/samba.ts";
import type { GuestRequest } from "../request.ts";
import { memory } from "./memory.ts";
import { rounds } from "./rounds.ts";
import { syscalls } from "./syscalls.ts";

const eventDescriptor = 3;

const request = JSON.parse(readFileSync("/run/lab/request.json", "utf8")) as GuestRequest;
const lab = new Lab("bench", "", {}, "/run/lab/out", (line) => {
  writeSync(eventDescriptor, `${line.replaceAll("\n", " ")}\n`);
});
const kinds = { rounds, syscalls, memory };
try {
  lab.writeJson("result.json", await kinds[request.kind](lab, request));
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
for (const failure of await lab.end()) console.error(failure);
await stopSamba();
process.exit();
