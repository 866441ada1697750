import { lookup } from "node:dns/promises";
import { readFileSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import { Command } from "commander";
import { PacketRecording } from "../flight-recorder/packet-recording.ts";
import { serversToRecord } from "../flight-recorder/packet-servers.ts";
import { filterOf } from "../flight-recorder/tcpdump.ts";
import { refuseNetworkMount } from "../record/network-mount.ts";
import { AodError, messageOf } from "../system/error.ts";
import { hasCode } from "../system/proc.ts";
import { number } from "../tools/arguments.ts";
import { Ending } from "../tools/ending.ts";
import { size } from "./bundle-text.ts";
import { durationArgument } from "./duration.ts";

interface Options {
  readonly server?: string;
  readonly full?: true;
  readonly for?: number;
  readonly size: number;
  readonly out: string;
}

/** Headers of the network and of SMB or RPC. */
const HEADERS = 256;
const WHOLE = 262_144;
const LEAST_MB = 4;

export function packetsCommand(): Command {
  return new Command("packets")
    .description(
      "packets from and to the servers of this host's SMB and NFS mounts, by tcpdump, for aod packets and Wireshark",
    )
    .option("--server <NAME|ADDRESS>", "of this server alone, which need not be mounted")
    .option("--full", "whole packets: CONTENTS OF FILES are in them; without it the first 256 bytes of each")
    .option(
      "--for <DURATION>",
      "end after this time, such as 30s, 5m or a number of seconds; without it at Ctrl-C",
      durationArgument(24 * 3600e9),
    )
    .option("--size <MB>", "keep the last so many MB (1,000,000 bytes)", number("MB", LEAST_MB), 100)
    .option("-o, --out <FILE>", "a new file, for its owner alone", "aod-packets.pcap")
    .action(recordPackets);
}

async function recordPackets({ server, full, for: forNs, size: maxMb, out }: Options): Promise<void> {
  const say = (line: string): void => void process.stderr.write(`aod record: ${line}\n`);
  if (process.geteuid?.() !== 0)
    throw new AodError("failed", "the kernel gives packets to root alone: run it as root, or with sudo");
  const file = resolve(out);
  refuseNetworkMount(file, readProc, process.cwd());
  const servers = await serversToRecord(server, { readProc, lookup: (name) => lookup(name, { all: true }) });
  const ending = new Ending(forNs === undefined ? undefined : forNs / 1e9, ["SIGHUP"]);
  const snapLength = full === true ? WHOLE : HEADERS;
  const recording = make({ file, servers, snapLength, maxBytes: maxMb * 1e6 });
  try {
    await recording.begin();
    if (full === true)
      say("warning: contents of files, names and, without encryption, everything else is in whole packets");
    say(`packets are recorded${forNs === undefined ? " until Ctrl-C" : ""}: ${filterOf(servers)}`);
    ending.start();
    const failed = await Promise.race([ending.reached, recording.over]);
    if (failed !== undefined) throw failed;
    const { packets, dropped, bytes, wrapped } = await recording.end();
    say(`${out}: ${packets} packets, ${size(bytes)}, dropped by the kernel: ${dropped === 0 ? "none" : dropped}`);
    if (wrapped) say(`the first packets may be gone: it keeps the last ${maxMb} MB (--size)`);
    say(`aod packets ${out} tells what they say`);
  } catch (error) {
    rmSync(file, { force: true });
    throw error instanceof AodError ? error : new AodError("failed", `${out}: ${messageOf(error)}`, { cause: error });
  } finally {
    ending.dispose();
    recording.remove();
  }
}

function make(options: ConstructorParameters<typeof PacketRecording>[0]): PacketRecording {
  try {
    return new PacketRecording(options);
  } catch (error) {
    if (hasCode(error, "EEXIST"))
      throw new AodError("usage", `${options.file} is there already: name a new file with -o, or remove it`);
    throw new AodError("failed", `${options.file}: ${messageOf(error)}`, { cause: error });
  }
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(`/proc/${path}`, "utf8");
  } catch {
    // The module is not loaded.
    return undefined;
  }
}
