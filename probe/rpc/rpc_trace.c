// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The NFS RPC probe where the modules have no BTF (5.10): its trace points, and what nfs_rpc would have told besides. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "without_btf.h"

static struct aod_rpc_layout layout;

/* In the order of a task's life; load.c attaches in the reverse order. */
static struct hook hooks[] = {
	{ "client_new", "rpc_clnt_new", .trace = { "client_new_t" } },
	{ "read", "nfs_initiate_read", .trace = { "read_t" } },
	{ "write", "nfs_initiate_write", .trace = { "write_t" } },
	{ "commit", "nfs_initiate_commit", .trace = { "commit_t" } },
	{ "begin", "rpc_task_begin", .trace = { "begin_t" }, .needed = true },
	{ "request", "rpc_request", .trace = { "request_t" }, .needed = true },
	{ "transmit", "xprt_transmit", .trace = { "send_t", "sent_t" } },
	{ "timeout", "rpc_timeout_status", .trace = { "timeout_t" } },
	{ "rpc_error", "rpc_call_rpcerror", .trace = { "error_t" } },
	{ "attempt", "rpc_task_end", .trace = { "attempt_t", "attempt_r" }, .needed = true },
	{ "latency", "rpc_stats_latency", .trace = { "latency_t" }, .needed = true },
	{ "release", "rpc_task_release_client", .kprobe = { "release_k" }, .needed = true },
	{ "client_gone", "rpc_clnt_free", .trace = { "client_free_t" } },
	/* what takes fields of the modules' structs */
	{ "file", "rpc_run_task" },
	{ "mount", "nfs_init_server_rpcclient" },
	{ "bytes", "rpc_count_iostats_metrics" },
	{ "credential", "rpcauth_refreshcred" },
};

static const struct section sections[] = {
	{ ".bss.ops", sizeof(*rpc.ops) * (AOD_RPC_TRACE_RING + AOD_RPC_OVERFLOW), &rpc.ops },
	{ ".bss.index", sizeof(*rpc.index) * AOD_RPC_INDEX, &rpc.index },
	{ ".bss.targets", sizeof(*rpc.targets) * AOD_RPC_TRACE_TARGETS, &rpc.targets },
	{ ".bss.stats", sizeof(*rpc.stats) * AOD_RPC_TRACE_TARGETS * AOD_RPC_PROCEDURES, &rpc.stats },
	{ ".bss.failures", sizeof(*rpc.failures) * AOD_FAILURES, &rpc.failures },
	{ ".bss.names", sizeof(*rpc.names) * 2 * AOD_RPC_PROCEDURES, &rpc.names },
	{ ".bss.losses", sizeof(*rpc.losses), &rpc.losses },
	{ ".bss.head", sizeof(*rpc.head), &rpc.head },
	{ ".data.tunables", sizeof(*rpc.tunables), &rpc.tunables },
};

static void choose(struct hook *hook, const char *events, const struct options *options)
{
	const char *rung = hook->kprobe[0] ? "kprobe" : "trace";

	if (!hook->trace[0] && !hook->kprobe[0])
		ladder_no_btf(hook, options);
	else if (hook_hidden(options->hide, hook->name, rung))
		snprintf(hook->why, sizeof(hook->why), "hidden by --hide");
	else if (layout_find(events, hook->name, &layout, hook->why, sizeof(hook->why)))
		hook->rung = hook->kprobe[0] ? AOD_RUNG_KPROBE : AOD_RUNG_TRACE;
}

static int load(const struct options *options, struct loaded *loaded)
{
	static const char *const roots[] = { "/sys/kernel/tracing/events", "/sys/kernel/debug/tracing/events" };
	const char *events = access(roots[0], R_OK) ? roots[1] : roots[0];
	int err = ladder_ready(options);

	if (err)
		return err;
	if (access(events, R_OK))
		return fail(1, errno, "tracefs is not readable; as root: mount -t tracefs tracefs /sys/kernel/tracing");
	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++)
		choose(&hooks[i], events, options);
	return load_chosen(options, loaded);
}

static int prepare(const struct options *options, struct bpf_object *object)
{
	static struct aod_rpc_number numbers[AOD_RPC_NAMES];
	static struct aod_rpc_known known[AOD_RPC_TRACE_TARGETS];
	int err = rpc_prepare(options, object, AOD_RPC_TRACE_RING, AOD_RPC_TRACE_TARGETS);

	if (err)
		return err;
	memset(numbers, 0, sizeof(numbers));
	if (!numbers_fill(numbers))
		return fail(1, 0, "the table of procedures is too small");
	memset(known, 0, sizeof(known));
	known_fill("/sys/kernel/debug/sunrpc/rpc_clnt", known);
	err = load_set_section(object, ".rodata.layout", &layout, sizeof(layout));
	err = err ? err : load_set_section(object, ".data.numbers", numbers, sizeof(numbers));
	return err ? err : load_set_section(object, ".data.known", known, sizeof(known));
}

static void tick(void)
{
	silent_sweep(now_ns());
	rpc_tick();
}

const struct probe rpc_trace = {
	.name = "rpc_trace",
	.module = "sunrpc",
	.ring = AOD_RPC_TRACE_RING,
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
	.tick = tick,
	.pump = rpc_history_pump,
	.request = rpc_request,
};
