// For tests: a directory that looks like tracefs, with one ring for each of two processors.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Directories } from "../trace-instance.ts";

const common = `	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:unsigned char common_flags;	offset:2;	size:1;	signed:0;
	field:unsigned char common_preempt_count;	offset:3;	size:1;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;
`;

const formatOf = (name: string, id: number): string => `name: ${name}
ID: ${id}
format:
${common}
	field:__u64 currmid;	offset:8;	size:8;	signed:0;
	field:int credits;	offset:16;	size:4;	signed:1;

print fmt: "current_mid=%llu credits=%d", REC->currmid, REC->credits
`;

const headerPage = `	field: u64 timestamp;	offset:0;	size:8;	signed:0;
	field: local_t commit;	offset:8;	size:8;	signed:1;
	field: int overwrite;	offset:8;	size:1;	signed:1;
	field: char data;	offset:16;	size:4080;	signed:1;
`;

const headerEvent = `# compressed entry header
	type_len    :    5 bits
	time_delta  :   27 bits
	array       :   32 bits

	padding     : type == 29
	time_extend : type == 30
	time_stamp : type == 31
	data max type_len  == 28
`;

export const eventIds = { smb3_reconnect: 1500, smb3_credit_timeout: 1501 } as const;

/** Below `sysRoot`; `directories` does what the kernel does when an instance is made and removed. */
export function fakeTracefs(sysRoot: string): { readonly root: string; readonly directories: Directories } {
  const root = join(sysRoot, "kernel/tracing");
  put(root, "events/header_page", headerPage);
  put(root, "events/header_event", headerEvent);
  put(root, "saved_cmdlines", "77 dd\n");
  mkdirSync(join(root, "instances"), { recursive: true });
  for (const [name, id] of Object.entries(eventIds)) put(root, `events/cifs/${name}/format`, formatOf(name, id));
  const make = (path: string): void => {
    for (const file of ["buffer_size_kb", "options/overwrite", "trace_clock", "tracing_on"]) put(path, file, "");
    for (const name of [...Object.keys(eventIds), "smb3_enter"]) put(path, `events/cifs/${name}/enable`, "0");
    for (const cpu of [0, 1]) {
      put(path, `per_cpu/cpu${cpu}/trace_pipe_raw`, "");
      put(path, `per_cpu/cpu${cpu}/stats`, "entries: 3\noverrun: 9\ncommit overrun: 0\nbytes: 5\ndropped events: 2\n");
    }
  };
  return { root, directories: { make, remove: (path) => rmSync(path, { recursive: true }) } };
}

export function put(root: string, name: string, content: string | Buffer): void {
  mkdirSync(dirname(join(root, name)), { recursive: true });
  writeFileSync(join(root, name), content);
}

/** A page with one event, and remnants of others behind what is committed. */
export function page(timeNs: number, id: number, mid: bigint): Buffer {
  const bytes = Buffer.alloc(4096, "remnant of an older event ");
  bytes.writeBigUInt64LE(BigInt(timeNs), 0);
  bytes.writeBigUInt64LE(BigInt(4 + 20), 8);
  // type_len 5: 20 bytes; no time since the page's.
  bytes.writeUInt32LE(5, 16);
  bytes.writeUInt16LE(id, 20);
  bytes.writeUInt16LE(0, 22);
  bytes.writeInt32LE(77, 24);
  bytes.writeBigUInt64LE(mid, 28);
  bytes.writeInt32LE(3, 36);
  return bytes;
}
