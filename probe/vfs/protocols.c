// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The tables that the SMB and NFS clients give to the VFS; what a kernel does not have is left out. Kernel: fs/smb/client/cifsfs.c, fs/nfs/{file,dir,super}.c and others. */
#include "vfs.h"

#define FILES(name) { name, "file_operations", AOD_VFS_FILE }
#define MAPS(name) { name, "vm_operations_struct", AOD_VFS_FILE }
#define INODES(name) { name, "inode_operations", AOD_VFS_INODE }
#define DENTRIES(name) { name, "dentry_operations", AOD_VFS_INODE }
#define SPACES(name) { name, "address_space_operations", AOD_VFS_ADSPACE }
#define SUPERS(name) { name, "super_operations", AOD_VFS_SUPER }

static const char *const smb_modules[] = { "cifs", NULL };
static const struct vfs_table smb_tables[] = {
	FILES("cifs_file_ops"),
	FILES("cifs_file_strict_ops"),
	FILES("cifs_file_direct_ops"),
	FILES("cifs_file_nobrl_ops"),
	FILES("cifs_file_strict_nobrl_ops"),
	FILES("cifs_file_direct_nobrl_ops"),
	FILES("cifs_dir_ops"),
	MAPS("cifs_file_vm_ops"),
	INODES("cifs_dir_inode_ops"),
	INODES("cifs_file_inode_ops"),
	INODES("cifs_symlink_inode_ops"),
	INODES("cifs_namespace_inode_operations"),
	INODES("cifs_dfs_referral_inode_operations"),
	INODES("cifs_ipc_inode_ops"),
	DENTRIES("cifs_dentry_ops"),
	DENTRIES("cifs_ci_dentry_ops"),
	SPACES("cifs_addr_ops"),
	SPACES("cifs_addr_ops_smallbuf"),
	SUPERS("cifs_super_ops"),
};

static const char *const nfs_modules[] = { "nfs", "nfsv2", "nfsv3", "nfsv4", NULL };
static const struct vfs_table nfs_tables[] = {
	FILES("nfs_file_operations"),
	FILES("nfs4_file_operations"),
	FILES("nfs_dir_operations"),
	MAPS("nfs_file_vm_ops"),
	INODES("nfs_dir_inode_operations"),
	INODES("nfs3_dir_inode_operations"),
	INODES("nfs4_dir_inode_operations"),
	INODES("nfs_file_inode_operations"),
	INODES("nfs3_file_inode_operations"),
	INODES("nfs4_file_inode_operations"),
	INODES("nfs_symlink_inode_operations"),
	INODES("nfs_mountpoint_inode_operations"),
	INODES("nfs_referral_inode_operations"),
	DENTRIES("nfs_dentry_operations"),
	DENTRIES("nfs4_dentry_operations"),
	SPACES("nfs_file_aops"),
	SPACES("nfs_dir_aops"),
	SUPERS("nfs_sops"),
	SUPERS("nfs4_sops"),
};

/* CIFS_SUPER_MAGIC, SMB2_SUPER_MAGIC; NFS_SUPER_MAGIC: include/uapi/linux/magic.h */
const struct vfs_protocol smb_protocol = {
	.modules = smb_modules, .tables = smb_tables, .n_tables = ARRAY_SIZE(smb_tables), .magic = { 0xff534d42, 0xfe534d42 }, .cifs = true,
};
const struct vfs_protocol nfs_protocol = {
	.modules = nfs_modules, .tables = nfs_tables, .n_tables = ARRAY_SIZE(nfs_tables), .magic = { 0x6969 },
};
