import { AodError } from "../src/system/error.ts";

export interface OpaqueStruct {
  readonly name: string;
  /** Its definition as it stands in the header. */
  readonly text: string;
}

/** Structs of a uapi/linux/bpf.h that programs only hold, and see nothing of: `__u64 __opaque[2]`. */
export function opaqueStructs(header: string): readonly OpaqueStruct[] {
  return [
    ...header.matchAll(/^struct (\w+) \{\s+__u\d+ __opaque\[\d+\];\s+\} __attribute__\(\(aligned\(\d+\)\)\);/gm),
  ].map(([text, name = ""]) => ({ name, text }));
}

const include = "#include <uapi/linux/bpf.h>\n";

/** A linux/bpf.h that defines structs itself, after it has included the uapi header. */
export function withStructs(header: string, structs: readonly OpaqueStruct[]): string {
  if (!header.includes(include)) throw new AodError("failed", "linux/bpf.h does not include uapi/linux/bpf.h");
  return header.replace(include, `${include}${structs.map(({ text }) => `${text}\n`).join("")}`);
}
