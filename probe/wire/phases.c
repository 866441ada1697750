// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The histograms of the phases. The kernel keeps only the whole latency (a histogram costs 110 instructions an op there);
 * these are made here from the ring, at each tick, of the ops that closed since the tick before.
 */
#include <string.h>
#include "wire.h"

#define MAX_SAMPLES (4 * 2 * AOD_RING)

static __u64 waiting[AOD_RING]; /* seqs that were open when last looked at */
static size_t n_waiting;
static __u64 looked;            /* up to this seq */
static __u64 overtaken;
static __u32 samples[MAX_SAMPLES]; /* target << 16 | command << 11 | (histogram - 1) << 7 | bucket, sorted */
static size_t n_samples, taken;

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

static void add(const struct aod_smb_op *op, enum aod_histogram histogram, __u64 from, __u64 to)
{
	__u32 command = op->command < AOD_COMMANDS - 1 ? op->command : AOD_COMMANDS - 1;

	if (n_samples < MAX_SAMPLES)
		samples[n_samples++] = (__u32)op->target << 16 | command << 11 | (__u32)(histogram - 1) << 7 | phases_bucket(to > from ? to - from : 0);
	else
		overtaken++;
}

/* The rules are those of docs/op.md. */
static void account(const struct aod_smb_op *op)
{
	const bool woke = !(op->flags & (AOD_F_ASYNC_CALL | AOD_F_LATE_ANSWER | AOD_F_CANCELLED));
	const __u64 sent = op->answered && op->sent > op->answered ? op->answered : op->sent;

	if (op->flags & AOD_F_QUEUE)
		add(op, AOD_HIST_QUEUE, 0, op->queue_ns);
	if (sent)
		add(op, AOD_HIST_SEND, op->created, sent);
	if (sent && op->answered)
		add(op, AOD_HIST_WIRE, sent, op->answered);
	if (woke && op->answered) {
		__u64 answer = op->flags & AOD_F_COMPOUND ? op->last_answer : op->answered;

		if (answer)
			add(op, AOD_HIST_WAKE, answer, op->closed);
	}
}

/* true: looked at for good; false: still open. */
static bool look(const struct wire *wire, __u64 seq)
{
	const struct aod_smb_op *slot = &wire->ops[(seq - 1) & (AOD_RING - 1)];
	const __u64 number = __atomic_load_n(&slot->seq, __ATOMIC_ACQUIRE);
	struct aod_smb_op op;

	if (number < seq || (number == seq && slot->seq_check != seq))
		return false; /* being created right now: its number is taken first, then the slot written */
	if (!record_read(slot, &op) || op.seq != seq) {
		overtaken++;
		return true;
	}
	if (op.state == AOD_OP_CLOSED) {
		account(&op);
		return true;
	}
	return op.state == AOD_OP_GHOST;
}

#define DIGIT 12 /* bits; a sample has two digits */

/* By one digit, keeping the order of what is equal. Without comparisons: those of a busy tick were most of what this process did. */
static void sort_digit(const __u32 *from, __u32 *to, int shift)
{
	static __u32 places[1 << DIGIT];
	__u32 next = 0;

	memset(places, 0, sizeof(places));
	for (size_t i = 0; i < n_samples; i++)
		places[from[i] >> shift & ((1 << DIGIT) - 1)]++;
	for (int digit = 0; digit < 1 << DIGIT; digit++) {
		const __u32 count = places[digit];

		places[digit] = next;
		next += count;
	}
	for (size_t i = 0; i < n_samples; i++)
		to[places[from[i] >> shift & ((1 << DIGIT) - 1)]++] = from[i];
}

static void sort_samples(void)
{
	static __u32 other[MAX_SAMPLES];

	if (!n_samples)
		return;
	sort_digit(samples, other, 0);
	sort_digit(other, samples, DIGIT);
}

void phases_collect(const struct wire *wire, __u64 head)
{
	__u64 oldest = head > AOD_RING ? head - AOD_RING + 1 : 1;
	size_t kept = 0;

	n_samples = taken = 0;
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
	sort_samples();
}

/*
 * Takes the buckets of a (target, command); returns how many. To be asked in rising order: what is before it was not asked for, because
 * its target has given its place up, and is counted as overtaken.
 */
size_t phases_take(__u16 target, __u16 command, struct aod_bucket *to, size_t max)
{
	const __u32 wanted = (__u32)target << 5 | command;
	size_t n = 0;

	for (; taken < n_samples && samples[taken] >> 11 < wanted; taken++)
		overtaken++;
	while (taken < n_samples && samples[taken] >> 11 == wanted) {
		const __u32 sample = samples[taken++];

		if (n && to[n - 1].histogram == (sample >> 7 & 15) + 1 && to[n - 1].bucket == (sample & 127)) {
			to[n - 1].count++;
			continue;
		}
		if (n == max) {
			overtaken++;
			continue;
		}
		to[n++] = (struct aod_bucket){ .histogram = (sample >> 7 & 15) + 1, .bucket = sample & 127, .count = 1 };
	}
	return n;
}
