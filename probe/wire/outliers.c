// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What comes through the ring buffer: ops, and what they ask for. Both are gathered while the ring buffer is drained and written
 * as a frame each, PARAMS first: an op's parameters are in the ring buffer before it, so they are never behind it for the reader.
 */
#include <errno.h>
#include <string.h>
#include "wire.h"

#define MAX_OPS 512
#define MAX_PARAMS 128

static struct aod_smb_op ops[MAX_OPS];
static struct aod_smb_params params[MAX_PARAMS];
static size_t n_ops, n_params;
static __u64 lost;

__u64 wire_outliers_lost(void)
{
	return lost;
}

bool wire_add_op(struct aod_smb_op *op)
{
	op->request = 0; /* a kernel address */
	return out_add(op, sizeof(*op));
}

static void write_params(void)
{
	if (n_params && !out_frame(AOD_FRAME_PARAMS, NULL, 0, params, n_params * sizeof(params[0])))
		lost += n_params;
	n_params = 0;
}

void wire_outliers_done(void)
{
	write_params();
	if (n_ops && !out_frame(AOD_FRAME_OPS, NULL, 0, ops, n_ops * sizeof(ops[0])))
		lost += n_ops;
	n_ops = 0;
}

/* A record without a name ends before `text`. */
static void take_params(const void *data, size_t size)
{
	struct aod_smb_params *to;

	if (n_params == MAX_PARAMS)
		write_params();
	to = &params[n_params++];
	memset(to, 0, sizeof(*to));
	memcpy(to, data, size);
}

static void take_op(const void *data)
{
	if (n_ops == MAX_OPS)
		wire_outliers_done();
	memcpy(&ops[n_ops], data, sizeof(ops[0]));
	ops[n_ops++].request = 0;
}

int wire_outlier(void *context, void *data, size_t size)
{
	if (size == sizeof(struct aod_smb_op))
		take_op(data);
	else if (size == sizeof(struct aod_smb_params) || size == offsetof(struct aod_smb_params, text))
		take_params(data, size);
	/* no more for now: what stays in the ring buffer is not lost, and what finds no place there is counted */
	return out_room() > OUT_LOW ? 0 : -EAGAIN;
}
