/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What an RPC is about: the arguments of the procedures that name a file, or carry the handle of one. Kernel: include/linux/nfs_xdr.h.
 */
#ifndef AOD_NFS_ARGS_H
#define AOD_NFS_ARGS_H

#include "nfs_procedures.h"

struct nfs4_lookup_arg {
	const struct nfs_fh *dir_fh;
	const struct qstr *name;
} CORE;

struct nfs_removeargs {
	const struct nfs_fh *fh;
	struct qstr name;
} CORE;

struct nfs_renameargs {
	const struct nfs_fh *old_dir;
	const struct qstr *old_name;
} CORE;

struct nfs4_create_arg {
	const struct qstr *name;
	const struct nfs_fh *dir_fh;
} CORE;

struct nfs4_link_arg {
	const struct nfs_fh *dir_fh;
	const struct qstr *name;
} CORE;

/* these two: a name in a directory; all others: the file itself */
enum open_claim_type4 {
	NFS4_OPEN_CLAIM_NULL = 0,
	NFS4_OPEN_CLAIM_DELEGATE_CUR = 2,
};

struct nfs_openargs {
	const struct nfs_fh *fh;
	const struct qstr *name;
	enum open_claim_type4 claim;
} CORE;

/* also the beginning of nfs3_createargs, nfs3_mkdirargs, nfs3_symlinkargs and nfs3_mknodargs */
struct nfs3_diropargs {
	struct nfs_fh *fh;
	const char *name;
} CORE;

struct nfs3_linkargs {
	struct nfs_fh *tofh;
	const char *toname;
} CORE;

/* also nfs4_accessargs, nfs_setattrargs, nfs_closeargs, nfs4_readdir_arg, nfs4_readlink, nfs4_statfs_arg: the handle follows the sequence */
struct nfs4_getattr_arg {
	const struct nfs_fh *fh;
} CORE;

/* has its own copy of the handle */
struct nfs4_delegreturndata {
	struct inode *inode;
} CORE;

/* Where an op leads to: a file, or a directory and a name in it. */
struct subject {
	struct inode *inode;
	const struct nfs_fh *handle;
	const void *name;
	__u64 offset;
	__u32 count;
	bool range;
};

static __always_inline void about_data(struct subject *about, void *data)
{
	struct nfs_pgio_header *header = data;

	about->inode = BPF_CORE_READ(header, inode);
	about->offset = BPF_CORE_READ(header, args.offset);
	about->count = BPF_CORE_READ(header, args.count);
	about->range = true;
}

static __always_inline void about_commit(struct subject *about, void *data)
{
	struct nfs_commit_data *commit = data;

	about->inode = BPF_CORE_READ(commit, inode);
	about->offset = BPF_CORE_READ(commit, args.offset);
	about->count = BPF_CORE_READ(commit, args.count);
	about->range = true;
}

/* Where a type is missing (nfsv4 is not loaded) nothing is known; its members must not be asked for, or the verifier refuses the program. */
#define HAS(type) bpf_core_type_exists(struct type)

struct nfs4_session {
	struct nfs_client *clp;
} CORE;

struct nfs4_slot_table {
	struct nfs4_session *session;
} CORE;

struct nfs4_slot {
	struct nfs4_slot_table *table;
} CORE;

struct nfs4_sequence_args {
	struct nfs4_slot *sa_slot;
} CORE;

/*
 * Minor version + 1 of an op in a session, 0 if that can not be told: most arguments begin with the slot, and what does not is found out by
 * what the session should lead back to.
 */
static __always_inline __u32 minor_of_slot(const struct rpc_task *task, const struct rpc_clnt *clnt)
{
	struct nfs4_sequence_args *args = BPF_CORE_READ(task, tk_msg.rpc_argp);
	const struct rpc_clnt *main;
	struct nfs_client *nfs;

	if (!HAS(nfs4_sequence_args) || !HAS(nfs4_slot) || !HAS(nfs4_slot_table) || !HAS(nfs4_session) || !HAS(nfs_client))
		return 0;
	nfs = BPF_CORE_READ(args, sa_slot, table, session, clp);
	main = nfs ? BPF_CORE_READ(nfs, cl_rpcclient) : NULL;
	if (!main || (main != clnt && main != BPF_CORE_READ(clnt, cl_parent)))
		return 0;
	return BPF_CORE_READ(nfs, cl_minorversion) + 1;
}

static __always_inline void about_v4(struct subject *about, __u32 procedure, void *argp, void *data)
{
	switch (procedure) {
	case V4_READ:
	case V4_WRITE:
	case V4_READ_PLUS:
		if (HAS(nfs_pgio_header))
			about_data(about, data);
		break;
	case V4_COMMIT:
		if (HAS(nfs_commit_data))
			about_commit(about, data);
		break;
	case V4_OPEN:
	case V4_OPEN_NOATTR:
		if (HAS(nfs_openargs)) {
			enum open_claim_type4 claim = BPF_CORE_READ((struct nfs_openargs *)argp, claim);

			about->handle = BPF_CORE_READ((struct nfs_openargs *)argp, fh);
			if (claim == NFS4_OPEN_CLAIM_NULL || claim == NFS4_OPEN_CLAIM_DELEGATE_CUR)
				about->name = BPF_CORE_READ((struct nfs_openargs *)argp, name, name);
		}
		break;
	case V4_LOOKUP:
		if (HAS(nfs4_lookup_arg)) {
			about->handle = BPF_CORE_READ((struct nfs4_lookup_arg *)argp, dir_fh);
			about->name = BPF_CORE_READ((struct nfs4_lookup_arg *)argp, name, name);
		}
		break;
	case V4_REMOVE:
		if (HAS(nfs_removeargs)) {
			about->handle = BPF_CORE_READ((struct nfs_removeargs *)argp, fh);
			about->name = BPF_CORE_READ((struct nfs_removeargs *)argp, name.name);
		}
		break;
	case V4_RENAME:
		if (HAS(nfs_renameargs)) {
			about->handle = BPF_CORE_READ((struct nfs_renameargs *)argp, old_dir);
			about->name = BPF_CORE_READ((struct nfs_renameargs *)argp, old_name, name);
		}
		break;
	case V4_LINK:
		if (HAS(nfs4_link_arg)) {
			about->handle = BPF_CORE_READ((struct nfs4_link_arg *)argp, dir_fh);
			about->name = BPF_CORE_READ((struct nfs4_link_arg *)argp, name, name);
		}
		break;
	case V4_SYMLINK:
	case V4_CREATE:
		if (HAS(nfs4_create_arg)) {
			about->handle = BPF_CORE_READ((struct nfs4_create_arg *)argp, dir_fh);
			about->name = BPF_CORE_READ((struct nfs4_create_arg *)argp, name, name);
		}
		break;
	case V4_CLOSE:
	case V4_SETATTR:
	case V4_ACCESS:
	case V4_GETATTR:
	case V4_STATFS:
	case V4_READLINK:
	case V4_READDIR:
		if (HAS(nfs4_getattr_arg))
			about->handle = BPF_CORE_READ((struct nfs4_getattr_arg *)argp, fh);
		break;
	case V4_DELEGRETURN:
		if (HAS(nfs4_delegreturndata))
			about->inode = BPF_CORE_READ((struct nfs4_delegreturndata *)data, inode);
		break;
	}
}

static __always_inline void about_v3(struct subject *about, __u32 procedure, void *argp, void *data)
{
	switch (procedure) {
	case V3_READ:
	case V3_WRITE:
		if (HAS(nfs_pgio_header))
			about_data(about, data);
		break;
	case V3_COMMIT:
		if (HAS(nfs_commit_data))
			about_commit(about, data);
		break;
	case V3_LOOKUP:
	case V3_CREATE:
	case V3_MKDIR:
	case V3_SYMLINK:
	case V3_MKNOD:
	case V3_RMDIR:
		if (HAS(nfs3_diropargs)) {
			about->handle = BPF_CORE_READ((struct nfs3_diropargs *)argp, fh);
			about->name = BPF_CORE_READ((struct nfs3_diropargs *)argp, name);
		}
		break;
	case V3_LINK:
		if (HAS(nfs3_linkargs)) {
			about->handle = BPF_CORE_READ((struct nfs3_linkargs *)argp, tofh);
			about->name = BPF_CORE_READ((struct nfs3_linkargs *)argp, toname);
		}
		break;
	case V3_REMOVE:
		if (HAS(nfs_removeargs)) {
			about->handle = BPF_CORE_READ((struct nfs_removeargs *)argp, fh);
			about->name = BPF_CORE_READ((struct nfs_removeargs *)argp, name.name);
		}
		break;
	case V3_RENAME:
		if (HAS(nfs_renameargs)) {
			about->handle = BPF_CORE_READ((struct nfs_renameargs *)argp, old_dir);
			about->name = BPF_CORE_READ((struct nfs_renameargs *)argp, old_name, name);
		}
		break;
	case V3_GETATTR: /* the handle itself is the argument */
	case V3_FSSTAT:
		about->handle = argp;
		break;
	case V3_SETATTR: /* of these the handle comes first, as in nfs3_diropargs */
	case V3_ACCESS:
	case V3_READLINK:
	case V3_READDIR:
	case V3_READDIRPLUS:
		if (HAS(nfs3_diropargs))
			about->handle = BPF_CORE_READ((struct nfs3_diropargs *)argp, fh);
		break;
	}
}

/*
 * The client hands its procedures the handle that lies in the inode; one that lies elsewhere (while mounting) is told from it by what would be
 * its super block.
 */
static __always_inline struct inode *inode_of_handle(const struct nfs_fh *handle)
{
	struct nfs_inode *nfsi;
	struct inode *inode;

	if (!handle || !HAS(nfs_inode))
		return NULL;
	nfsi = (void *)((char *)handle - bpf_core_field_offset(struct nfs_inode, fh));
	inode = (void *)((char *)nfsi + bpf_core_field_offset(struct nfs_inode, vfs_inode));
	return BPF_CORE_READ(inode, i_sb, s_magic) == NFS_SUPER_MAGIC ? inode : NULL;
}

static __always_inline void about_op(struct subject *about, const struct rpc_task *task, __u32 version, __u32 procedure)
{
	void *argp = BPF_CORE_READ(task, tk_msg.rpc_argp), *data = BPF_CORE_READ(task, tk_calldata);

	__builtin_memset(about, 0, sizeof(*about));
	if (version == 4)
		about_v4(about, procedure, argp, data);
	else if (version == 3)
		about_v3(about, procedure, argp, data);
	if (!about->inode)
		about->inode = inode_of_handle(about->handle);
}

/* A name under which the inode is known here; it may have others. */
static __always_inline struct dentry *alias_of(struct inode *inode)
{
	struct hlist_node *node = inode ? BPF_CORE_READ(inode, i_dentry.first) : NULL;

	if (!node)
		return NULL;
	if (bpf_core_field_exists(struct dentry___flat, d_alias))
		return (void *)((char *)node - bpf_core_field_offset(struct dentry___flat, d_alias));
	return (void *)((char *)node - bpf_core_field_offset(struct dentry, d_u.d_alias));
}

#endif
