import assert from "node:assert/strict";
import { test } from "node:test";
import { loadOrder, moduleName } from "./modules.ts";

const modulesDep = `kernel/fs/netfs/netfs.ko:
kernel/net/9p/9pnet.ko: kernel/fs/netfs/netfs.ko
kernel/net/9p/9pnet_virtio.ko: kernel/net/9p/9pnet.ko kernel/fs/netfs/netfs.ko
kernel/fs/9p/9p.ko: kernel/net/9p/9pnet.ko kernel/fs/netfs/netfs.ko
kernel/net/netfilter/nf-tables.ko.xz:
`;

test("dependencies are loaded first and once", () => {
  assert.deepEqual(loadOrder(["9pnet_virtio", "9p"], modulesDep, ""), {
    files: [
      "kernel/fs/netfs/netfs.ko",
      "kernel/net/9p/9pnet.ko",
      "kernel/net/9p/9pnet_virtio.ko",
      "kernel/fs/9p/9p.ko",
    ],
    missing: [],
  });
});

test("what is built in needs no file, what is nowhere is missing", () => {
  assert.deepEqual(loadOrder(["virtio_pci", "overlay"], modulesDep, "kernel/drivers/virtio/virtio_pci.ko\n"), {
    files: [],
    missing: ["overlay"],
  });
});

test("module names do not depend on compression or dashes", () => {
  assert.equal(moduleName("kernel/net/netfilter/nf-tables.ko.xz"), "nf_tables");
});
