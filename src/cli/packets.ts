import { Command, InvalidArgumentError } from "commander";
import { Analysis } from "../packets/analysis.ts";
import { CaptureFile } from "../packets/capture-file.ts";
import { captureReport, connectionReport, totalReport } from "../packets/report.ts";
import { readKeyFile } from "../packets/smb/key-file.ts";
import { AodError } from "../system/error.ts";
import { captureLines, connectionLines, connectionTable, totalLines } from "./packets-text.ts";

interface Options {
  readonly json?: true;
  readonly smbPort?: readonly number[];
  readonly nfsPort?: readonly number[];
  readonly connections: number;
  readonly keys?: string;
}

/** `aod packets`: works without root and without the daemon. */
export function build(): Command {
  return new Command("packets")
    .description("Say what a capture of packets tells of SMB and NFS.")
    .argument("<file>", "pcap or pcapng, as tcpdump, tshark and Wireshark write them")
    .option("--smb-port <port>", "also a port of SMB servers, besides 445 and 139; may be repeated", portOf)
    .option("--nfs-port <port>", "also a port of NFS servers, besides 2049; may be repeated", portOf)
    .option("--connections <number>", "print details of so many connections, those with most traffic", countOf, 10)
    .option("--keys <file>", "decrypt SMB sessions with what aod keys has written")
    .option("--json", "one object a line: the capture, each connection, the total")
    .addHelpText(
      "after",
      `
Examples:
  aod packets trace.pcap
  aod packets trace.pcapng --connections 1
  aod packets trace.pcap --keys share.keys                   also what is in encrypted messages
  aod packets trace.pcap --json | jq 'select(.type == "connection").smb.sessions'
  tcpdump -i any -s 0 -w trace.pcap port 445 or port 2049    makes one

A file that is cut off is read as far as it goes; the exit status is 2 then.

Exit status: 0 done, 1 failed, 2 wrong usage, or no whole capture.`,
    )
    .action(run);
}

function portOf(text: string, ports: readonly number[] = []): readonly number[] {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > 65_535) throw new InvalidArgumentError("expected a port, 1 to 65535");
  return [...ports, port];
}

function countOf(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError("expected a number");
  return Number(text);
}

function run(path: string, { json, smbPort = [], nfsPort = [], connections: shown, keys: keyFile }: Options): void {
  const keys = keyFile === undefined ? [] : readKeyFile(keyFile);
  const file = new CaptureFile(path);
  const analysis = new Analysis({ smbPorts: smbPort, nfsPorts: nfsPort, keys });
  try {
    for (const packet of file.read()) analysis.packet(packet);
  } finally {
    file.close();
  }
  const all = analysis.end();
  const capture = captureReport(file, analysis, all.length);
  const connections = all.map((analysed, index) => connectionReport(analysed, index + 1));
  const total = totalReport(analysis.totals);
  if (json === true) for (const line of [capture, ...connections, total]) print(JSON.stringify(line));
  else {
    const most = [...connections]
      .sort((left, right) => traffic(right) - traffic(left))
      .slice(0, shown)
      .sort((left, right) => left.number - right.number);
    for (const line of captureLines(capture)) print(line);
    for (const line of connectionTable(connections)) print(line);
    for (const connection of most) for (const line of connectionLines(connection)) print(line);
    if (connections.length > 1) for (const line of totalLines(total)) print(line);
  }
  if (file.cut !== undefined) throw new AodError("usage", `${path} is cut off ${file.cut}`);
}

const traffic = ({ to_server, to_client }: ReturnType<typeof connectionReport>): number =>
  to_server.bytes + to_client.bytes;

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
