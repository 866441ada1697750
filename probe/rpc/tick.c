// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reads nfs_rpc's memory at each tick and makes frames of it, without a system call but for the programs' own statistics. */
#include <bpf/bpf.h>
#include <string.h>
#include "rpc.h"

static const struct loaded *probe;
struct rpc rpc;
__u64 rpc_inflight_ns = ALL_ONES;
__u64 rpc_lost_stdout;

static struct aod_rpc_stats seen[AOD_RPC_TARGETS * AOD_RPC_PROCEDURES]; /* as of the last tick */
static __u32 ids[AOD_RPC_TARGETS]; /* of the targets, as of the last tick */

static struct {
	unsigned int most, skipped;
	__u64 head; /* as of the last tick that was told */
	__u32 open;
} quiet = { .open = 1 };

void rpc_quiet(unsigned int ticks)
{
	quiet.most = ticks;
}

void rpc_start(const struct loaded *loaded)
{
	probe = loaded;
}

/* What a client that has gone meanwhile has done is still told as its own. */
static __u32 id_of(__u32 slot)
{
	const __u32 id = rpc.targets[slot].id;

	return id ? id : ids[slot];
}

/* Differences to the last tick of one target and procedure; returns the number of buckets, -1 when nothing happened. */
static int entry_of(__u32 at, struct aod_rpc_tick_entry *entry, struct aod_bucket *buckets)
{
	const struct aod_rpc_stats *s = &rpc.stats[at];
	struct aod_rpc_stats *old = &seen[at];
	int n = 0;

	entry->count = s->count - old->count;
	if (!entry->count)
		return -1;
	entry->errors = s->errors - old->errors;
	entry->attempts = s->attempts - old->attempts;
	entry->transmissions = s->transmissions - old->transmissions;
	for (int b = 0; b < AOD_RPC_BUCKETS; b++) {
		const __u32 delta = s->buckets[b] - old->buckets[b];

		if (delta)
			buckets[n++] = (struct aod_bucket){ .histogram = AOD_HIST_LATENCY, .bucket = b, .count = delta };
		old->buckets[b] += delta;
	}
	old->count += entry->count;
	old->errors += entry->errors;
	old->attempts += entry->attempts;
	old->transmissions += entry->transmissions;
	return n;
}

static void tick_entries(void)
{
	static struct {
		struct aod_rpc_tick_entry entry;
		struct aod_bucket buckets[AOD_RPC_BUCKETS];
	} out;

	for (__u32 slot = 0; slot < rpc.slots; slot++) {
		const struct aod_rpc_target *t = &rpc.targets[slot];

		for (__u32 procedure = 0; procedure < AOD_RPC_PROCEDURES; procedure++) {
			const int n = entry_of(slot * AOD_RPC_PROCEDURES + procedure, &out.entry, out.buckets);
			const char *name = rpc.names[(t->version == 4 ? AOD_RPC_PROCEDURES : 0) + procedure];
			struct aod_rpc_tick *tick = out_head();

			if (n < 0)
				continue;
			out.entry.target = id_of(slot);
			out.entry.procedure = procedure;
			out.entry.buckets = n;
			memcpy(out.entry.name, name, sizeof(out.entry.name));
			if (out_add(&out, sizeof(out.entry) + n * sizeof(out.buckets[0])))
				tick->entries++;
			else
				rpc_lost_stdout++;
		}
	}
}

/* To the open TICK frame. */
static bool tell_failure(__u64 what, __u32 count)
{
	const __u32 row = failure_command(what);
	struct aod_rpc_failure failure = {
		.target = id_of(failure_target(what) % rpc.slots),
		.status = what,
		.count = count,
		.procedure = row % AOD_RPC_PROCEDURES,
		.version = row < AOD_RPC_PROCEDURES ? 3 : 4,
	};
	struct aod_rpc_tick *tick = out_head();

	memcpy(failure.name, rpc.names[row % (2 * AOD_RPC_PROCEDURES)], sizeof(failure.name));
	if (!out_add(&failure, sizeof(failure)))
		return false;
	tick->failures++;
	return true;
}

/* Clients that have gone since the last tick. One that another has followed at once leaves it its places: they count on. */
static void forget_failures(void)
{
	for (__u32 slot = 1; slot < rpc.slots; slot++) {
		const __u32 id = rpc.targets[slot].id;

		if (ids[slot] && !id)
			failures_forget(rpc.failures, slot);
		ids[slot] = id;
	}
}

static __u64 recursion_misses(void)
{
	__u64 sum = 0;

	for (int i = 0; i < probe->programs; i++) {
		struct bpf_prog_info info = {};
		__u32 size = sizeof(info);

		if (!bpf_obj_get_info_by_fd(probe->program_fds[i], &info, &size))
			sum += info.recursion_misses;
	}
	return sum;
}

static void send_tick(__u64 now, __u64 recursion)
{
	struct aod_rpc_tick tick = { .now = now, .head = *(volatile __u64 *)rpc.head, .recursion_misses = recursion };

	tick.oldest = rpc_oldest(tick.head);
	/* the reader must be able to take a whole tick; else the differences stay for the next one */
	if (out_room() < AOD_FRAME_MAX + sizeof(struct aod_frame) || !out_open(AOD_FRAME_TICK, &tick, sizeof(tick))) {
		rpc_lost_stdout++;
		return;
	}
	tick_entries();
	failures_tick(rpc.failures, tell_failure);
	out_close();
	forget_failures();
}

static void send_inflight(__u64 now)
{
	struct aod_inflight start = { .now = now }, *head;

	if (out_room() < AOD_FRAME_MAX + sizeof(struct aod_frame) || !out_open(AOD_FRAME_INFLIGHT, &start, sizeof(start))) {
		rpc_lost_stdout++;
		return;
	}
	head = out_head();
	for (__u32 i = 0; i < AOD_RPC_INDEX; i++) {
		const struct aod_index_entry entry = rpc.index[i];
		struct aod_rpc_op op;

		if (!entry.request || entry.at >= rpc.ring + AOD_RPC_OVERFLOW)
			continue;
		if (!rpc_record_read(&rpc.ops[entry.at], &op) || op.request != entry.request)
			continue; /* ended or moved while we looked */
		head->open++;
		if (now < op.created || now - op.created < rpc_inflight_ns)
			continue;
		if (rpc_record_add(&op))
			head->ops++;
		else
			rpc_lost_stdout++;
	}
	quiet.open = head->open;
	out_close();
}

static void lost(struct aod_lost *list, int *n, __u32 kind, __u64 count)
{
	if (count)
		list[(*n)++] = (struct aod_lost){ .kind = kind, .count = count };
}

static void send_losses(__u64 recursion)
{
	static struct aod_lost told[16];
	const struct aod_rpc_losses l = *rpc.losses;
	struct aod_lost list[16] = {};
	int n = 0;

	lost(list, &n, AOD_LOST_INDEX, l.index_full);
	lost(list, &n, AOD_LOST_OVERFLOW, l.overflow_full);
	lost(list, &n, AOD_LOST_TARGETS, l.targets_full);
	lost(list, &n, AOD_LOST_RINGBUF, l.ringbuf_full);
	lost(list, &n, AOD_LOST_GHOSTS, l.ghosts);
	lost(list, &n, AOD_LOST_UNSEEN, l.unseen);
	lost(list, &n, AOD_LOST_RECURSION, recursion);
	lost(list, &n, AOD_LOST_STDOUT, rpc_lost_stdout + failures_late());
	lost(list, &n, AOD_LOST_FAILURES, l.failures_full);
	if (!memcmp(list, told, sizeof(list)))
		return;
	if (out_frame(AOD_FRAME_LOST, NULL, 0, list, n * sizeof(list[0])))
		memcpy(told, list, sizeof(told));
}

void rpc_tick(void)
{
	const __u64 head = *(volatile __u64 *)rpc.head;
	__u64 now, recursion;

	/* the last tick found nothing in flight, and nothing has begun since: then nothing has ended either */
	if (quiet.skipped + 1 < quiet.most && !quiet.open && head == quiet.head) {
		quiet.skipped++;
		return;
	}
	quiet.skipped = 0;
	quiet.open = 1; /* unless it is looked for */
	quiet.head = head;
	now = now_ns();
	recursion = recursion_misses();
	rpc_end_held(now);
	rpc_tell_targets();
	send_tick(now, recursion);
	send_inflight(now);
	send_losses(recursion);
}
