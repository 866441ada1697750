// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The NFS RPC probe: its hooks, its memory, and what it answers. */
#include <unistd.h>
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
	{ ".bss.failures", sizeof(*rpc.failures) * AOD_FAILURES, &rpc.failures },
	{ ".bss.names", sizeof(*rpc.names) * 2 * AOD_RPC_PROCEDURES, &rpc.names },
	{ ".bss.losses", sizeof(*rpc.losses), &rpc.losses },
	{ ".bss.head", sizeof(*rpc.head), &rpc.head },
	{ ".data.tunables", sizeof(*rpc.tunables), &rpc.tunables },
};

static int prepare(const struct options *options, struct bpf_object *object)
{
	return rpc_prepare(options, object, AOD_RPC_RING, AOD_RPC_TARGETS);
}

/*
 * The names in an operation's arguments are found by the BTF of nfsv3 and nfsv4, as it is when the programs are loaded. Who waits for the
 * first mount comes just before them.
 */
static int load(const struct options *options, struct loaded *loaded)
{
	for (int i = 0; i < 20 && access("/sys/module/nfsv3", F_OK) && access("/sys/module/nfsv4", F_OK); i++)
		usleep(50000);
	return load_hooks(options, loaded);
}

const struct probe nfs_rpc = {
	.name = "nfs_rpc",
	.module = "sunrpc",
	.without_btf = &rpc_trace,
	.ring = AOD_RPC_RING,
	.op_size = sizeof(struct aod_rpc_op),
	.hooks = hooks,
	.n_hooks = ARRAY_SIZE(hooks),
	.sections = sections,
	.n_sections = ARRAY_SIZE(sections),
	.load = load,
	.prepare = prepare,
	.on_outlier = rpc_outlier,
	.outliers_done = rpc_outliers_done,
	.start = rpc_start,
	.tick = rpc_tick,
	.pump = rpc_history_pump,
	.request = rpc_request,
};
