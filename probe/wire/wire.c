// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reads smb_wire's memory and makes frames of it: no system call, and no more than a scan of three tables a tick. */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include "wire.h"

#define MAX_ENTRY_BUCKETS (5 * AOD_BUCKETS)

static const struct loaded *probe;
struct wire wire;
static __u64 inflight_ns = ALL_ONES;
static __u64 lost_stdout; /* outliers.c counts its own */

static struct aod_smb_stats seen[AOD_TARGETS * AOD_COMMANDS]; /* as of the last tick */

static struct {
	__u64 losses[sizeof(struct aod_smb_losses) / 8];
	__u64 recursion, overtaken, stdout_full;
} told;

static struct {
	unsigned int most, skipped;
	__u64 head, reconnects; /* as of the last tick that was told */
	__u32 open;
} quiet = { .open = 1 };

static bool release_twice;

void wire_release_has_understudy(bool has)
{
	release_twice = has;
}

void wire_start(const struct loaded *loaded)
{
	probe = loaded;
}

__u64 wire_oldest(__u64 head)
{
	return head > AOD_RING ? head - AOD_RING + 1 : head ? 1 : 0;
}

/* Where open requests are listed: in the index, or, in a probe that has none, in the records themselves. */
__u32 wire_places(void)
{
	return wire.index ? AOD_INDEX : AOD_RING + AOD_OVERFLOW;
}

struct aod_index_entry wire_place(__u32 i)
{
	return wire.index ? wire.index[i] : (struct aod_index_entry){ .request = wire.ops[i].request, .at = i };
}

/* Differences to the last tick of one target and command; returns the number of buckets, -1 when nothing happened. */
static int entry_of(__u32 at, struct aod_tick_entry *entry, struct aod_bucket *buckets)
{
	const struct aod_smb_stats *s = &wire.stats[at];
	struct aod_smb_stats *old = &seen[at];
	int n = 0;

	entry->count = s->count - old->count;
	entry->errors = s->errors - old->errors;
	if (entry->count) {
		for (int b = 0; b < AOD_BUCKETS; b++) {
			const __u32 delta = s->buckets[b] - old->buckets[b];

			if (delta)
				buckets[n++] = (struct aod_bucket){ .histogram = AOD_HIST_LATENCY, .bucket = b, .count = delta };
			old->buckets[b] += delta;
		}
		old->count += entry->count;
		old->errors += entry->errors;
	}
	n += phases_take(at / AOD_COMMANDS, at % AOD_COMMANDS, buckets + n, MAX_ENTRY_BUCKETS - n);
	return n || entry->count ? n : -1;
}

static void tick_entries(void)
{
	static struct {
		struct aod_tick_entry entry;
		struct aod_bucket buckets[MAX_ENTRY_BUCKETS];
	} out;

	for (__u32 target = 0; target < AOD_TARGETS; target++) {
		const struct aod_smb_target *t = &wire.targets[target];
		bool busy;

		if (target && (!t->key || !(t->connection | t->session)))
			continue;
		busy = false;
		for (__u32 command = 0; command < AOD_COMMANDS; command++) {
			const int n = entry_of(target * AOD_COMMANDS + command, &out.entry, out.buckets);
			struct aod_tick *tick = out_head();

			if (n < 0)
				continue;
			busy = true;
			out.entry.connection = t->connection;
			out.entry.session = t->session;
			out.entry.tree = t->tree;
			out.entry.command = command;
			out.entry.buckets = n;
			if (out_add(&out, sizeof(out.entry) + n * sizeof(out.buckets[0])))
				tick->entries++;
			else
				lost_stdout++;
		}
		targets_seen(target, busy);
	}
}

/* To the open TICK frame. */
static bool tell_failure(__u64 what, __u32 count)
{
	const struct aod_smb_target *t = &wire.targets[failure_target(what) & (AOD_TARGETS - 1)];
	const struct aod_failure failure = {
		.connection = t->connection,
		.session = t->session,
		.tree = t->tree,
		.command = failure_command(what),
		.status = what,
		.count = count,
	};
	struct aod_tick *tick = out_head();

	if (!out_add(&failure, sizeof(failure)))
		return false;
	tick->failures++;
	return true;
}

static bool made_up_for(const char *program)
{
	return release_twice && (!strncmp(program, "release_", 8) || !strncmp(program, "again_", 6));
}

static __u64 recursion_misses(void)
{
	__u64 sum = 0;

	for (int i = 0; i < probe->programs; i++) {
		struct bpf_prog_info info = {};
		__u32 size = sizeof(info);

		if (!bpf_obj_get_info_by_fd(probe->program_fds[i], &info, &size) && !made_up_for(info.name))
			sum += info.recursion_misses;
	}
	return sum;
}

static void send_tick(__u64 now, __u64 recursion)
{
	struct aod_tick tick = {
		.now = now,
		.head = *(volatile __u64 *)wire.head,
		.recursion_misses = recursion,
		.events = *wire.events,
	};

	tick.oldest = wire_oldest(tick.head);
	/* the reader must be able to take a whole tick; else the differences, and the ops for the phases, stay for the next one */
	if (out_room() < AOD_FRAME_MAX + sizeof(struct aod_frame) || !out_open(AOD_FRAME_TICK, &tick, sizeof(tick))) {
		lost_stdout++;
		return;
	}
	phases_collect(&wire, tick.head);
	tick_entries();
	failures_tick(wire.failures, tell_failure);
	out_close();
}

static void add_open_requests(__u64 now)
{
	struct aod_inflight *head = out_head();

	for (__u32 i = 0; i < wire_places(); i++) {
		const struct aod_index_entry entry = wire_place(i);
		struct aod_smb_op op;

		if (!entry.request || entry.at >= AOD_RING + AOD_OVERFLOW)
			continue;
		if (!record_read(&wire.ops[entry.at], &op) || op.request != entry.request)
			continue; /* ended or moved while we looked */
		head->open++;
		if (now - op.created + op.queue_ns < inflight_ns || now < op.created)
			continue;
		if (wire_add_op(&op))
			head->ops++;
		else
			lost_stdout++;
	}
}

static void add_waiters(__u64 now)
{
	struct aod_inflight *head = out_head();

	for (__u32 i = 0; wire.tasks && i < AOD_TASKS; i++) {
		const struct aod_task *t = &wire.tasks[i];
		struct aod_waiter waiter = { .kind = t->waiting };

		if (!waiter.kind)
			continue;
		waiter.asked = t->asked;
		waiter.connection = t->connection;
		waiter.tid = t->id;
		waiter.tgid = t->id >> 32;
		if (!waiter.asked || now < waiter.asked || now - waiter.asked < inflight_ns)
			continue;
		if (out_add(&waiter, sizeof(waiter)))
			head->waiters++;
		else
			lost_stdout++;
	}
}

static void send_inflight(__u64 now)
{
	struct aod_inflight head = { .now = now };

	if (out_room() < AOD_FRAME_MAX + sizeof(struct aod_frame) || !out_open(AOD_FRAME_INFLIGHT, &head, sizeof(head))) {
		lost_stdout++;
		return;
	}
	add_open_requests(now);
	add_waiters(now);
	quiet.open = ((struct aod_inflight *)out_head())->open;
	out_close();
}

static void lost(struct aod_lost *list, int *n, __u32 kind, __u32 detail, __u64 count)
{
	if (count)
		list[(*n)++] = (struct aod_lost){ .kind = kind, .detail = detail, .count = count };
}

static void send_losses(__u64 recursion)
{
	const struct aod_smb_losses l = *wire.losses;
	const __u64 unwritten = lost_stdout + wire_outliers_lost() + failures_late();
	struct aod_lost list[AOD_COMMANDS + 16];
	int n = 0;

	if (!memcmp(told.losses, &l, sizeof(l)) && told.recursion == recursion && told.overtaken == phases_overtaken() &&
	    told.stdout_full == unwritten)
		return;
	lost(list, &n, AOD_LOST_INDEX, 0, l.index_full);
	lost(list, &n, AOD_LOST_OVERFLOW, 0, l.overflow_full);
	lost(list, &n, AOD_LOST_TASKS, 0, l.tasks_full);
	lost(list, &n, AOD_LOST_TARGETS, 0, l.targets_full);
	lost(list, &n, AOD_LOST_RINGBUF, 0, l.ringbuf_full);
	lost(list, &n, AOD_LOST_GHOSTS, 0, l.ghosts);
	for (int c = 0; c < AOD_COMMANDS; c++)
		lost(list, &n, AOD_LOST_UNSEEN, c, l.unseen[c]);
	lost(list, &n, AOD_LOST_RECURSION, 0, recursion);
	lost(list, &n, AOD_LOST_OVERTAKEN, 0, phases_overtaken());
	lost(list, &n, AOD_LOST_STDOUT, 0, unwritten);
	lost(list, &n, AOD_LOST_PARAMS, 0, l.params_full);
	lost(list, &n, AOD_LOST_FAILURES, 0, l.failures_full);
	if (!out_frame(AOD_FRAME_LOST, NULL, 0, list, n * sizeof(list[0])))
		return; /* told at the next tick */
	memcpy(told.losses, &l, sizeof(l));
	told.recursion = recursion;
	told.overtaken = phases_overtaken();
	told.stdout_full = unwritten;
}

void wire_quiet(unsigned int ticks)
{
	quiet.most = ticks;
}

static bool somebody_waits(void)
{
	for (__u32 i = 0; wire.tasks && i < AOD_TASKS; i++)
		if (wire.tasks[i].waiting)
			return true;
	return false;
}

/* The last tick found nothing in flight, and no request has begun since: then none has ended either. */
static bool nothing_new(void)
{
	const __u64 head = *(volatile __u64 *)wire.head;

	return !quiet.open && head == quiet.head && wire.events->reconnects == quiet.reconnects && !somebody_waits();
}

void wire_tick(void)
{
	__u64 now, recursion;

	if (quiet.skipped + 1 < quiet.most && nothing_new()) {
		quiet.skipped++;
		return;
	}
	quiet.skipped = 0;
	quiet.open = 1; /* unless it is looked for */
	quiet.head = *(volatile __u64 *)wire.head;
	quiet.reconnects = wire.events->reconnects;
	now = now_ns();
	recursion = recursion_misses();
	send_tick(now, recursion);
	send_inflight(now);
	send_losses(recursion);
	targets_recycle(&wire);
}

void wire_set(const struct aod_settings *settings)
{
	memcpy(wire.tunables, &settings->smb, sizeof(settings->smb));
	inflight_ns = settings->inflight_ns;
}
