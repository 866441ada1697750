/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The fields of the kernel's structs that nfs_rpc reads; CO-RE finds their offsets. Kernel: include/linux/sunrpc, include/linux/nfs_{fs,fs_sb,xdr}.h. */
#ifndef AOD_NFS_TYPES_H
#define AOD_NFS_TYPES_H

#define CORE __attribute__((preserve_access_index))

#define NFS_PROGRAM 100003
#define NFS_SUPER_MAGIC 0x6969
#define RPC_TASK_ASYNC 0x0001 /* the same from 5.10 to 7.2 */
#define RPC_TASK_SOFT 0x0200
#define PF_KTHREAD 0x00200000

/* negative in tk_status: what the client answers with sleeping and trying again */
#define EJUKEBOX 528
#define NFS4ERR_DELAY 10008
#define NFS4ERR_GRACE 10013
#define NFS4ERR_RETRY_UNCACHED_REP 10068

struct task_struct {
	unsigned int flags;
	char comm[16];
} CORE;

typedef struct {
	unsigned int val;
} kuid_t;

struct cred {
	kuid_t fsuid;
} CORE;

struct rpc_procinfo {
	__u32 p_proc;
	__u32 p_statidx;
	const char *p_name;
} CORE;

struct rpc_message {
	const struct rpc_procinfo *rpc_proc;
	void *rpc_argp;
	const struct cred *rpc_cred;
} CORE;

struct rpc_xprt {
	const char *servername;
	const char *address_strings[6];
} CORE;

struct rpc_clnt {
	unsigned int cl_clid;
	struct rpc_xprt *cl_xprt;
	__u32 cl_prog;
	__u32 cl_vers;
	struct rpc_clnt *cl_parent;
} CORE;

struct rpc_rqst {
	__u32 rq_xid; /* big-endian */
	unsigned long rq_xmit_bytes_sent;
	unsigned long rq_reply_bytes_recvd;
	int rq_ntrans;
} CORE;

struct rpc_task {
	int tk_status;
	struct rpc_message tk_msg;
	void *tk_calldata;
	struct rpc_clnt *tk_client;
	struct rpc_rqst *tk_rqstp;
	__s64 tk_start;
	int tk_rpc_status;
	unsigned short tk_flags;
	unsigned short tk_timeouts;
} CORE;

struct hlist_node {
	struct hlist_node *next;
} CORE;

struct hlist_head {
	struct hlist_node *first;
} CORE;

struct super_block {
	__u32 s_dev;
	unsigned long s_magic;
	void *s_fs_info;
} CORE;

struct qstr {
	__u32 len;
	const unsigned char *name;
} CORE;

struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
	union {
		struct hlist_node d_alias;
	} d_u;
} CORE;

/* since 7.0 */
struct dentry___flat {
	struct hlist_node d_alias;
} CORE;

struct inode {
	struct super_block *i_sb;
	unsigned long i_ino;
	struct hlist_head i_dentry;
} CORE;

struct nfs_fh {
	unsigned short size;
} CORE;

struct nfs_inode {
	__u64 fileid;
	struct nfs_fh fh;
	struct inode vfs_inode;
} CORE;

struct nfs_client {
	struct rpc_clnt *cl_rpcclient;
	__u32 cl_minorversion;
} CORE;

struct nfs_server {
	struct nfs_client *nfs_client;
	struct rpc_clnt *client;
} CORE;

struct nfs_pgio_args {
	__u64 offset;
	__u32 count;
} CORE;

struct nfs_pgio_header {
	struct inode *inode;
	struct nfs_pgio_args args;
} CORE;

struct nfs_commitargs {
	__u64 offset;
	__u32 count;
} CORE;

struct nfs_commit_data {
	struct inode *inode;
	struct nfs_commitargs args;
} CORE;

#endif
