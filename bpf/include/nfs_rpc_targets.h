/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* RPC clients: which server and which mount an op goes to. */
#ifndef AOD_NFS_RPC_TARGETS_H
#define AOD_NFS_RPC_TARGETS_H

#define LOOK_AGAIN 200000000ull /* ns: a client is there before its mount is */
#define MAX_SUPERS 256          /* mounts looked through in search of a client's */

/*
 * Finds the super block whose RPC client this is: it tells the minor version and the device. Mounts of one server share a client
 * for the state of NFSv4: that one has a minor version and no device.
 */
static __noinline int target_look(struct aod_rpc_target *t, __u64 client)
{
	if (!t || !bpf_core_type_exists(struct nfs_server))
		return 0;
	for (int type = 0; type < 2; type++) {
		struct file_system_type *fs = (void *)knobs.file_systems[type];
		struct hlist_node *node = fs ? BPF_CORE_READ(fs, fs_supers.first) : NULL;

		for (int i = 0; i < MAX_SUPERS && node; i++) {
			struct super_block *sb = (void *)((char *)node - bpf_core_field_offset(struct super_block, s_instances));
			struct nfs_server *server = BPF_CORE_READ(sb, s_fs_info);
			struct nfs_client *nfs = BPF_CORE_READ(server, nfs_client);
			bool own = (__u64)BPF_CORE_READ(server, client) == client;

			if (own || (__u64)BPF_CORE_READ(nfs, cl_rpcclient) == client) {
				t->minor = BPF_CORE_READ(nfs, cl_minorversion) + 1;
				if (own) {
					t->device = BPF_CORE_READ(sb, s_dev);
					return 0;
				}
			}
			node = BPF_CORE_READ(node, next);
		}
	}
	return 0;
}

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

/* The place of a client; 0, with the loss counted, when there is no room. `key`: its address, seen from our own memory. */
static __always_inline __u32 target_of(__u64 key, struct rpc_clnt *clnt, __u64 now)
{
	for (__u32 i = 0; i < PROBES; i++) {
		__u32 at = ((HASH(key) >> 57) + i) & (AOD_RPC_TARGETS - 1);
		struct aod_rpc_target *t = &targets[at];
		__u64 address;

		if (t->key != key) {
			if (!at || t->key || __sync_val_compare_and_swap(&t->key, 0, key))
				continue;
			target_fill(t, clnt);
		}
		if ((!t->device || !t->minor) && now - t->looked > LOOK_AGAIN) {
			t->looked = now;
			bpf_probe_read_kernel(&address, sizeof(address), &clnt);
			target_look(t, address);
		}
		return at;
	}
	count(&losses.targets_full);
	return 0;
}

/* The client is no more: its address may soon be another's. */
static __always_inline int target_gone(__u64 key)
{
	for (__u32 i = 0; i < PROBES; i++) {
		struct aod_rpc_target *t = &targets[((HASH(key) >> 57) + i) & (AOD_RPC_TARGETS - 1)];

		if (t->key == key) {
			t->key = 0;
			t->id = 0;
			t->looked = 0;
		}
	}
	return 0;
}

#endif
