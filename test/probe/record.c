// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A record that is being written, at every point of it, is not taken for a whole one; and under a writer that rests between two of thousands. */
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include "check.h"
#include "wire/wire.h"

static struct aod_smb_op slot;
static bool done;

/* As the kernel does: the number first, all else, the number again last. */
static void write_record(__u64 seq)
{
	__atomic_store_n(&slot.seq, seq, __ATOMIC_RELEASE);
	__atomic_store_n(&slot.created, seq, __ATOMIC_RELEASE);
	__atomic_store_n(&slot.mid, seq, __ATOMIC_RELEASE);
	__atomic_store_n(&slot.closed, seq, __ATOMIC_RELEASE);
	__atomic_store_n(&slot.seq_check, seq, __ATOMIC_RELEASE);
}

static void *writer(void *unused)
{
	(void)unused;
	for (__u64 seq = 1; !__atomic_load_n(&done, __ATOMIC_RELAXED); seq++) {
		write_record(seq);
		if (!(seq & 0xfff)) /* on a busy machine both share a processor */
			sched_yield();
	}
	return NULL;
}

int main(void)
{
	struct aod_smb_op op;
	unsigned long long whole = 0;
	pthread_t thread;

	CHECK_EQ("an empty slot", record_read(&slot, &op), false);
	slot.seq = 7;
	CHECK_EQ("begun, never ended", record_read(&slot, &op), false);
	slot.seq_check = 7;
	CHECK_EQ("whole", record_read(&slot, &op), true);
	CHECK_EQ("its number", op.seq, 7);
	slot.seq = 8;
	CHECK_EQ("the next one has begun", record_read(&slot, &op), false);
	memset(&slot, 0, sizeof(slot));

	CHECK_EQ("a thread", pthread_create(&thread, NULL, writer, NULL), 0);
	for (int i = 0; i < 2000000 && whole < 20000; i++) {
		if (!(i & 0xfff))
			sched_yield();
		if (!record_read(&slot, &op))
			continue;
		whole++;
		CHECK_EQ("created", op.created, op.seq);
		CHECK_EQ("mid", op.mid, op.seq);
		CHECK_EQ("closed", op.closed, op.seq);
		CHECK_EQ("seq_check", op.seq_check, op.seq);
	}
	__atomic_store_n(&done, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	printf("whole %llu\n", whole);
	return 0;
}
