// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The flight recorder's ops, as an answer in pieces. */
#include <string.h>
#include "rpc.h"

#define HISTORY_CHUNK 1024 /* ops in one HISTORY frame */

static struct {
	bool active;
	__u64 next, head, torn;
	__u32 token, overflow;
} history;

void rpc_history(const struct aod_history_request *request)
{
	memset(&history, 0, sizeof(history));
	history.active = true;
	history.token = request->token;
	history.head = *(volatile __u64 *)rpc.head;
	history.next = rpc_oldest(history.head);
	if (request->from > history.next)
		history.next = request->from;
	rpc_history_pump();
}

static bool next_record(struct aod_rpc_op *op)
{
	while (history.overflow < AOD_RPC_OVERFLOW)
		if (rpc_record_read(&rpc.ops[rpc.ring + history.overflow++], op))
			return true;
	while (history.next && history.next <= history.head) {
		const __u64 seq = history.next++;

		if (rpc_record_read(&rpc.ops[(seq - 1) & (rpc.ring - 1)], op) && op->seq == seq)
			return true;
		history.torn++;
	}
	return false;
}

/* Writes as much of the answer as the buffer takes; called again when it has drained. */
void rpc_history_pump(void)
{
	if (history.active && out_room() > AOD_FRAME_MAX)
		rpc_tell_targets();
	while (history.active && out_room() > AOD_FRAME_MAX) {
		struct aod_history head = { .head = history.head, .oldest = rpc_oldest(history.head), .token = history.token, .done = 1 };
		struct aod_history *h;
		struct aod_rpc_op op;

		if (!out_open(AOD_FRAME_HISTORY, &head, sizeof(head)))
			return;
		h = out_head();
		while (h->ops < HISTORY_CHUNK && next_record(&op)) {
			rpc_record_add(&op);
			h->ops++;
		}
		h->done = h->ops < HISTORY_CHUNK;
		h->torn = history.torn;
		history.active = !h->done;
		out_close();
	}
}
