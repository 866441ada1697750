// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The histograms of the phases: every op is in them once, or counted as overtaken, or still open. usage: phases SEED */
#include <string.h>
#include "check.h"
#include "wire/wire.h"

#define MAX_OPEN 64

static struct aod_smb_op ring[AOD_RING + AOD_OVERFLOW];
static struct aod_smb_op *const memory = ring;
struct wire wire;
static __u64 head;

/* Each op has exactly one phase: the wait for credits. */
static struct aod_smb_op *begin(__u16 target)
{
	struct aod_smb_op *op = &memory[head++ & (AOD_RING - 1)];

	memset(op, 0, sizeof(*op));
	op->seq = head;
	op->flags = AOD_F_QUEUE;
	op->queue_ns = 5000;
	op->target = target;
	op->command = 9;
	op->state = AOD_OP_OPEN;
	op->seq_check = head;
	return op;
}

static void closed(__u16 target, __u64 count)
{
	while (count--)
		begin(target)->state = AOD_OP_CLOSED;
}

static __u64 take(__u16 target)
{
	struct aod_bucket buckets[AOD_BUCKETS * 5];
	size_t n = phases_take(target, 9, buckets, ARRAY_SIZE(buckets));
	__u64 sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += buckets[i].count;
	return sum;
}

static void collected_once(void)
{
	struct aod_smb_op *open;

	closed(1, 100);
	open = begin(1);
	phases_collect(&wire, head);
	CHECK_EQ("closed ones", take(1), 100);
	phases_collect(&wire, head);
	CHECK_EQ("again", take(1), 0);
	open->state = AOD_OP_CLOSED;
	phases_collect(&wire, head);
	CHECK_EQ("the one that was open", take(1), 1);
	CHECK_EQ("nothing lost", phases_overtaken(), 0);
}

static void overtaken_exactly(void)
{
	__u64 before = phases_overtaken();

	closed(1, AOD_RING + 1234);
	phases_collect(&wire, head);
	CHECK_EQ("what the ring holds", take(1), AOD_RING);
	CHECK_EQ("what it does not", phases_overtaken() - before, 1234);
	begin(1);
	phases_collect(&wire, head);
	closed(1, AOD_RING);
	phases_collect(&wire, head);
	CHECK_EQ("an open one that the ring overtook", phases_overtaken() - before, 1235);
	CHECK_EQ("all others", take(1), AOD_RING);
}

/* The writer has its number, and has written nothing yet. */
static void number_taken(void)
{
	__u64 before = phases_overtaken();

	head++;
	phases_collect(&wire, head);
	CHECK_EQ("not lost", phases_overtaken() - before, 0);
	head--;
	begin(1)->state = AOD_OP_CLOSED;
	phases_collect(&wire, head);
	CHECK_EQ("seen when it is there", take(1), 1);
	CHECK_EQ("still not lost", phases_overtaken() - before, 0);
}

/* A target that gave its place up is asked for by nobody. */
static void nobody_asks(void)
{
	__u64 before = phases_overtaken();

	closed(3, 5);
	closed(4, 6);
	phases_collect(&wire, head);
	CHECK_EQ("the target behind it", take(4), 6);
	phases_collect(&wire, head);
	CHECK_EQ("what nobody took", phases_overtaken() - before, 5);
}

static void each_once(unsigned long long seed)
{
	struct aod_smb_op *open[MAX_OPEN];
	__u64 seqs[MAX_OPEN], first = head, before = phases_overtaken(), counted = 0, waiting = 0;
	int n = 0;

	for (int round = 0; round < 40; round++) {
		__u64 count = random_next(&seed) % (random_next(&seed) % 4 ? 2000 : 3 * AOD_RING);

		while (count--) {
			struct aod_smb_op *op = begin(random_next(&seed) % 5);

			if (n < MAX_OPEN && random_next(&seed) % 100 == 0) {
				seqs[n] = head;
				open[n++] = op;
			} else {
				op->state = AOD_OP_CLOSED;
			}
		}
		for (int i = 0; i < n; i++)
			if (random_next(&seed) % 2) {
				if (open[i]->seq == seqs[i])
					open[i]->state = AOD_OP_CLOSED;
				open[i] = open[--n];
				seqs[i--] = seqs[n];
			}
		phases_collect(&wire, head);
		for (__u16 target = 0; target < 5; target++)
			counted += take(target);
	}
	for (int i = 0; i < n; i++)
		waiting += open[i]->seq == seqs[i];
	CHECK_EQ("ops", counted + phases_overtaken() - before + waiting, head - first);
}

int main(int argc, char **argv)
{
	wire.ops = ring;
	collected_once();
	overtaken_exactly();
	number_taken();
	nobody_asks();
	each_once(argc > 1 ? strtoull(argv[1], NULL, 10) | 1 : 1);
	return 0;
}
