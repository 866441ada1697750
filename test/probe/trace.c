// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The programs of smb_trace in user space: tasks call, read, fail, are interrupted, and the trace points are raised as the client raises
 * them. usage: trace SEED STEPS
 */
#pragma GCC diagnostic ignored "-Wattributes"
#pragma GCC diagnostic ignored "-Wunused-function"
#include "../../bpf/smb_trace.bpf.c"
#include "check.h"

#define TASKS 40
#define READS 300 /* that may be open at the same time */

enum { CREATE = 5, CLOSE = 6, QUERY_INFO = 16 };

struct args {
	__u64 args[6];
};

static __u64 truth_ended[AOD_COMMANDS], truth_errors, truth_ghosts, truth_begun, mids[2];
static __u64 left[TASKS]; /* members that a task has left and that nobody has noticed yet */
static struct {
	bool open;
	__u64 session, mid;
	__u16 command;
	int task;
} reads[READS];

static int raise_point(int (*program)(struct bpf_raw_tracepoint_args *), __u64 tree, __u64 session, __u64 command, __u64 mid, __u64 status, __s64 rc)
{
	struct args a = { { tree, session, command, mid, status, rc } };

	k_now += 1000;
	return program((void *)&a);
}

static void as_task(int i)
{
	k_task = (__u64)(1000 + i) << 32 | (__u64)(1000 + i);
	k_comm = "task";
}

static void sleep_task(void)
{
	k_current.nvcsw++;
	k_now += 100000;
}

/* A compound of CREATE, QUERY_INFO and CLOSE, or a CREATE alone; `fate`: 0 all well, 1 the CREATE fails, 2 the caller is interrupted. */
static void call(int task, int members, int fate, bool twice)
{
	static const __u16 commands[] = { CREATE, QUERY_INFO, CLOSE };
	const int connection = task & 1;
	const __u64 session = 0x65 + connection, first = mids[connection];

	as_task(task);
	truth_ghosts += left[task];
	left[task] = 0;
	for (int m = 0; m < members; m++)
		raise_point(begin_t, 3, session, commands[m], mids[connection]++, 0, 0);
	truth_begun += members;
	sleep_task();
	if (fate == 2) {
		left[task] = members;
		return;
	}
	for (int m = 0; m < members; m++) {
		truth_ended[commands[m]]++;
		if (fate == 1 && m == 0) {
			/* the answer came after STATUS_PENDING: it has no tree */
			raise_point(error_t, 0, session, commands[m], first + m, 0xc0000034, -2);
			truth_errors++;
		} else if (fate == 0) {
			raise_point(done_t, 3, session, commands[m], first + m, 0, 0);
		}
	}
	for (int m = 1; twice && fate == 0 && m < members; m++)
		raise_point(done_t, 3, session, commands[m], first + m, 0, 0);
}

static void read_or_end(int i, int task)
{
	const int connection = task & 1;

	if (!reads[i].open) {
		reads[i].open = true;
		reads[i].task = task;
		reads[i].command = i & 2 ? SMB2_READ : SMB2_WRITE;
		reads[i].session = 0x65 + connection;
		reads[i].mid = mids[connection]++;
		as_task(task);
		raise_point(begin_t, 3, reads[i].session, reads[i].command, reads[i].mid, 0, 0);
		truth_begun++;
		return;
	}
	k_task = 77ull << 32 | (77 + (reads[i].task & 1));
	k_comm = "cifsd";
	raise_point(done_t, 3, reads[i].session, reads[i].command, reads[i].mid, 0, 0);
	truth_ended[reads[i].command]++;
	reads[i].open = false;
}

static void echo(int task)
{
	as_task(task);
	raise_point(begin_t, 0, 0x65, SMB2_ECHO, mids[0]++, 0, 0);
}

static __u64 sum_of(__u32 command)
{
	__u64 sum = 0;

	for (int t = 0; t < AOD_TARGETS; t++)
		sum += stats[t * AOD_COMMANDS + command].count;
	return sum;
}

static void check_all(void)
{
	__u64 open = 0, expected = 0, errors = 0, compound = 0;

	for (__u32 c = 0; c < AOD_COMMANDS; c++) {
		CHECK_EQ("requests that ended", sum_of(c), truth_ended[c]);
		CHECK_EQ("answers without a request", losses.unseen[c], 0ull);
	}
	for (int i = 0; i < AOD_TARGETS * AOD_COMMANDS; i++)
		errors += stats[i].errors;
	CHECK_EQ("errors", errors, truth_errors);
	CHECK_EQ("what callers left and came back from", losses.ghosts, truth_ghosts);
	CHECK_EQ("numbers", head, truth_begun);
	CHECK_EQ("no other loss", losses.index_full + losses.overflow_full + losses.tasks_full + losses.targets_full, 0ull);
	for (int i = 0; i < AOD_RING + AOD_OVERFLOW; i++) {
		open += ops[i].request != 0;
		compound += ops[i].state == AOD_OP_CLOSED && ops[i].command == QUERY_INFO && !(ops[i].flags & AOD_F_COMPOUND);
	}
	for (int i = 0; i < READS; i++)
		expected += reads[i].open;
	for (int i = 0; i < TASKS; i++)
		expected += left[i];
	CHECK_EQ("open requests", open, expected);
	CHECK_EQ("members of compounds that were not known for that", compound, 0ull);
	for (int i = 1; i < AOD_TARGETS; i++)
		CHECK_EQ("a target's thread", trace.cifsd[i] == 0 || trace.cifsd[i] == 77 + (targets[i].session - 0x65), true);
}

int main(int argc, char **argv)
{
	unsigned long long seed = argc > 1 ? strtoull(argv[1], NULL, 10) | 1 : 1;
	const int steps = argc > 2 ? atoi(argv[2]) : 0;

	k_now = 1000000000;
	memset(tunables.slow_ns, 0xff, sizeof(tunables.slow_ns));
	mids[0] = mids[1] = 4;
	for (int i = 0; i < steps; i++) {
		const int task = random_next(&seed) % TASKS, what = random_next(&seed) % 20;

		if (what < 9)
			/* the first few READs last until the end: the ring overtakes them */
			read_or_end(i < 5 ? i : 5 + (int)(random_next(&seed) % (READS - 5)), task);
		else if (what < 19)
			call(task, what & 1 ? 3 : 1, what == 18 || what == 17 ? 2 : what == 16 || what == 15 ? 1 : 0, what & 2);
		else
			echo(task);
	}
	check_all();
	for (int i = 0; i < 5; i++)
		if (reads[i].open)
			read_or_end(i, reads[i].task);
	check_all();
	free(k_entries);
	return 0;
}
