/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The kernel's types as far as the VFS programs read them. The offsets are those of the running kernel (CO-RE). */
#ifndef AOD_VFS_TYPES_H
#define AOD_VFS_TYPES_H

#include <linux/types.h>
#include <stdbool.h>

#define CORE __attribute__((preserve_access_index))

struct super_block;
struct address_space;

struct hlist_node {
	struct hlist_node *next;
} CORE;

struct hlist_head {
	struct hlist_node *first;
} CORE;

struct inode {
	struct super_block *i_sb;
	unsigned long i_ino;
	struct hlist_head i_dentry;
} CORE;

struct qstr {
	const unsigned char *name;
} CORE;

struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
	struct super_block *d_sb;
} CORE;

struct dentry___union { /* until 7.1 */
	union {
		struct hlist_node d_alias;
	} d_u;
} CORE;

struct dentry___anonymous {
	struct hlist_node d_alias;
} CORE;

struct super_block {
	__u32 s_dev;
	unsigned long s_magic;
	struct dentry *s_root;
} CORE;

struct path {
	struct dentry *dentry;
} CORE;

struct file {
	struct inode *f_inode;
	struct path f_path;
} CORE;

struct address_space {
	struct inode *host;
} CORE;

struct page {
	struct address_space *mapping;
	unsigned long index;
} CORE;

struct folio {
	struct address_space *mapping;
	unsigned long index;
} CORE;

struct kiocb {
	struct file *ki_filp;
	__s64 ki_pos;
	int ki_flags;
} CORE;

struct iov_iter {
	unsigned long count;
} CORE;

struct dir_context {
	__s64 pos;
} CORE;

struct vm_area_struct {
	unsigned long vm_start;
	unsigned long vm_end;
	unsigned long vm_pgoff;
	unsigned long vm_flags;
	struct file *vm_file;
} CORE;

struct vm_area_desc { /* since 6.17 */
	unsigned long start;
	unsigned long end;
	unsigned long pgoff;
	struct file *file;
} CORE;

struct vm_fault {
	struct vm_area_struct *vma;
	unsigned long pgoff;
	unsigned int flags;
} CORE;

enum fault_flag { FAULT_FLAGS };

struct vm_fault___enum { /* since 5.13 */
	enum fault_flag flags;
} CORE;

struct readahead_control {
	struct file *file;
	struct address_space *mapping;
	unsigned long _index;
	unsigned int _nr_pages;
} CORE;

enum writeback_sync_modes { WB_SYNC_MODES };

struct writeback_control {
	long nr_to_write;
	__s64 range_start;
	__s64 range_end;
	enum writeback_sync_modes sync_mode;
	unsigned int range_cyclic : 1;
} CORE;

struct file_lock {
	__s64 fl_start;
	__s64 fl_end;
} CORE;

struct file_lock___old { /* until 6.8 */
	unsigned int fl_flags;
	unsigned char fl_type;
} CORE;

struct file_lock_core {
	unsigned int flc_flags;
	unsigned char flc_type;
} CORE;

struct file_lock___core {
	struct file_lock_core c;
} CORE;

typedef struct {
	__u32 val;
} kuid_t;

typedef struct {
	__u32 val;
} kgid_t;

struct iattr {
	unsigned int ia_valid;
	unsigned short ia_mode;
	kuid_t ia_uid;
	kgid_t ia_gid;
	__s64 ia_size;
} CORE;

struct netfs_inode {
	struct inode inode;
} CORE;

struct cifsInodeInfo {
	unsigned int oplock;
} CORE;

struct cifsInodeInfo___netfs { /* since 6.0 */
	struct netfs_inode netfs;
} CORE;

struct cifsInodeInfo___plain {
	struct inode vfs_inode;
} CORE;

#endif
