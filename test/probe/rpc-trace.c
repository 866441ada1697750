// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The programs of rpc_trace in user space: tasks are begun, ask, are sent, sent again, restarted, told to come again and released, as the RPC layer
 * raises its trace points. usage: rpc-trace SEED STEPS
 */
#pragma GCC diagnostic ignored "-Wattributes"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-variable"
#define task_struct fake_task /* that of the helpers is read instead */
#include "../../bpf/rpc_trace.bpf.c"
#undef task_struct
#include <sys/mman.h>
#include <unistd.h>
#include "check.h"
#include "rpc/without_btf.h"

#define TASKS 60
#define THREADS 20

/* One record for all events: every field has its own place, as tracefs might say. */
static struct {
	__u64 common;
	__u32 client, task, version, xid, program, procedure, server, address, count, device;
	__s32 status, rpc_status;
	__u16 flags;
	__u64 backlog, rtt, execute, inode, offset;
	char text[4][32];
} record;

struct rpc rpc = {
	.ring = RING, .slots = TARGETS,
	.ops = ops, .index = request_index, .targets = targets, .stats = stats, .losses = &losses, .head = &head, .tunables = &tunables,
};

static struct task {
	bool used, nfs, asked, sent, async, held;
	int thread;
	__u32 client, id;
	__u64 started;
	const char *name;
} tasks[TASKS];

static __u64 truth_ops, truth_attempts, truth_transmissions, truth_errors, held_by[THREADS];
static __u32 ids = 60000; /* they have 16 bits */

void rpc_emit_outlier(const struct aod_rpc_op *op)
{
}

void rpc_outliers_done(void)
{
}

static void set(enum aod_rpc_at at, const void *field)
{
	((__u16 *)layout.at)[at] = (const char *)field - (const char *)&record;
}

/* What is constant for the programs is set before they run. */
static void lay_out(void)
{
	const __u64 page = sysconf(_SC_PAGESIZE), at = (__u64)&layout & ~(page - 1);

	if (mprotect((void *)at, (__u64)(&layout + 1) - at, PROT_READ | PROT_WRITE))
		exit(2);
	for (int i = 0; i < AOD_RPC_FIELDS; i++)
		set(i, &record.client);
	for (const enum aod_rpc_at *at2 = (const enum aod_rpc_at[]){ AT_BEGIN_TASK, AT_REQUEST_TASK, AT_SEND_TASK, AT_SENT_TASK, AT_TIMEOUT_TASK, AT_ERROR_TASK,
								     AT_END_TASK, AT_LATENCY_TASK, AOD_RPC_FIELDS };
	     *at2 != AOD_RPC_FIELDS; at2++)
		set(*at2, &record.task);
	set(AT_BEGIN_FLAGS, &record.flags);
	set(AT_REQUEST_VERSION, &record.version);
	set(AT_REQUEST_PROGRAM, &record.program);
	set(AT_LATENCY_PROGRAM, &record.program);
	set(AT_NEW_PROGRAM, &record.program);
	set(AT_REQUEST_PROCEDURE, &record.procedure);
	set(AT_LATENCY_PROCEDURE, &record.procedure);
	set(AT_SENT_STATUS, &record.status);
	set(AT_END_STATUS, &record.status);
	set(AT_ERROR_STATUS, &record.rpc_status);
	set(AT_LATENCY_XID, &record.xid);
	set(AT_LATENCY_BACKLOG, &record.backlog);
	set(AT_LATENCY_RTT, &record.rtt);
	set(AT_LATENCY_EXECUTE, &record.execute);
	set(AT_NEW_SERVER, &record.server);
	set(AT_NEW_ADDRESS, &record.address);
	set(AT_WRITE_DEVICE, &record.device);
	set(AT_WRITE_INODE, &record.inode);
	set(AT_WRITE_OFFSET, &record.offset);
	set(AT_WRITE_COUNT, &record.count);
}

static __u32 text(int i, const char *value)
{
	strncpy(record.text[i], value, sizeof(record.text[i]) - 1);
	/* the length stands in the upper half */
	return (__u32)strlen(value) << 16 | ((char *)record.text[i] - (char *)&record);
}

static void raise_point(int (*program)(void *), const struct task *t)
{
	k_now += 1000;
	record.client = t->client;
	record.task = t->id;
	record.version = 4;
	record.program = text(0, t->nfs ? "nfs" : t->client & 1 ? "nfsacl" : "mount");
	record.procedure = text(1, t->name);
	program(&record);
}

static void as_thread(int thread)
{
	k_task = (__u64)(1000 + thread) << 32 | (__u64)(1000 + thread);
}

static __u64 address_of(const struct task *t)
{
	return (__u64)t;
}

static void begin(struct task *t, unsigned long long *seed)
{
	static const char *const names[] = { "WRITE", "GETATTR", "OPEN", "A_NEW_ONE" };

	*t = (struct task){ .used = true, .thread = random_next(seed) % THREADS, .client = random_next(seed) % 8, .id = ids++ & 0xffff };
	t->nfs = t->client < 6;
	t->async = random_next(seed) & 1;
	t->name = names[random_next(seed) % 4];
	as_thread(t->thread);
	record.flags = t->async;
	if (!strcmp(t->name, "WRITE")) {
		record.device = 40 + t->client;
		record.inode = 77;
		record.offset = 4096;
		record.count = 100;
		raise_point(write_t, t);
	}
	/* what this thread was told to come again with is over, or goes on */
	raise_point(begin_t, t);
	t->started = k_now;
}

static void release(struct task *t)
{
	release_k((void *)address_of(t));
	release_k((void *)address_of(t)); /* its caller puts it too */
	t->used = false;
}

/* The end of an attempt: the programs of one event run in whichever order they were attached. */
static void end_attempt(struct task *t, int status, bool raw_first)
{
	struct bpf_raw_tracepoint_args *args = (void *)&(__u64[2]){ address_of(t), 0 };

	record.status = status;
	if (raw_first)
		attempt_r(args);
	raise_point(attempt_t, t);
	if (!raw_first)
		attempt_r(args);
	record.backlog = 1;
	record.rtt = 2;
	record.execute = (k_now + 1000 - t->started) / 1000;
	record.xid = 0x1234;
	raise_point(latency_t, t);
}

static void send_it(struct task *t, bool fails)
{
	raise_point(send_t, t);
	record.status = fails ? -11 : 0;
	raise_point(sent_t, t);
}

static void step(struct task *t, unsigned long long *seed)
{
	const int what = random_next(seed) % 10;
	__u32 sends = 0;

	/* an asynchronous task goes on in any worker */
	as_thread(t->async ? 500 + (int)(random_next(seed) % 4) : t->thread);
	if (!t->asked) {
		if (what == 9 && random_next(seed) % 16 == 0) { /* found that it need not ask */
			release(t);
			return;
		}
		t->asked = true;
		raise_point(request_t, t);
		return;
	}
	if (what == 8)
		return; /* waits */
	record.status = 0;
	if (what == 7)
		raise_point(sent_t, t); /* the answer was there already: dequeued, not sent */
	for (int i = 0; i < what % 3; i++, sends++)
		send_it(t, false);
	if (what == 1)
		send_it(t, true);
	end_attempt(t, what == 5 ? -2 : 0, random_next(seed) & 1);
	if (t->nfs) {
		truth_attempts++;
		truth_transmissions += sends > 1 ? sends : 1;
	}
	if (what == 6) { /* restarted */
		t->started = k_now;
		raise_point(request_t, t);
		return;
	}
	if (t->nfs) {
		truth_ops++;
		truth_errors += what == 5;
	}
	release(t);
}

static void check_all(void)
{
	__u64 all[4] = {}, open = 0, expected = 0;

	for (int i = 0; i < TARGETS * AOD_RPC_PROCEDURES; i++) {
		all[0] += stats[i].count;
		all[1] += stats[i].errors;
		all[2] += stats[i].attempts;
		all[3] += stats[i].transmissions;
	}
	CHECK_EQ("ops", all[0], truth_ops);
	CHECK_EQ("errors", all[1], truth_errors);
	CHECK_EQ("losses", losses.index_full + losses.overflow_full + losses.targets_full + losses.ghosts + losses.unseen, 0ull);
	for (int i = 0; i < RING + AOD_RPC_OVERFLOW; i++) {
		const struct aod_rpc_op *op = &ops[i];

		if (!op->request && op->state != AOD_RPC_CLOSED)
			continue;
		open += op->request != 0;
		if (op->request) {
			all[2] += op->attempts;
			all[3] += op->transmissions;
		}
		if (strcmp(op->name, "WRITE"))
			continue;
		CHECK_EQ("number", op->procedure, V4_WRITE);
		CHECK_EQ("what it is about", op->inode == 77 && op->count == 100 && op->device == 40 + op->client, true);
	}
	CHECK_EQ("attempts", all[2], truth_attempts);
	CHECK_EQ("transmissions", all[3], truth_transmissions);
	for (int i = 0; i < TASKS; i++)
		expected += tasks[i].used && tasks[i].nfs && tasks[i].asked;
	CHECK_EQ("open ops", open, expected);
}

/* NFS4ERR_DELAY: the caller makes another task, with another number, and both are one op. */
static void check_held(void)
{
	struct task t = { .nfs = true, .client = 3, .id = 7, .thread = 900, .name = "OPEN" }, again = t;
	const __u64 before = head, ended = truth_ops;
	struct aod_rpc_op *op;

	as_thread(t.thread);
	record.flags = 0;
	raise_point(begin_t, &t);
	t.started = k_now;
	raise_point(request_t, &t);
	send_it(&t, false);
	end_attempt(&t, -NFS4ERR_DELAY, true);
	release_k((void *)address_of(&t));
	op = &ops[before & (RING - 1)];
	CHECK_EQ("held", op->state, AOD_RPC_HELD);
	again.id = 8;
	raise_point(begin_t, &again);
	again.started = k_now;
	raise_point(request_t, &again);
	send_it(&again, false);
	end_attempt(&again, 0, true);
	release_k((void *)address_of(&again));
	CHECK_EQ("one op", head, before + 1);
	CHECK_EQ("over", op->state, AOD_RPC_CLOSED);
	CHECK_EQ("tasks", op->tasks, 2u);
	CHECK_EQ("attempts", op->attempts, 2u);
	CHECK_EQ("status", op->status, 0);
	truth_ops = ended + 1;
	truth_attempts += 2;
	truth_transmissions += 2;
}

static void check_client(void)
{
	struct task t = { .nfs = true, .client = 3, .name = "NULL" };
	__u32 slot = target_of(3), id = targets[slot].id;

	record.server = text(2, "filer");
	record.address = text(3, "192.0.2.7");
	raise_point(client_new_t, &t);
	slot = target_of(3);
	CHECK_EQ("another client", targets[slot].id > id, true);
	CHECK_EQ("server", strcmp(targets[slot].server, "filer"), 0);
	CHECK_EQ("address", strcmp(targets[slot].address, "192.0.2.7"), 0);
	CHECK_EQ("parent", targets[slot].parent, AOD_RPC_UNKNOWN);
	raise_point(client_free_t, &t);
	CHECK_EQ("gone", targets[slot].key, 0ull);
}

/* One whose release was missed is given up, one that is open or asks again is not. */
static void check_silent(void)
{
	struct task t = { .nfs = true, .client = 3, .id = 7, .thread = 900, .name = "OPEN" };
	struct aod_rpc_op *op = &ops[head & (RING - 1)];

	as_thread(t.thread);
	raise_point(begin_t, &t);
	raise_point(request_t, &t);
	silent_sweep(k_now + 1000000000000ull);
	CHECK_EQ("open", op->state, AOD_RPC_OPEN);
	end_attempt(&t, 0, true);
	silent_sweep(k_now + 1000000000ull);
	CHECK_EQ("answered", op->state, AOD_RPC_ANSWERED);
	silent_sweep(k_now + 1000000000000ull);
	CHECK_EQ("given up", op->state, AOD_RPC_GHOST);
	CHECK_EQ("counted", losses.ghosts, 1ull);
	/* and its number may come again */
	raise_point(begin_t, &t);
	raise_point(request_t, &t);
	CHECK_EQ("no other ghost", losses.ghosts, 1ull);
}

int main(int argc, char **argv)
{
	unsigned long long seed = argc > 1 ? strtoull(argv[1], NULL, 10) | 1 : 1;
	const int steps = argc > 2 ? atoi(argv[2]) : 0;

	k_now = 1000000000;
	memset(tunables.slow_ns, 0xff, sizeof(tunables.slow_ns));
	lay_out();
	CHECK_EQ("names", numbers_fill(numbers), true);
	for (int i = 0; i < steps; i++) {
		/* the first few wait until the end: the ring overtakes them */
		const int which = i < 5 ? i : 5 + (int)(random_next(&seed) % (TASKS - 5));

		if (tasks[which].used)
			step(&tasks[which], &seed);
		else
			begin(&tasks[which], &seed);
	}
	check_all();
	check_held();
	check_all();
	check_client();
	check_silent();
	free(k_entries);
	return 0;
}
