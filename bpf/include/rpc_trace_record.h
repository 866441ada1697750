/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads the record of a trace point, which is `ctx`. */
#ifndef AOD_RPC_TRACE_RECORD_H
#define AOD_RPC_TRACE_RECORD_H

static __always_inline __u64 long_at(const void *ctx, enum aod_rpc_at field)
{
	__u64 value = 0;

	bpf_probe_read_kernel(&value, sizeof(value), ctx + layout.at[field]);
	return value;
}

static __always_inline __u32 number_at(const void *ctx, enum aod_rpc_at field)
{
	__u32 value = 0;

	bpf_probe_read_kernel(&value, sizeof(value), ctx + layout.at[field]);
	return value;
}

/* The field says where the text stands in the record. */
static __always_inline void text_at(char *to, __u32 size, const void *ctx, enum aod_rpc_at field)
{
	if (bpf_probe_read_kernel_str(to, size, ctx + (number_at(ctx, field) & 0xffff)) < 0)
		to[0] = 0;
}

static __always_inline bool is_nfs(const void *ctx, enum aod_rpc_at field)
{
	char text[8] = {};

	text_at(text, sizeof(text), ctx, field);
	return text[0] == 'n' && text[1] == 'f' && text[2] == 's' && !text[3];
}

static __always_inline __u64 key_at(const void *ctx, enum aod_rpc_at client, enum aod_rpc_at task)
{
	return request_of(number_at(ctx, client), number_at(ctx, task));
}

/* The number of a procedure; that of all unknown ones when the name is newer than this program. */
static __always_inline __u32 number_of(const struct aod_rpc_number *name)
{
	const __u32 place = aod_rpc_name_place(name->words, name->version);

	for (__u32 i = 0; i < AOD_RPC_NAME_PROBES; i++) {
		const struct aod_rpc_number *n = &numbers[(place + i) & (AOD_RPC_NAMES - 1)];

		if (n->version == name->version && n->words[0] == name->words[0] && n->words[1] == name->words[1] && n->words[2] == name->words[2])
			return n->number;
	}
	return AOD_RPC_PROCEDURES - 1;
}

static __always_inline void name_at(struct aod_rpc_number *name, const void *ctx, enum aod_rpc_at field, __u32 version)
{
	__builtin_memset(name, 0, sizeof(*name));
	text_at(name->text, sizeof(name->text), ctx, field);
	name->version = version == 4 ? 4 : 3;
}

#endif
