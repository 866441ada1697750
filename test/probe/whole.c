// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Both halves of smb_wire in one process: requests live as chance wants it, the kernel's code writes them down, the helper's code
 * makes frames of its memory. Frames on stdout; on stderr what really happened, as JSON. usage: whole SEED STEPS CREDITS (1: the hooks on the waits for credits are attached)
 */
#include <bpf/bpf.h>
#include <poll.h>
#include <unistd.h>
#include "kernel.h"
#include "check.h"
#include "wire/wire.h"

#define POOL 600 /* requests that may be open at the same time */
#define TICK_STEPS 20000

struct request {
	bool open, answered, async, fails;
	__u64 seq;
	__u16 command;
};

static struct request pool[POOL];
static __u64 released[AOD_COMMANDS], refused[AOD_COMMANDS], begun;

/* No programs are loaded: nobody asks for their statistics. */
int bpf_obj_get_info_by_fd(int fd, void *info, __u32 *size)
{
	(void)fd;
	(void)info;
	(void)size;
	return -1;
}

static __u64 key(int i)
{
	return 0xffff888000000000ull + i * 192ull;
}

static void as_task(int i)
{
	k_task = (__u64)(1000 + i % 50) << 32 | (__u64)(1000 + i % 50);
}

static void begin(int i, unsigned long long *seed)
{
	struct {
		__u8 before[SMB2_REQUEST_PART_AT];
		struct smb2_request_part part;
	} header = { .part = { .message_id = begun, .session_id = 0x65, .tree_id = 1 + i % 3 } };
	struct request *r = &pool[i];
	struct aod_smb_op *op;

	as_task(i);
	*r = (struct request){ .open = true, .async = random_next(seed) % 3 == 0, .command = random_next(seed) % 19 };
	if (knobs.credits) {
		wait_begin(1, AOD_WAIT_CREDITS);
		k_now += random_next(seed) % 5000;
		wait_end(AOD_WAIT_CREDITS, 0);
	}
	op = op_begin(key(i), 1, r->command, &header, r->async);
	begun++;
	CHECK_EQ("a slot", op != NULL, true);
	r->seq = op->seq;
	op_publish(op);
	k_now += random_next(seed) % 20000;
	op_sent(0);
}

static void answer(int i)
{
	struct {
		__u8 before[SMB2_RESPONSE_PART_AT];
		struct smb2_response_part part;
	} response = { .part = { .status = i % 7 ? 0 : 0xc0000034 } };

	pool[i].answered = true;
	pool[i].fails = response.part.status;
	op_answered(key(i), &response);
}

static void release(int i)
{
	struct aod_index_entry *entry = index_find(key(i));
	struct aod_smb_op *op = entry ? op_at(entry->at) : NULL;

	CHECK_EQ("the record of an open request", op != NULL, true);
	CHECK_EQ("its number", op->seq, pool[i].seq);
	as_task(i);
	op_end(entry, op);
	released[pool[i].command]++;
	refused[pool[i].command] += pool[i].fails;
	pool[i].open = false;
}

static void flush_all(void)
{
	struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };

	while (out_pending()) {
		CHECK_EQ("out_flush", out_flush(), 0);
		poll(&out, 1, 1000);
		wire_history_pump();
	}
}

static void step(unsigned long long *seed)
{
	int i = random_next(seed) % POOL;

	k_now += 1000 + random_next(seed) % 300000;
	/* the first few hang for ever: the ring overtakes them */
	if (pool[i].open && i < 10)
		return;
	if (!pool[i].open)
		begin(i, seed);
	else if (!pool[i].answered)
		answer(i);
	else
		release(i);
}

static void report(void)
{
	int open = 0;

	for (int i = 0; i < POOL; i++)
		open += pool[i].open;
	fprintf(stderr, "{\"begun\":%llu,\"open\":%d,\"released\":[", begun, open);
	for (int c = 0; c < AOD_COMMANDS; c++)
		fprintf(stderr, "%s%llu", c ? "," : "", released[c]);
	fprintf(stderr, "],\"failed\":[");
	for (int c = 0; c < AOD_COMMANDS; c++)
		fprintf(stderr, "%s%llu", c ? "," : "", refused[c]);
	fprintf(stderr, "],\"hanging\":[");
	for (int i = 0; i < 10; i++)
		fprintf(stderr, "%s%llu", i ? "," : "", pool[i].seq);
	fprintf(stderr, "]}\n");
}

int main(int argc, char **argv)
{
	const struct loaded loaded = {};
	const struct aod_history_request everything = { .token = 7 };
	struct aod_settings settings = { .inflight_ns = 0 };
	unsigned long long seed = argc > 1 ? strtoull(argv[1], NULL, 10) | 1 : 1;
	int steps = argc > 2 ? atoi(argv[2]) : 0;

	knobs.credits = argc > 3 ? atoi(argv[3]) : 1;
	k_now = 1000000000;
	CHECK_EQ("out_init", out_init(), 0);
	wire = (struct wire){ ops, request_index, tasks, targets, stats, failures, &losses, &events, &head, &tunables };
	wire_start(&loaded);
	memset(settings.smb.slow_ns, 0xff, sizeof(settings.smb.slow_ns));
	wire_set(&settings);
	for (int i = 0; i < 10; i++)
		begin(i, &seed);
	for (int i = 1; i <= steps; i++) {
		step(&seed);
		if (i % TICK_STEPS == 0) {
			wire_tick();
			flush_all();
		}
	}
	wire_tick();
	flush_all();
	wire_history(&everything);
	flush_all();
	report();
	return 0;
}
