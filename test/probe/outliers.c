// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What comes through the ring buffer, in any mixture of ops and parameters, and drained in any portions. usage: outliers SEED OPS */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include "check.h"
#include "wire/wire.h"

static void flush(void)
{
	while (out_pending())
		CHECK_EQ("out_flush", out_flush(), 0);
}

static void hand_over(void *record, size_t size)
{
	int err = wire_outlier(NULL, record, size);

	if (err == -EAGAIN) {
		wire_outliers_done();
		flush();
		err = 0;
	}
	CHECK_EQ("wire_outlier", err, 0);
}

static void params_of(__u64 seq)
{
	/* odd ones have a name, the others end before it */
	struct aod_smb_params params = { .seq = seq, .command = seq % 2 ? 5 : 9, .fixed_size = 2 };

	memset(params.fixed, (int)seq, sizeof(params.fixed));
	memset(params.text, 'x', sizeof(params.text));
	params.text_size = seq % 2 ? 4 : 0;
	hand_over(&params, seq % 2 ? sizeof(params) : offsetof(struct aod_smb_params, text));
}

static void op_of(__u64 seq)
{
	struct aod_smb_op op = { .seq = seq, .request = 0x1122334455667788ull, .state = AOD_OP_CLOSED, .seq_check = seq };

	hand_over(&op, sizeof(op));
}

int main(int argc, char **argv)
{
	unsigned int seed = argc > 1 ? (unsigned int)atoi(argv[1]) : 1;
	__u64 ops = argc > 2 ? strtoull(argv[2], NULL, 10) : 0, begun = 0;

	CHECK_EQ("out_init", out_init(), 0);
	srand(seed);
	for (__u64 ended = 0; ended < ops;) {
		if (begun < ops && (begun == ended || rand() % 2))
			params_of(++begun);
		else
			op_of(++ended);
		if (rand() % 300 == 0)
			wire_outliers_done();
	}
	hand_over("of another build", 17);
	wire_outliers_done();
	flush();
	CHECK_EQ("lost", wire_outliers_lost(), 0);
	return 0;
}
