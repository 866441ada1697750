/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* RPC clients: which server and which mount an op goes to. */
#ifndef AOD_NFS_RPC_TARGETS_H
#define AOD_NFS_RPC_TARGETS_H

static __always_inline void target_fill(struct aod_rpc_target *t, struct rpc_clnt *clnt)
{
	struct rpc_xprt *xprt = BPF_CORE_READ(clnt, cl_xprt);

	t->client = BPF_CORE_READ(clnt, cl_clid);
	t->parent = BPF_CORE_READ(clnt, cl_parent, cl_clid);
	t->version = BPF_CORE_READ(clnt, cl_vers);
	t->minor = 0;
	t->device = 0;
	bpf_probe_read_kernel_str(t->server, sizeof(t->server), BPF_CORE_READ(xprt, servername));
	bpf_probe_read_kernel_str(t->address, sizeof(t->address), BPF_CORE_READ(xprt, address_strings[0]));
	*(volatile __u32 *)&t->id = __sync_fetch_and_add(&target_ids, 1) + 1;
}

/* The place of a client; 0, with the loss counted, when there is no room. */
static __always_inline __u32 target_of(struct rpc_clnt *clnt)
{
	__u64 key = (__u64)clnt;

	for (__u32 i = 0; i < PROBES; i++) {
		__u32 at = ((HASH(key) >> 57) + i) & (TARGETS - 1);
		struct aod_rpc_target *t = &targets[at];

		if (t->key == key)
			return at;
		if (at && !t->key && !__sync_val_compare_and_swap(&t->key, 0, key)) {
			target_fill(t, clnt);
			return at;
		}
	}
	count(&losses.targets_full);
	return 0;
}

/*
 * An op's super block tells the minor version of its mount, and whether the client is that of the mount. The mounts of a server share a client for
 * the state of NFSv4, which has no mount of its own: it has the same minor version.
 */
static __always_inline void target_learn(struct aod_rpc_target *t, struct rpc_clnt *clnt, struct super_block *sb)
{
	struct nfs_server *server = BPF_CORE_READ(sb, s_fs_info);
	struct nfs_client *nfs;
	__u64 main;

	if (!bpf_core_type_exists(struct nfs_server) || !bpf_core_type_exists(struct nfs_client) || BPF_CORE_READ(server, client) != clnt)
		return;
	nfs = BPF_CORE_READ(server, nfs_client);
	t->device = BPF_CORE_READ(sb, s_dev);
	t->minor = BPF_CORE_READ(nfs, cl_minorversion) + 1;
	main = (__u64)BPF_CORE_READ(nfs, cl_rpcclient);
	for (__u32 i = 0; i < PROBES; i++) {
		struct aod_rpc_target *other = &targets[((HASH(main) >> 57) + i) & (TARGETS - 1)];

		if (other->key == main)
			other->minor = t->minor;
	}
}

/* The client is no more: its address may soon be another's. */
static __always_inline int target_gone(__u64 key)
{
	for (__u32 i = 0; i < PROBES; i++) {
		struct aod_rpc_target *t = &targets[((HASH(key) >> 57) + i) & (TARGETS - 1)];

		if (t->key == key) {
			t->key = 0;
			t->id = 0;
		}
	}
	return 0;
}

#endif
