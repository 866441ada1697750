// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The NFS RPC probe: its hooks, its memory, and what it answers. */
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include "rpc.h"

/* In the order of a task's life; load.c attaches in the reverse order. */
static struct hook hooks[] = {
	{ "begin", "rpc_task_begin", { "begin" }, { "begin" }, .tracepoint = true, .needed = true },
	{ "attempt", "rpc_task_end", { "attempt" }, { "attempt" }, .tracepoint = true },
	{ "latency", "rpc_stats_latency", { "latency" }, { "latency" }, .tracepoint = true, .needed = true },
	{ "release", "rpc_task_release_client", { "release_f" }, { "release_k" }, 1, .needed = true },
	{ "client_free", "rpc_clnt_free", { "client_free" }, { "client_free" }, .tracepoint = true },
};

static const struct section sections[] = {
	{ ".bss.ops", sizeof(*rpc.ops) * (AOD_RPC_RING + AOD_RPC_OVERFLOW), &rpc.ops },
	{ ".bss.index", sizeof(*rpc.index) * AOD_RPC_INDEX, &rpc.index },
	{ ".bss.targets", sizeof(*rpc.targets) * AOD_RPC_TARGETS, &rpc.targets },
	{ ".bss.stats", sizeof(*rpc.stats) * AOD_RPC_TARGETS * AOD_RPC_PROCEDURES, &rpc.stats },
	{ ".bss.names", sizeof(*rpc.names) * 2 * AOD_RPC_PROCEDURES, &rpc.names },
	{ ".bss.losses", sizeof(*rpc.losses), &rpc.losses },
	{ ".bss.head", sizeof(*rpc.head), &rpc.head },
	{ ".data.tunables", sizeof(*rpc.tunables), &rpc.tunables },
};

static int set_section(struct bpf_object *object, const char *section, const void *value, size_t size)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, section);
	int err = map ? bpf_map__set_initial_value(map, value, size) : -ENOENT;

	return err ? fail(1, -err, "the BPF object does not take its settings: rebuild it together with aod-probe") : 0;
}

static int prepare(const struct options *options, struct bpf_object *object)
{
	static const char *const names[] = { "nfs_fs_type", "nfs4_fs_type" };
	struct aod_rpc_knobs knobs = {};
	struct aod_rpc_tunables tunables = {};
	int err;

	/* without them an op's mount and minor version are known only where its file tells them */
	if (rpc_symbols(names, knobs.file_systems, ARRAY_SIZE(names)))
		fail_detail("/proc/kallsyms is not readable");
	err = set_section(object, ".rodata.knobs", &knobs, sizeof(knobs));
	/* nothing is slow and nothing an outlier until somebody says so */
	memset(tunables.slow_ns, 0xff, sizeof(tunables.slow_ns));
	return err ? err : set_section(object, ".data.tunables", &tunables, sizeof(tunables));
}

const struct probe nfs_rpc = {
	.name = "nfs_rpc",
	.module = "sunrpc",
	.ring = AOD_RPC_RING,
	.op_size = sizeof(struct aod_rpc_op),
	.hooks = hooks,
	.n_hooks = ARRAY_SIZE(hooks),
	.sections = sections,
	.n_sections = ARRAY_SIZE(sections),
	.load = load_hooks,
	.prepare = prepare,
	.on_outlier = rpc_outlier,
	.outliers_done = rpc_outliers_done,
	.start = rpc_start,
	.tick = rpc_tick,
	.pump = rpc_history_pump,
	.request = rpc_request,
};
