// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The answer to a question for the history: the ops of the ring and those that overflowed, as much at a time as the reader takes. */
#include <string.h>
#include "wire.h"

#define HISTORY_CHUNK 1024 /* ops in one HISTORY frame */

static struct {
	bool active;
	__u64 next, head, torn;
	__u32 token, overflow;
} history;

void wire_history(const struct aod_history_request *request)
{
	memset(&history, 0, sizeof(history));
	history.active = true;
	history.token = request->token;
	history.head = *(volatile __u64 *)wire.head;
	history.next = wire_oldest(history.head);
	if (request->from > history.next)
		history.next = request->from;
	wire_history_pump();
}

static bool next_record(struct aod_smb_op *op)
{
	while (history.overflow < AOD_OVERFLOW)
		if (record_read(&wire.ops[AOD_RING + history.overflow++], op))
			return true;
	while (history.next && history.next <= history.head) {
		const __u64 seq = history.next++;

		if (record_read(&wire.ops[(seq - 1) & (AOD_RING - 1)], op) && op->seq == seq)
			return true;
		history.torn++;
	}
	return false;
}

/* Writes as much of the answer as the buffer takes; called again when it has drained. */
void wire_history_pump(void)
{
	while (history.active && out_room() > AOD_FRAME_MAX) {
		struct aod_history head = { .head = history.head, .oldest = wire_oldest(history.head), .token = history.token, .done = 1 };
		struct aod_history *h;
		struct aod_smb_op op;

		if (!out_open(AOD_FRAME_HISTORY, &head, sizeof(head)))
			return;
		h = out_head();
		while (h->ops < HISTORY_CHUNK && next_record(&op)) {
			wire_add_op(&op);
			h->ops++;
		}
		h->done = h->ops < HISTORY_CHUNK;
		h->torn = history.torn;
		history.active = !h->done;
		out_close();
	}
}
