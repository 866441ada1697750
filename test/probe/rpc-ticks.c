// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Both halves of nfs_rpc in one process: RPCs as chance wants it, and the helper's ticks. Frames on stdout; on stderr what really happened. usage: rpc-ticks SEED */
#include <poll.h>
#include <unistd.h>
#include "rpc-kernel.h"
#include "check.h"
#include "rpc/rpc.h"

#define STATUSES 4

static struct rpc_xprt xprt = { .servername = "srv", .address_strings = { "192.0.2.7" } };
static struct rpc_clnt clients[2] = {
	{ .cl_clid = 3, .cl_xprt = &xprt, .cl_prog = NFS_PROGRAM, .cl_vers = 3, .cl_parent = &clients[0] },
	{ .cl_clid = 4, .cl_xprt = &xprt, .cl_prog = NFS_PROGRAM, .cl_vers = 4, .cl_parent = &clients[1] },
};
/* of no file */
static struct rpc_procinfo procedure[2] = {
	{ .p_proc = 19, .p_statidx = 19, .p_name = "FSINFO" },
	{ .p_proc = 1, .p_statidx = 10, .p_name = "FSINFO" },
};
static struct nfs_client server = { .cl_rpcclient = &clients[1], .cl_minorversion = 1 };
static struct nfs4_session session = { .clp = &server };
static struct nfs4_slot_table table = { .session = &session };
static struct nfs4_slot_table *arguments = &table;
static struct rpc_rqst rqst = { .rq_xmit_bytes_sent = 100, .rq_reply_bytes_recvd = 200, .rq_ntrans = 1 };
static struct task_struct shell = { .comm = "sh" };
static const int statuses[STATUSES] = { 0, -2, -13, -116 };
static __u64 ended[2][STATUSES];

int bpf_obj_get_info_by_fd(int fd, void *info, __u32 *size)
{
	return -1;
}

static void whole(int which, int status)
{
	struct rpc_task task = { .tk_client = &clients[which], .tk_rqstp = &rqst, .tk_start = k_now,
				 .tk_msg = { .rpc_proc = &procedure[which], .rpc_argp = &arguments } };

	op_begin(&task);
	k_now += 5000;
	task.tk_status = statuses[status];
	op_attempted(&task);
	op_counted(&task, 1000, 3000, 5000);
	op_released(&task);
	ended[which][status]++;
}

static void tick(void)
{
	struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };

	rpc_tick();
	while (out_pending()) {
		CHECK_EQ("out_flush", out_flush(), 0);
		poll(&out, 1, 1000);
	}
}

int main(int argc, char **argv)
{
	unsigned long long seed = argc > 1 ? strtoull(argv[1], NULL, 10) | 1 : 1;
	const struct loaded loaded = {};

	k_now = 1000000000;
	k_current = &shell;
	CHECK_EQ("out_init", out_init(), 0);
	rpc = (struct rpc){ AOD_RPC_RING, AOD_RPC_TARGETS, ops, request_index, targets, stats, failures, procedures, &losses, &head, &tunables };
	rpc_start(&loaded);
	rpc_quiet(4);
	for (int i = 0; i < 3000; i++) {
		whole(random_next(&seed) % 2, random_next(&seed) % STATUSES);
		if (random_next(&seed) % 300 == 0)
			tick();
	}
	/* what a client has done is told as its own, although it has gone; its places are free */
	target_gone((__u64)&clients[0]);
	tick();
	for (int i = 0; i < AOD_FAILURES; i++)
		CHECK_EQ("forgotten", failures[i].what && targets[failure_target(failures[i].what)].key == 0, 0);
	/* nothing happens: one of four is told */
	for (int i = 0; i < 40; i++)
		tick();
	for (int which = 0; which < 2; which++)
		for (int status = 1; status < STATUSES; status++)
			fprintf(stderr, "%d %d %llu\n", which + 3, -statuses[status], ended[which][status]);
	return 0;
}
