// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What becomes of tasks: one op each, with its restarts, or several for one op. usage: rpc-life */
#include "rpc-kernel.h"
#include "check.h"
#include "rpc/rpc.h"

#define PROC_GETATTR 18

static struct rpc_xprt xprt = { .servername = "srv", .address_strings = { "192.0.2.7" } };
static struct rpc_clnt client = { .cl_clid = 3, .cl_xprt = &xprt, .cl_prog = NFS_PROGRAM, .cl_vers = 4, .cl_parent = &client };
static struct rpc_procinfo getattr = { .p_proc = 1, .p_statidx = PROC_GETATTR, .p_name = "GETATTR" };
static struct rpc_procinfo delegreturn = { .p_proc = 1, .p_statidx = V4_DELEGRETURN, .p_name = "DELEGRETURN" };
static struct rpc_procinfo open_proc = { .p_proc = 1, .p_statidx = V4_OPEN, .p_name = "OPEN" };
static struct rpc_procinfo open_noattr = { .p_proc = 1, .p_statidx = V4_OPEN_NOATTR, .p_name = "OPEN_NOATTR" };
static struct task_struct worker = { .flags = PF_KTHREAD, .comm = "kworker/u8:1" }, shell = { .comm = "sh" };

/*
 * Arguments begin with the slot, which leads to the session and the server. Here, where every struct has only the members that are read, the handle
 * stands at the same place: so it is one pointer, to a handle in an inode that begins with the address of the slot's table.
 */
static struct nfs_client server = { .cl_rpcclient = &client, .cl_minorversion = 1 };
static struct nfs4_session session = { .clp = &server };
static struct nfs4_slot_table table = { .session = &session };
static struct nfs_server mounted = { .nfs_client = &server, .client = &client };
static struct super_block sb = { .s_dev = 38, .s_magic = NFS_SUPER_MAGIC, .s_fs_info = &mounted };
static struct dentry dentry = { .d_parent = &dentry, .d_name = { .name = (const unsigned char *)"file" } };
static struct nfs_inode inode = { .vfs_inode = { .i_sb = &sb, .i_ino = 77, .i_dentry = { &dentry.d_u.d_alias } } };
static struct qstr name = { .name = (const unsigned char *)"name" };
static struct {
	void *slot_and_handle;
	struct qstr *name;
	void *claim;
} arguments = { .slot_and_handle = &inode.fh, .name = &name };

static struct rpc_rqst rqst = { .rq_xmit_bytes_sent = 100, .rq_reply_bytes_recvd = 200, .rq_ntrans = 1 };
static __u64 outliers_of_held;
struct rpc rpc = {
	.ring = AOD_RPC_RING, .slots = AOD_RPC_TARGETS,
	.ops = ops, .index = request_index, .targets = targets, .stats = stats, .failures = failures, .losses = &losses, .head = &head, .tunables = &tunables,
};

void rpc_emit_outlier(const struct aod_rpc_op *op)
{
	outliers_of_held++;
}

void rpc_outliers_done(void)
{
}

static struct rpc_task task_of(struct rpc_procinfo *proc)
{
	static struct nfs4_delegreturndata returned = { .inode = &inode.vfs_inode };

	return (struct rpc_task){ .tk_client = &client, .tk_calldata = &returned, .tk_msg = { .rpc_proc = proc, .rpc_argp = &arguments }, .tk_rqstp = &rqst, .tk_start = k_now };
}

static void attempted(struct rpc_task *task, int status)
{
	k_now += 5000;
	task->tk_status = status;
	op_attempted(task);
	op_counted(task, 1000, 3000, k_now - task->tk_start);
}

static struct aod_rpc_op *newest(void)
{
	return &ops[(head - 1) & (AOD_RPC_RING - 1)];
}

static void whole(struct rpc_procinfo *proc, int status)
{
	struct rpc_task task = task_of(proc);

	op_begin(&task);
	attempted(&task, status);
	op_released(&task);
}

static struct aod_rpc_stats *stats_of(const struct aod_rpc_op *op)
{
	return &stats[op->slot * AOD_RPC_PROCEDURES + op->procedure];
}

static void one_task(void)
{
	const __u64 start = k_now;

	whole(&getattr, 0);
	CHECK_EQ("state", newest()->state, AOD_RPC_CLOSED);
	CHECK_EQ("created", newest()->created, start);
	CHECK_EQ("closed", newest()->closed, start + 5000);
	CHECK_EQ("attempts", newest()->attempts, 1);
	CHECK_EQ("minor version", newest()->minor, 2);
	CHECK_EQ("count", stats_of(newest())->count, 1);
	CHECK_EQ("outliers", k_outliers, 1);
	CHECK_EQ("file", strcmp(newest()->file, "file"), 0);
	CHECK_EQ("inode", newest()->inode, 77);
	CHECK_EQ("device", newest()->device, 38);
}

static void restarted(void)
{
	struct rpc_task task = task_of(&getattr);
	const __u64 before = head, start = k_now;

	op_begin(&task);
	attempted(&task, -NFS4ERR_DELAY);
	k_now += 100000;
	task.tk_start = k_now;
	rqst.rq_ntrans = 3;
	attempted(&task, 0);
	rqst.rq_ntrans = 1;
	op_released(&task);
	CHECK_EQ("ops", head, before + 1);
	CHECK_EQ("attempts", newest()->attempts, 2);
	CHECK_EQ("transmissions", newest()->transmissions, 4);
	CHECK_EQ("tasks", newest()->tasks, 1);
	CHECK_EQ("latency", newest()->closed - newest()->created, k_now - start);
	CHECK_EQ("execute", newest()->execute_sum, 10000);
}

static void made_anew(struct rpc_procinfo *proc)
{
	const __u64 before = head, start = k_now, count = stats[newest()->slot * AOD_RPC_PROCEDURES + proc->p_statidx].count;

	whole(proc, -NFS4ERR_DELAY);
	CHECK_EQ("state", newest()->state, AOD_RPC_HELD);
	k_now += 100000;
	whole(&delegreturn, 0);
	CHECK_EQ("a delegation given back is an op of its own", head, before + 2);
	whole(proc, -NFS4ERR_DELAY);
	whole(proc, 0);
	CHECK_EQ("ops", head, before + 2);
	CHECK_EQ("state", ops[before & (AOD_RPC_RING - 1)].state, AOD_RPC_CLOSED);
	CHECK_EQ("tasks", ops[before & (AOD_RPC_RING - 1)].tasks, 3);
	CHECK_EQ("attempts", ops[before & (AOD_RPC_RING - 1)].attempts, 3);
	CHECK_EQ("latency", ops[before & (AOD_RPC_RING - 1)].closed - start, k_now - start);
	CHECK_EQ("counted once", stats[newest()->slot * AOD_RPC_PROCEDURES + proc->p_statidx].count, count + 1);
}

/* The client makes an OPEN an OPEN_NOATTR before it sends it; what comes again is an OPEN. */
static void renamed(void)
{
	struct rpc_task task = task_of(&open_proc);
	const __u64 before = head;

	op_begin(&task);
	task.tk_msg.rpc_proc = &open_noattr;
	attempted(&task, -NFS4ERR_GRACE);
	op_released(&task);
	CHECK_EQ("procedure", newest()->procedure, V4_OPEN_NOATTR);
	CHECK_EQ("file", strcmp(newest()->file, "name"), 0);
	whole(&open_proc, 0);
	CHECK_EQ("ops", head, before + 1);
	CHECK_EQ("tasks", newest()->tasks, 2);
}

static void given_up(void)
{
	const __u64 before = head, errors = stats_of(newest())->errors;
	struct aod_rpc_op *first;

	whole(&getattr, -NFS4ERR_DELAY);
	first = newest();
	whole(&open_proc, 0);
	CHECK_EQ("ops", head, before + 2);
	CHECK_EQ("state", first->state, AOD_RPC_CLOSED);
	CHECK_EQ("errors", stats_of(first)->errors, errors + 1);

	whole(&getattr, -NFS4ERR_DELAY);
	k_task++;
	whole(&getattr, 0);
	CHECK_EQ("another thread's is another op", head, before + 4);
	k_task--;
	rpc_end_held(k_now + 1000);
	CHECK_EQ("too early", outliers_of_held, 0);
	rpc_end_held(k_now + 31000000000ull);
	CHECK_EQ("ended by the helper", outliers_of_held, 1);
	rpc_end_held(k_now + 62000000000ull);
	CHECK_EQ("once", outliers_of_held, 1);
	whole(&getattr, 0);
	CHECK_EQ("the thread's next is new", head, before + 5);
}

static void not_held(void)
{
	struct rpc_task task = task_of(&getattr);

	k_current = &worker;
	task.tk_flags = RPC_TASK_ASYNC;
	op_begin(&task);
	attempted(&task, -NFS4ERR_DELAY);
	op_released(&task);
	k_current = &shell;
	CHECK_EQ("a worker's task that is not restarted is over", newest()->state, AOD_RPC_CLOSED);
	CHECK_EQ("worker", newest()->flags & AOD_RPC_F_WORKER, AOD_RPC_F_WORKER);
}

static void unsent(void)
{
	struct rpc_task task = task_of(&open_proc);
	const __u64 count = stats[newest()->slot * AOD_RPC_PROCEDURES + V4_OPEN].count, outliers = k_outliers;

	op_begin(&task);
	op_released(&task);
	CHECK_EQ("state", newest()->state, AOD_RPC_UNSENT);
	CHECK_EQ("not counted", stats_of(newest())->count, count);
	CHECK_EQ("not shown", k_outliers, outliers);

	op_begin(&task);
	task.tk_rqstp = NULL;
	task.tk_status = -4;
	op_attempted(&task);
	op_released(&task);
	CHECK_EQ("failed before it was sent", newest()->state, AOD_RPC_CLOSED);
	CHECK_EQ("attempts", newest()->attempts, 0);
	CHECK_EQ("counted", stats_of(newest())->count, count + 1);
}

/* How often it was counted. */
static __u64 counted_as(const struct aod_rpc_op *op, __u32 status)
{
	const __u64 what = AOD_FAILURE_OF((__u64)op->slot, (__u64)AOD_RPC_PROCEDURES + op->procedure, status);
	__u64 n = 0;

	for (int i = 0; i < AOD_FAILURES; i++)
		n += failures[i].what == what ? failures[i].count : 0;
	return n;
}

static void tell(__u32 status)
{
	tunables.told[AOD_TOLD_BIT(status) >> 5] |= 1u << (AOD_TOLD_BIT(status) & 31);
}

/* What user space has not asked for is counted, and it hears nothing of it. */
static void failures_are_counted(void)
{
	const __u32 missing = AOD_RPC_ANSWER | 2, denied = AOD_RPC_ANSWER | 13;
	const __u64 outliers = k_outliers;
	const __u32 row = AOD_RPC_PROCEDURES + PROC_GETATTR;
	struct aod_rpc_op *first;
	__u64 delayed;

	tunables.slow_ns[row] = ALL_ONES;
	tunables.errors[row] = 1;
	tell(denied);
	for (int i = 0; i < 5; i++)
		whole(&getattr, -2);
	CHECK_EQ("counted", counted_as(newest(), missing), 5);
	CHECK_EQ("not told", k_outliers, outliers);
	whole(&getattr, -13);
	CHECK_EQ("told", k_outliers, outliers + 1);
	CHECK_EQ("and counted", counted_as(newest(), denied), 1);
	rqst.rq_reply_bytes_recvd = 0;
	whole(&getattr, -13);
	rqst.rq_reply_bytes_recvd = 200;
	CHECK_EQ("not the server's word", counted_as(newest(), 13), 1);
	CHECK_EQ("nobody has asked for it", k_outliers, outliers + 1);
	rqst.rq_ntrans = 2;
	whole(&getattr, -2);
	rqst.rq_ntrans = 1;
	CHECK_EQ("sent again: told whatever it is", k_outliers, outliers + 2);
	CHECK_EQ("counted", counted_as(newest(), missing), 6);
	tunables.errors[row] = 0;
	whole(&getattr, -13);
	CHECK_EQ("no errors are wanted of it", k_outliers, outliers + 2);
	tunables.errors[row] = 1;

	delayed = counted_as(newest(), AOD_RPC_ANSWER | NFS4ERR_DELAY);
	/* ended by the helper, which must count at the same place */
	whole(&getattr, -NFS4ERR_DELAY);
	first = newest();
	k_task += 7;
	whole(&getattr, -2);
	k_task -= 7;
	rpc_end_held(k_now + 31000000000ull);
	CHECK_EQ("state", first->state, AOD_RPC_CLOSED);
	CHECK_EQ("counted", counted_as(first, AOD_RPC_ANSWER | NFS4ERR_DELAY), delayed + 1);
	CHECK_EQ("not told", outliers_of_held, 1);
	first->status = -NFS4ERR_GRACE;
	CHECK_EQ("kernel and helper", failure_told(first->slot, row, aod_rpc_failed_as(first)), 0);
	CHECK_EQ("find one place", failures_count(failures, first->slot, row, aod_rpc_failed_as(first)), 1);
	CHECK_EQ("and count both", counted_as(first, AOD_RPC_ANSWER | NFS4ERR_GRACE), 2);
	tunables.slow_ns[row] = 0;
}

static void strangers(void)
{
	struct rpc_clnt mountd = client;
	struct rpc_task task = task_of(&getattr);
	const __u64 before = head;

	attempted(&task, 0);
	CHECK_EQ("begun before the probe", losses.unseen, 1);
	mountd.cl_prog = 100005;
	task.tk_client = &mountd;
	op_begin(&task);
	attempted(&task, 0);
	op_released(&task);
	CHECK_EQ("another program is no op", head, before);
	CHECK_EQ("and nothing unseen", losses.unseen, 1);
}

static void ghost(void)
{
	struct rpc_task task = task_of(&getattr);
	struct aod_rpc_op *first;

	op_begin(&task);
	first = newest();
	op_begin(&task);
	CHECK_EQ("ghosts", losses.ghosts, 1);
	CHECK_EQ("state", first->state, AOD_RPC_GHOST);
	attempted(&task, 0);
	op_released(&task);
	CHECK_EQ("state", newest()->state, AOD_RPC_CLOSED);
}

static void overtaken(void)
{
	const __u64 before = head;
	__u64 moved = 0;

	whole(&getattr, -NFS4ERR_DELAY);
	k_task++;
	for (int i = 0; i < AOD_RPC_RING + 10; i++)
		whole(&open_proc, 0);
	k_task--;
	whole(&getattr, 0);
	for (int i = AOD_RPC_RING; i < AOD_RPC_RING + AOD_RPC_OVERFLOW; i++)
		moved += ops[i].seq == before + 1 && ops[i].state == AOD_RPC_CLOSED && ops[i].tasks == 2;
	CHECK_EQ("goes on in the overflow array", moved, 1);
	CHECK_EQ("no new op", head, before + 1 + AOD_RPC_RING + 10);
}

static void known_target(void)
{
	const struct aod_rpc_target *t = &targets[newest()->slot];
	const __u32 id = t->id;

	CHECK_EQ("client", t->client, 3);
	CHECK_EQ("device", t->device, 38);
	CHECK_EQ("minor version", t->minor, 2);
	CHECK_EQ("server", strcmp(t->server, "srv"), 0);
	target_gone((__u64)&client);
	whole(&getattr, 0);
	CHECK_EQ("its address may be another's: a new id", newest()->target, id + 1);
}

int main(void)
{
	struct nfs4_slot_table *const where = &table;

	memcpy(&inode.fh, &where, sizeof(where));
	k_now = 1000000;
	k_current = &shell;
	one_task();
	restarted();
	made_anew(&getattr);
	made_anew(&open_proc);
	renamed();
	given_up();
	not_held();
	failures_are_counted();
	unsent();
	strangers();
	ghost();
	overtaken();
	known_target();
	CHECK_EQ("nothing else lost", losses.index_full + losses.overflow_full + losses.targets_full, 0);
	return 0;
}
