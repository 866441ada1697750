import assert from "node:assert/strict";
import { test } from "node:test";
import { opaqueStructs, withStructs } from "./opaque.ts";

const uapi = `struct bpf_wq {
	__u64 __opaque[2];
} __attribute__((aligned(8)));

struct bpf_sysctl {
	__u32	write;
};

struct bpf_refcount {
	__u32 __opaque[1];
} __attribute__((aligned(4)));
`;

test("opaque structs are those of which a program sees nothing", () => {
  assert.deepEqual(
    opaqueStructs(uapi).map(({ name }) => name),
    ["bpf_wq", "bpf_refcount"],
  );
});

test("structs are defined behind the header that lacks them", () => {
  const [first] = opaqueStructs(uapi);
  assert.ok(first);
  assert.equal(
    withStructs("#include <uapi/linux/bpf.h>\n\nstruct bpf_map;\n", [first]),
    `#include <uapi/linux/bpf.h>\n${first.text}\n\nstruct bpf_map;\n`,
  );
  assert.throws(() => withStructs("struct bpf_map;\n", [first]), /does not include/);
});
