/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where the records of open requests are: in the ring, or beside it when the ring has overtaken them. */
#ifndef AOD_SMB_TRACE_PLACES_H
#define AOD_SMB_TRACE_PLACES_H

static __always_inline struct aod_smb_op *op_pointer(__u64 at)
{
	struct aod_smb_op *op = &ops[at];

	barrier_var(op);
	return op;
}

static __always_inline __u32 overflow_of(__u64 seq)
{
	return AOD_RING + ((HASH(seq) >> 32) & (AOD_OVERFLOW - PROBES));
}

/*
 * Where the record of an open request is; NOWHERE when it is not open any more. This and others are not static, and take and give numbers
 * alone: the verifier looks at them once, and not at every place where they are called.
 */
#define NOWHERE (AOD_RING + AOD_OVERFLOW)

__noinline __u32 place_of(__u64 seq)
{
	__u32 at = (seq - 1) & (AOD_RING - 1);

	if (op_pointer(at)->request == seq)
		return at;
	if (head - seq < AOD_RING)
		return NOWHERE;
	at = overflow_of(seq);
	for (__u32 i = 0; i < PROBES; i++, at++)
		if (op_pointer(at)->request == seq)
			return at;
	return NOWHERE;
}

static __always_inline struct aod_smb_op *op_at(__u32 at)
{
	if (at >= NOWHERE)
		return NULL;
	barrier_var(at); /* the verifier must see the check before the multiplication */
	return op_pointer(at);
}

static __always_inline struct aod_smb_op *op_of(__u64 seq)
{
	return op_at(place_of(seq));
}

/* A record that aod-probe gave up is used again: nothing may lead to it. */
static __always_inline void forget(const struct aod_smb_op *op)
{
	struct data_key key = { .session = op->session, .mid = op->mid, .command = op->command, .nth = op->chain };
	__u64 *seq;

	if (op->state != AOD_OP_GHOST || !is_data(op->command))
		return;
	seq = bpf_map_lookup_elem(&data, &key);
	if (seq && *seq == op->seq)
		bpf_map_delete_elem(&data, &key);
}

/* The ring is about to overwrite a request that is still open: keep it elsewhere. Rare. */
__noinline int overtake(__u32 position)
{
	struct aod_smb_op *op = &ops[position & (AOD_RING - 1)];
	__u64 seq = op->request;
	__u32 base = overflow_of(seq);

	if (!lock(PLACES))
		goto full;
	for (__u32 i = 0; i < PROBES; i++) {
		struct aod_smb_op *to = op_pointer(base + i);

		if (to->request)
			continue;
		forget(to);
		*(volatile __u64 *)&to->seq_check = 0;
		__builtin_memcpy(to, op, __builtin_offsetof(struct aod_smb_op, seq_check));
		to->flags |= AOD_F_OVERTAKEN;
		*(volatile __u64 *)&to->seq_check = op->seq;
		unlock(PLACES);
		return 0;
	}
	unlock(PLACES);
full:
	op->state = AOD_OP_GHOST;
	forget(op);
	count(&losses.overflow_full);
	return 0;
}

#endif
