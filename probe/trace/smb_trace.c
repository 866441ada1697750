// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The SMB wire probe where the module has no BTF (5.10): its trace points, and what smb_wire's hooks would have given besides. */
#include <stdio.h>
#include "trace.h"

struct aod_trace *trace_memory;
static bool tasks_known;

static struct hook hooks[] = {
	{ "begin", "smb3_cmd_enter", .trace = { "begin_t" }, .needed = true },
	{ "done", "smb3_cmd_done", .trace = { "done_t" }, .needed = true },
	{ "error", "smb3_cmd_err", .trace = { "error_t" }, .needed = true },
	{ "reconnect", "smb3_reconnect", .trace = { "reconnect_t" } },
	/* what takes fields of the module's structs */
	{ "credits", "wait_for_free_credits" },
	{ "send", "__smb_send_rqst" },
	{ "answer", "dequeue_mid" },
	{ "release", "__release_mid" },
	{ "header", "smb2_setup_request" },
	{ "opener", "smb2_deferred_work_close" },
};

static const struct section sections[] = {
	{ ".bss.ops", sizeof(*wire.ops) * (AOD_RING + AOD_OVERFLOW), &wire.ops },
	{ ".bss.targets", sizeof(*wire.targets) * AOD_TARGETS, &wire.targets },
	{ ".bss.stats", sizeof(*wire.stats) * AOD_TARGETS * AOD_COMMANDS, &wire.stats },
	{ ".bss.failures", sizeof(*wire.failures) * AOD_FAILURES, &wire.failures },
	{ ".bss.losses", sizeof(*wire.losses), &wire.losses },
	{ ".bss.events", sizeof(*wire.events), &wire.events },
	{ ".bss.head", sizeof(*wire.head), &wire.head },
	{ ".bss.trace", sizeof(*trace_memory), &trace_memory },
	{ ".data.tunables", sizeof(*wire.tunables), &wire.tunables },
};

static void choose(struct hook *hook, const struct options *options)
{
	if (!hook->trace[0])
		ladder_no_btf(hook, options);
	else if (hook_hidden(options->hide, hook->name, "trace"))
		snprintf(hook->why, sizeof(hook->why), "hidden by --hide");
	else
		hook->rung = AOD_RUNG_TRACE;
}

static int load(const struct options *options, struct loaded *loaded)
{
	int err = ladder_ready(options);

	if (err)
		return err;
	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++)
		choose(&hooks[i], options);
	return load_chosen(options, loaded);
}

static int prepare(const struct options *options, struct bpf_object *object)
{
	wire_quiet(options->quiet_ms / options->tick_ms);
	return wire_prepare(object);
}

static void start(const struct loaded *loaded)
{
	tasks_known = waiting_init("/proc");
	wire_start(loaded);
}

static void tick(void)
{
	if (tasks_known)
		abandoned_sweep(now_ns());
	wire_tick();
}

const struct probe smb_trace = {
	.name = "smb_trace",
	.module = "cifs",
	.ring = AOD_RING,
	.op_size = sizeof(struct aod_smb_op),
	.hooks = hooks,
	.n_hooks = ARRAY_SIZE(hooks),
	.sections = sections,
	.n_sections = ARRAY_SIZE(sections),
	.load = load,
	.prepare = prepare,
	.on_outlier = wire_outlier,
	.outliers_done = wire_outliers_done,
	.start = start,
	.tick = tick,
	.pump = wire_history_pump,
	.request = wire_request,
};
