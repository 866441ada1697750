/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* READ and WRITE, whose answers come to whichever thread: found again by session and message. */
#ifndef AOD_SMB_TRACE_DATA_H
#define AOD_SMB_TRACE_DATA_H

static __always_inline int data_begin(const struct event *e)
{
	struct data_key key = { .session = e->session, .mid = e->mid, .command = e->command };
	__u64 seq = op_begin(e->session, e->mid, e->tree, e->command), *old;

	if (!seq)
		return 0;
	if (bpf_map_update_elem(&data, &key, &seq, BPF_NOEXIST)) {
		old = bpf_map_lookup_elem(&data, &key);
		/* of one that was given up, or another channel's */
		if (old && place_of(*old) < NOWHERE)
			op_new(seq)->chain = key.nth = 1;
		if (bpf_map_update_elem(&data, &key, &seq, BPF_ANY)) {
			op_new(seq)->state = AOD_OP_GHOST;
			op_new(seq)->request = 0;
			count(&losses.index_full);
		}
	}
	op_publish(seq);
	return 0;
}

static __always_inline int data_end(const struct event *e, __u32 status)
{
	struct data_key key = { .session = e->session, .mid = e->mid, .command = e->command };
	__u64 *found = bpf_map_lookup_elem(&data, &key), seq;
	__u32 tid = bpf_get_current_pid_tgid(), flags = AOD_F_STATUS;
	struct aod_smb_op *op;

	if (!found) {
		key.nth = 1;
		found = bpf_map_lookup_elem(&data, &key);
	}
	seq = found ? *found : 0;
	op = seq ? op_of(seq) : NULL;
	if (op && op->tid != tid) {
		flags |= AOD_F_ASYNC_CALL;
		learn_cifsd(op->target, tid);
	}
	if (seq)
		bpf_map_delete_elem(&data, &key);
	if (!seq || !op_end(seq, status, flags))
		count(&losses.unseen[command_of(e->command)]);
	return 0;
}

#endif
