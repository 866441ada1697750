// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The SMB wire probe: its hooks, its memory, and what it answers. */
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include "wire.h"

/* In the order of a request's life; load.c attaches in the reverse order. */
static struct hook hooks[] = {
	{ "credits", "wait_for_free_credits", { "credits_f", "credits_done_f" }, { "credits_k", "credits_done_k" }, 5 },
	{ "mtu_credits", "smb2_wait_mtu_credits", { "mtu_credits_f", "mtu_credits_done_f" }, { "mtu_credits_k", "mtu_credits_done_k" }, 4 },
	{ "create", "smb2_setup_request", { "create_f" }, { "create_k", "create_done_k" }, 3, .needed = true },
	{ "create_async", "smb2_setup_async_request", { "create_async_f" }, { "create_async_k", "create_async_done_k" }, 2, .needed = true },
	{ "send", "__smb_send_rqst", { "send_f" }, { "send_k" }, 3 },
	{ "answer", "dequeue_mid", { "answer_f" }, { "answer_k" }, 2, .wider = { 3, { "answer_by_f" }, { "answer_by_k" } } },
	{ "read_answer", "smb2_readv_callback", { "read_f" }, { "read_k" }, 1, .wider = { 2, { "read_by_f" }, { "read_by_k" } } },
	{ "release", "__release_mid", { "release_f" }, { "release_k" }, 1, .needed = true, .wider = { 2, { "release_by_f", "again_by_f" }, { "release_by_k" } } },
	{ "deferred_close", "smb2_deferred_work_close", { "deferred_close_f" }, { "deferred_close_k" }, 1 },
	{ "write", "smb2_async_writev", { "write_f" }, { "write_k" }, 1, .type = "cifs_io_subrequest" },
	{ "reconnect", "smb3_reconnect", { "reconnect_f" }, { "reconnect_k" }, .tracepoint = true },
};

static const struct section sections[] = {
	{ ".bss.ops", sizeof(*wire.ops) * (AOD_RING + AOD_OVERFLOW), &wire.ops },
	{ ".bss.index", sizeof(*wire.index) * AOD_INDEX, &wire.index },
	{ ".bss.tasks", sizeof(*wire.tasks) * AOD_TASKS, &wire.tasks },
	{ ".bss.targets", sizeof(*wire.targets) * AOD_TARGETS, &wire.targets },
	{ ".bss.stats", sizeof(*wire.stats) * AOD_TARGETS * AOD_COMMANDS, &wire.stats },
	{ ".bss.failures", sizeof(*wire.failures) * AOD_FAILURES, &wire.failures },
	{ ".bss.losses", sizeof(*wire.losses), &wire.losses },
	{ ".bss.events", sizeof(*wire.events), &wire.events },
	{ ".bss.head", sizeof(*wire.head), &wire.head },
	{ ".data.tunables", sizeof(*wire.tunables), &wire.tunables },
};

/* Every request's parameters go through the ring buffer: a burst of thousands is to have room until it is read. */
#define PARAMS_RING (32u << 20)

static int widen_ring(struct bpf_object *object)
{
	struct bpf_map *ring = bpf_object__find_map_by_name(object, "outliers");
	int err = ring ? bpf_map__set_max_entries(ring, PARAMS_RING) : -ENOENT;

	return err ? fail(1, -err, "the BPF object has no ring buffer of its own size: rebuild it together with aod-probe") : 0;
}

static struct hook *hook_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++)
		if (!strcmp(hooks[i].name, name))
			return &hooks[i];
	return NULL;
}

static int prepare(const struct options *options, struct bpf_object *object)
{
	const struct aod_smb_knobs knobs = {
		.send = hook_stands(&smb_wire, "send"),
		.credits = hook_stands(&smb_wire, "credits") && hook_stands(&smb_wire, "mtu_credits"),
		.params = options->params,
	};
	int err = load_set_section(object, ".rodata.knobs", &knobs, sizeof(knobs));

	wire_quiet(options->quiet_ms / options->tick_ms);
	wire_release_has_understudy(understudy_keep(hook_named("release"), object));
	err = err ? err : wire_prepare(object);
	return err || !options->params ? err : widen_ring(object);
}

const struct probe smb_wire = {
	.name = "smb_wire",
	.module = "cifs",
	.without_btf = &smb_trace,
	.ring = AOD_RING,
	.op_size = sizeof(struct aod_smb_op),
	.hooks = hooks,
	.n_hooks = ARRAY_SIZE(hooks),
	.sections = sections,
	.n_sections = ARRAY_SIZE(sections),
	.load = load_hooks,
	.prepare = prepare,
	.on_outlier = wire_outlier,
	.outliers_done = wire_outliers_done,
	.start = wire_start,
	.tick = wire_tick,
	.pump = wire_history_pump,
	.request = wire_request,
};
