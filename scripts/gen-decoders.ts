// Writes src/probe/decoders.gen.ts from the BTF of build/bpf/contract.bpf.o, so that TypeScript and C can not drift apart.
//   node scripts/gen-decoders.ts [--check] [OBJECT]
// --check writes nothing and fails when the committed file is not what the object gives.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { type BtfType, decodersOf } from "./gen-decoders-emit.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const target = join(root, "src/probe/decoders.gen.ts");

function main(args: readonly string[]): void {
  const check = args.includes("--check");
  const object = args.find((argument) => !argument.startsWith("--")) ?? join(root, "build/bpf/contract.bpf.o");
  const text = decodersOf(typesOf(object));
  if (!check) {
    writeFileSync(target, text);
    return;
  }
  const line = firstDifference(readFileSync(target, "utf8"), text);
  if (line === undefined) return;
  console.error(
    `${relative(root, target)}:${line}: not what the BTF of ${relative(root, object)} gives. ` +
      "The contract in bpf/include changed: run `node scripts/gen-decoders.ts`, adapt src/probe and commit both.",
  );
  process.exitCode = 1;
}

/** bpftool lives in /usr/sbin, which is not in everyone's PATH. */
function typesOf(object: string): readonly BtfType[] {
  const env = { ...process.env, PATH: `${process.env.PATH ?? ""}:/usr/sbin:/sbin` };
  const json = execFileSync("bpftool", ["btf", "dump", "file", object, "-j"], {
    env,
    encoding: "utf8",
    maxBuffer: 64 << 20,
    timeout: 60_000,
  });
  return (JSON.parse(json) as { types: BtfType[] }).types;
}

/** 1-based number of the first line that differs; undefined when both are the same. */
function firstDifference(have: string, want: string): number | undefined {
  if (have === want) return undefined;
  const haveLines = have.split("\n");
  const at = want.split("\n").findIndex((line, index) => line !== haveLines[index]);
  return at < 0 ? haveLines.length : at + 1;
}

main(process.argv.slice(2));
