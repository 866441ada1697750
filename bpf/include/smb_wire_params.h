/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a request asks for, copied as it stands on the wire; only when the knob asks for it, else the verifier leaves it out.
 * A request is an array of buffers: the first holds the header and the fixed part, the second, where there is one, a name or
 * data. Never data: of the second buffer only what three commands say is their name.
 */
#ifndef AOD_SMB_WIRE_PARAMS_H
#define AOD_SMB_WIRE_PARAMS_H

#define SMB2_HEADER 64
#define MAX_DIALECTS 8

/* struct kvec, which has not changed since it exists */
struct request_buffer {
	__u64 base;
	__u64 size;
};

/* Where in the fixed part the length of the name stands (MS-SMB2 2.2.9, 2.2.13, 2.2.33); 0: the command has none. */
static __always_inline __u32 name_length_at(__u16 command)
{
	switch (command) {
	case SMB2_TREE_CONNECT:
		return 6;
	case SMB2_CREATE:
		return 46;
	case SMB2_QUERY_DIRECTORY:
		return 26;
	}
	return 0;
}

/* Without its variable part, whose first byte makes StructureSize odd; the dialects of a NEGOTIATE are wanted too. */
static __always_inline __u32 fixed_size_of(__u16 command, const __u16 *start)
{
	__u32 size = start[0] & ~1u;

	if (command == SMB2_NEGOTIATE)
		size += sizeof(__u16) * (start[1] < MAX_DIALECTS ? start[1] : MAX_DIALECTS);
	return size;
}

static __always_inline __u32 at_most(__u32 size, __u64 limit)
{
	return size < limit ? size : limit;
}

static __always_inline void params_fixed(struct aod_smb_params *p, __u64 seq, __u16 command, const struct request_buffer *buffer)
{
	__u16 start[2] = {};
	__u32 size;

	p->seq = seq;
	p->command = command;
	p->text_size = 0;
	p->pad = 0;
	bpf_probe_read_kernel(start, sizeof(start), (void *)buffer->base + SMB2_HEADER);
	size = at_most(fixed_size_of(command, start), buffer->size > SMB2_HEADER ? buffer->size - SMB2_HEADER : 0);
	size = at_most(size, AOD_PARAMS_FIXED);
	barrier_var(size);
	if (size > AOD_PARAMS_FIXED || bpf_probe_read_kernel(p->fixed, size, (void *)buffer->base + SMB2_HEADER))
		size = 0;
	p->fixed_size = size;
}

/* Two programs, because the verifier must know the size of what is reserved. */
static __noinline int params_plain(__u64 seq, __u16 command, void *buffers)
{
	struct aod_smb_params *p = bpf_ringbuf_reserve(&outliers, __builtin_offsetof(struct aod_smb_params, text), 0);
	struct request_buffer buffer = {};

	if (!p) {
		count(&losses.params_full);
		return 0;
	}
	bpf_probe_read_kernel(&buffer, sizeof(buffer), buffers);
	params_fixed(p, seq, command, &buffer);
	bpf_ringbuf_submit(p, 0);
	return 0;
}

static __noinline int params_named(__u64 seq, __u16 command, void *buffers)
{
	struct aod_smb_params *p = bpf_ringbuf_reserve(&outliers, sizeof(*p), 0);
	struct request_buffer both[2] = {};
	__u16 length = 0;
	__u32 size;

	if (!p) {
		count(&losses.params_full);
		return 0;
	}
	bpf_probe_read_kernel(both, sizeof(both), buffers);
	params_fixed(p, seq, command, &both[0]);
	bpf_probe_read_kernel(&length, sizeof(length), (void *)both[0].base + SMB2_HEADER + name_length_at(command));
	size = at_most(length, both[1].size);
	size = at_most(size, AOD_PARAMS_TEXT);
	barrier_var(size);
	if (size > AOD_PARAMS_TEXT || bpf_probe_read_kernel(p->text, size, (void *)both[1].base))
		size = 0;
	p->text_size = size;
	bpf_ringbuf_submit(p, 0);
	return 0;
}

static __always_inline void params_send(__u64 seq, __u16 command, const struct smb_rqst *rqst)
{
	void *buffers = BPF_CORE_READ(rqst, rq_iov);

	if (name_length_at(command))
		params_named(seq, command, buffers);
	else
		params_plain(seq, command, buffers);
}

#endif
