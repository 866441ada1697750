/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the parts of the NFS RPC probe share. */
#ifndef AOD_RPC_H
#define AOD_RPC_H

#include "../failures.h"
#include "../probe.h"

/* The mapped memory of nfs_rpc or rpc_trace, and how much of it there is. */
struct rpc {
	__u32 ring; /* ops; as many as AOD_RPC_OVERFLOW are behind them */
	__u32 slots; /* of targets */
	struct aod_rpc_op *ops;
	struct aod_index_entry *index;
	struct aod_rpc_target *targets;
	struct aod_rpc_stats *stats;
	struct aod_failure_place *failures; /* by slot and row */
	char (*names)[24]; /* by row: the procedures of NFSv3, then those of NFSv4 */
	struct aod_rpc_losses *losses;
	__u64 *head;
	struct aod_rpc_tunables *tunables;
};

extern struct rpc rpc;
extern __u64 rpc_lost_stdout;
extern __u64 rpc_inflight_ns;

/* outliers.c: what comes through the ring buffer, and ops that end here. */
int rpc_outlier(void *context, void *data, size_t size);
void rpc_outliers_done(void);
void rpc_emit_outlier(const struct aod_rpc_op *op);

/* targets.c: tells of the targets that have come or changed; before whatever may name them. */
void rpc_tell_targets(void);

/* tick.c: TICK, INFLIGHT and LOST. */
void rpc_start(const struct loaded *loaded);
void rpc_tick(void);
void rpc_quiet(unsigned int ticks); /* while nothing happens, of so many ticks one is told */

/* held.c: ends what the client was told to come again with and never did. */
void rpc_end_held(__u64 now);

/* history.c */
void rpc_history(const struct aod_history_request *request);
void rpc_history_pump(void);

/* request.c: before the load: nothing is an outlier yet. Then false for what this probe does not know. */
int rpc_prepare(const struct options *options, struct bpf_object *object, __u32 ring, __u32 slots);
bool rpc_request(__u16 type, const void *payload, size_t size);

/* record.c: a copy of a record that is not torn; adds one to the open frame without the kernel's address. */
bool rpc_record_read(const struct aod_rpc_op *from, struct aod_rpc_op *to);
bool rpc_record_add(struct aod_rpc_op *op);
__u64 rpc_oldest(__u64 head);

#endif
