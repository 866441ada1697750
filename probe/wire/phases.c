// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The histograms of the phases. The kernel keeps only the whole latency (a histogram costs 110 instructions an op there);
 * these are made here from the ring, at each tick, of the ops that closed since the tick before.
 */
#include <string.h>
#include "wire.h"

#define PHASES 4 /* AOD_HIST_QUEUE and on */
#define PAIRS (AOD_TARGETS * AOD_COMMANDS)

static __u64 waiting[AOD_RING]; /* seqs that were open when last looked at */
static size_t n_waiting;
static __u64 looked;            /* up to this seq */
static __u64 overtaken;
/*
 * Of this tick. 5 MiB, of which memory is used for the targets alone that there are. A tick tells of at most AOD_RING ops and as many that
 * were waited for: that fits.
 */
static __u16 counts[PAIRS][PHASES][AOD_BUCKETS] __attribute__((aligned(8)));
static __u64 used[PAIRS / 64]; /* of which (target, command) there is something in it */

__u64 phases_overtaken(void)
{
	return overtaken;
}

/* As aod_bucket_of() in the kernel. */
__u32 phases_bucket(__u64 ns)
{
	__u64 unit = ns >> 10;
	__u32 log;

	if (unit >> 32)
		return AOD_BUCKETS - 1;
	if (unit < 4)
		return unit;
	log = 63 - __builtin_clzll(unit);
	return ((log << 2) | ((unit >> (log - 2)) & 3)) - 4;
}

static void add(__u32 pair, enum aod_histogram histogram, __u64 from, __u64 to)
{
	used[pair / 64] |= 1ull << pair % 64;
	counts[pair][histogram - AOD_HIST_QUEUE][phases_bucket(to > from ? to - from : 0)]++;
}

/* The rules are those of docs/op.md. */
static void account(const struct aod_smb_op *op)
{
	const __u32 command = op->command < AOD_COMMANDS - 1 ? op->command : AOD_COMMANDS - 1;
	const __u32 pair = (op->target & (AOD_TARGETS - 1)) * AOD_COMMANDS + command;
	const bool woke = !(op->flags & (AOD_F_ASYNC_CALL | AOD_F_LATE_ANSWER | AOD_F_CANCELLED));
	const __u64 sent = op->answered && op->sent > op->answered ? op->answered : op->sent;

	if (op->flags & AOD_F_QUEUE)
		add(pair, AOD_HIST_QUEUE, 0, op->queue_ns);
	if (sent)
		add(pair, AOD_HIST_SEND, op->created, sent);
	if (sent && op->answered)
		add(pair, AOD_HIST_WIRE, sent, op->answered);
	if (woke && op->answered) {
		__u64 answer = op->flags & AOD_F_COMPOUND ? op->last_answer : op->answered;

		if (answer)
			add(pair, AOD_HIST_WAKE, answer, op->closed);
	}
}

/* true: looked at for good; false: still open. Of each op that ends: so no more of its record is read than it takes; record_read() says why so. */
static bool look(const struct wire *wire, __u64 seq)
{
	const struct aod_smb_op *slot = &wire->ops[(seq - 1) & (AOD_RING - 1)];
	const __u64 number = __atomic_load_n(&slot->seq, __ATOMIC_ACQUIRE);
	struct aod_smb_op op;

	if (number < seq || (number == seq && slot->seq_check != seq))
		return false; /* being created right now: its number is taken first, then the slot written */
	op.state = __atomic_load_n(&slot->state, __ATOMIC_ACQUIRE);
	op.created = slot->created;
	op.sent = slot->sent;
	op.answered = slot->answered;
	op.last_answer = slot->last_answer;
	op.closed = slot->closed;
	op.queue_ns = slot->queue_ns;
	op.flags = slot->flags;
	op.command = slot->command;
	op.target = slot->target;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (number != seq || __atomic_load_n(&slot->seq, __ATOMIC_ACQUIRE) != seq) {
		overtaken++;
		return true;
	}
	if (op.state == AOD_OP_CLOSED) {
		account(&op);
		return true;
	}
	return op.state == AOD_OP_GHOST;
}

/* Their targets have given their places up: nobody has asked for them. */
static void forget_rest(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(used); i++)
		for (; used[i]; used[i] &= used[i] - 1) {
			__u16(*of)[AOD_BUCKETS] = counts[64 * i + __builtin_ctzll(used[i])];

			for (int at = 0; at < PHASES * AOD_BUCKETS; at++)
				overtaken += of[at / AOD_BUCKETS][at % AOD_BUCKETS];
			memset(of, 0, sizeof(counts[0]));
		}
}

void phases_collect(const struct wire *wire, __u64 head)
{
	__u64 oldest = head > AOD_RING ? head - AOD_RING + 1 : 1;
	size_t kept = 0;

	forget_rest();
	for (size_t i = 0; i < n_waiting; i++)
		if (!look(wire, waiting[i]))
			waiting[kept++] = waiting[i];
	n_waiting = kept;
	if (looked + 1 < oldest) {
		overtaken += oldest - looked - 1;
		looked = oldest - 1;
	}
	while (looked < head) {
		looked++;
		if (look(wire, looked))
			continue;
		if (n_waiting < AOD_RING)
			waiting[n_waiting++] = looked;
		else
			overtaken++;
	}
}

/* Takes the buckets of a (target, command); returns how many. What is not asked for until the next tick counts as overtaken. */
size_t phases_take(__u16 target, __u16 command, struct aod_bucket *to, size_t max)
{
	const __u32 pair = target * AOD_COMMANDS + command;
	size_t n = 0;

	if (!(used[pair / 64] >> pair % 64 & 1))
		return 0;
	used[pair / 64] &= ~(1ull << pair % 64);
	for (int phase = 0; phase < PHASES; phase++) {
		for (int bucket = 0; bucket < AOD_BUCKETS; bucket++) {
			const __u16 count = counts[pair][phase][bucket];

			if (!count)
				continue;
			if (n < max)
				to[n++] = (struct aod_bucket){ .histogram = AOD_HIST_QUEUE + phase, .bucket = bucket, .count = count };
			else
				overtaken += count;
		}
	}
	memset(counts[pair], 0, sizeof(counts[pair]));
	return n;
}
