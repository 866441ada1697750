/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The contract of smb_vfs and nfs_vfs between the BPF programs, aod-probe and, through BTF, the TypeScript decoders.
 * Times are CLOCK_MONOTONIC in ns. Inode numbers are 0 where there was no inode. See docs/vfs-op.md for every field.
 */
#ifndef AOD_VFS_H
#define AOD_VFS_H

#include "smb_wire.h" /* AOD_BUCKETS */

#define AOD_VFS_CALLBACKS 192 /* at once */
#define AOD_VFS_ARGS 6
#define AOD_VFS_EXTRA 4
#define AOD_VFS_OBJECTS 2     /* arguments that have a name or a path */
#define AOD_VFS_TEXT 1024
#define AOD_VFS_TASKS 2048    /* tasks within a callback; power of two. Up to 5.10 an array may be 4 MiB large */
#define AOD_VFS_DEPTH 6       /* callbacks within each other, of one task */
#define AOD_VFS_DEVICES 16    /* mounted file systems with statistics of their own; power of two; 0 takes what finds no place */
#define AOD_VFS_TYPES 4

enum aod_vfs_type {
	AOD_VFS_FILE = 1,    /* file_operations, vm_operations_struct */
	AOD_VFS_INODE = 2,   /* inode_operations, dentry_operations */
	AOD_VFS_ADSPACE = 3, /* address_space_operations */
	AOD_VFS_SUPER = 4,   /* super_operations */
};

/* What an argument is, by its type in BTF, and what args[] and extra[] say of it. args[] is the number of the inode unless another thing is said. */
enum aod_vfs_kind {
	AOD_VFS_K_NONE = 0,     /* no such argument */
	AOD_VFS_K_NUMBER = 1,   /* args: as it is, zero-extended */
	AOD_VFS_K_SIGNED = 2,   /* args: as it is, sign-extended to 64 bits */
	AOD_VFS_K_FILE = 3,     /* struct file; has a name */
	AOD_VFS_K_INODE = 4,    /* struct inode */
	AOD_VFS_K_DENTRY = 5,   /* struct dentry; has a name */
	AOD_VFS_K_PATH = 6,     /* struct path; has a name */
	AOD_VFS_K_KIOCB = 7,    /* struct kiocb; has a name. args: ki_flags; pos: ki_pos */
	AOD_VFS_K_ITER = 8,     /* struct iov_iter. args and size: count, before anything was taken from it */
	AOD_VFS_K_FOLIO = 9,    /* struct folio. args: index; pos from it */
	AOD_VFS_K_PAGE = 10,    /* struct page. args: index; pos from it */
	AOD_VFS_K_MAPPING = 11, /* struct address_space */
	AOD_VFS_K_SUPER = 12,   /* struct super_block. args: s_dev */
	AOD_VFS_K_VMA = 13,     /* struct vm_area_struct or vm_area_desc. args: vm_flags; pos, size: the part of the file */
	AOD_VFS_K_FAULT = 14,   /* struct vm_fault; has a name. args: flags; pos from pgoff */
	AOD_VFS_K_WBC = 15,     /* struct writeback_control. args: nr_to_write, signed; extra: sync_mode, range_cyclic, range_start, range_end */
	AOD_VFS_K_LOCK = 16,    /* struct file_lock. args: fl_type; extra: fl_type, fl_flags, fl_start, fl_end */
	AOD_VFS_K_ATTR = 17,    /* struct iattr. args: ia_valid; extra: ia_valid, ia_mode, ia_size, uid << 32 | gid */
	AOD_VFS_K_RACTL = 18,   /* struct readahead_control; has a name. args: pages; pos and size from it */
	AOD_VFS_K_TEXT = 19,    /* const char *: a string of its own in text; args: 0 */
	AOD_VFS_K_OFFSET = 20,  /* loff_t *. args and pos: what it points to at entry, 0 for NULL */
	AOD_VFS_K_DIR = 21,     /* struct dir_context. args and pos: its position at entry */
	AOD_VFS_K_OTHER = 22,   /* args: 1, for NULL 0 */
};

enum aod_vfs_return {
	AOD_VFS_R_VOID = 0,    /* retval: 0 */
	AOD_VFS_R_INT = 1,     /* 32 bits, signed */
	AOD_VFS_R_LONG = 2,    /* 64 bits, signed */
	AOD_VFS_R_BOOL = 3,    /* 0 or 1 */
	AOD_VFS_R_POINTER = 4, /* retval: -errno, 0 for NULL, 1 for any other */
	AOD_VFS_R_FAULT = 5,   /* vm_fault_t: bits; an error where VM_FAULT_ERROR has one of them */
	AOD_VFS_R_UNSIGNED = 6, /* 32 bits, unsigned */
};

/* HELLO: after the hooks, of which there are none. Then callbacks x aod_vfs_callback. */
struct aod_vfs_hello {
	__u32 callbacks;
	__u32 types;  /* bit per (type - 1): what was asked for */
	__u8 shared;  /* callbacks that the module shares with others are attached */
	__u8 paths;   /* names are whole paths */
	__u16 pad;
	__u32 op_size; /* sizeof(struct aod_vfs_op) */
};

struct aod_vfs_callback {
	__u16 id;
	__u8 type;    /* enum aod_vfs_type */
	__u8 rung;    /* enum aod_rung */
	__u8 shared;  /* in another module or the kernel itself: others use it too */
	__u8 returns; /* enum aod_vfs_return */
	__u8 n_args;  /* that the function has; AOD_VFS_ARGS are seen */
	__u8 pad;
	__u8 kinds[AOD_VFS_ARGS + 2]; /* enum aod_vfs_kind */
	char function[48];
	char member[24];     /* read_iter */
	char table[40];      /* cifs_file_ops: the first one that has it */
	char module[16];     /* of the function; vmlinux */
	char arguments[96];  /* their names, comma-separated, where BTF has them */
	char why[96];        /* for what is not on the first rung: the reason */
};

enum aod_vfs_flag {
	AOD_VFS_F_ERROR = 1 << 0,  /* retval is an error */
	AOD_VFS_F_OPLOCK = 1 << 1, /* oplock is valid */
	AOD_VFS_F_POS = 1 << 2,    /* pos is valid */
	AOD_VFS_F_SIZE = 1 << 3,   /* size is valid */
	AOD_VFS_F_CUT = 1 << 4,    /* text is not whole: longer than there is room, or deeper than 32 directories */
	AOD_VFS_F_ALIAS = 1 << 5,  /* the name is not from an argument but one that the inode has in the cache */
	AOD_VFS_F_QUEUED = 1 << 6, /* it returned -EIOCBQUEUED: started, its end is not seen. Not an error */
};

/* One call that has ended. In OPS: each followed by text_size bytes of text, and those by zeros up to the next multiple of 8. */
struct aod_vfs_op {
	__u64 seq;     /* counts from 1: the ops that were handed out */
	__u64 started;
	__u64 ended;
	__s64 retval;
	__u64 cgroup;
	__u64 inode;   /* what it is about: the file; the object of the (first) directory entry */
	__u64 pos;
	__u64 size;
	__u64 args[AOD_VFS_ARGS];
	__u64 extra[AOD_VFS_EXTRA];
	__u32 tid;
	__u32 tgid;
	__u32 uid;     /* real user id of the task */
	__u32 device;  /* of the file system, as the kernel has it: major << 20 | minor; 0 = not known */
	__u32 flags;   /* enum aod_vfs_flag */
	__u16 callback;
	__u16 text_size;
	__u8 names[AOD_VFS_OBJECTS + 2]; /* NUL-terminated parts of text: of the first object, of the second, of the string argument, -. An object's are its name, then its directories, upwards */
	__u8 oplock;   /* cifsInodeInfo.oplock */
	__u8 depth;    /* 0 = called from outside the module's callbacks */
	__u16 pad;
	char comm[16];
};

/* Delta since the last tick. */
struct aod_vfs_tick {
	__u64 now;
	__u64 recursion_misses;
	__u32 entries;
	__u32 pad;
};

/* Then buckets x aod_bucket (AOD_HIST_LATENCY). */
struct aod_vfs_tick_entry {
	__u64 count;
	__u64 errors;
	__u32 device; /* 0 = those that found no place */
	__u16 callback;
	__u16 buckets;
};

/* INFLIGHT: aod_inflight, then ops x this. */
struct aod_vfs_running {
	__u64 started;
	__u64 inode;
	__u32 tid;
	__u32 tgid;
	__u32 device;
	__u16 callback;
	__u16 depth;
	char comm[16];
};

/* Written by aod-probe at any time. */
struct aod_vfs_tunables {
	__u64 slow_ns[AOD_VFS_TYPES]; /* by type - 1. At least this long: handed out; 0 = every one, all ones = none */
	__u32 error_types;            /* bit per (type - 1): errors are handed out */
	__u32 tgid;                   /* only of this process; 0 = any. Statistics have all */
	__u32 device;                 /* only of this file system; 0 = any */
	__u32 pad;
};

/* AOD_REQUEST_SET of smb_vfs and nfs_vfs. */
struct aod_vfs_settings {
	struct aod_vfs_tunables vfs;
	__u64 inflight_ns; /* INFLIGHT carries calls at least this old; 0 = all, all ones = none */
};

struct aod_vfs_losses {
	__u64 tasks_full;   /* a call that found no place: not seen */
	__u64 depth_full;   /* a call within too many others: not seen */
	__u64 devices_full; /* counted under device 0 */
	__u64 ringbuf_full; /* an op that did not reach user space */
	__u64 names_full;   /* an op without its names */
	__u64 ghosts;       /* a begin whose end was missed, found when its place was used again */
	__u64 unseen[AOD_VFS_CALLBACKS]; /* an end without a seen begin */
};

/* What follows is between the programs and aod-probe alone. */

#define AOD_VFS_MARKER 0x0a0dca11 /* stands where a clone of a program has the number of its callback */
#define AOD_VFS_NO_ARG 0xff
#define AOD_VFS_K_VMA_DESC 64     /* struct vm_area_desc, else as AOD_VFS_K_VMA */
#define AOD_VFS_SLOTS 128         /* ops that are being written; power of two */
#define AOD_VFS_NAME 256          /* NAME_MAX + 1 */
#define AOD_VFS_PEEK 1024

/* What the programs must know of a callback. Constant once loaded, so that the verifier leaves in each clone only what its callback needs. */
struct aod_vfs_config {
	__u8 kinds[AOD_VFS_ARGS];  /* enum aod_vfs_kind */
	__u8 shifts[AOD_VFS_ARGS]; /* of a number: 64 - its bits */
	__u8 type;
	__u8 returns;
	__u8 n_args;
	__u8 shared;
	__u8 subject;  /* the argument that leads to the inode */
	__u8 second;   /* where that is NULL: the next one that may */
	__u8 objects[AOD_VFS_OBJECTS]; /* arguments with names */
	__u8 text;     /* the argument that is a string */
	__u8 early;    /* it changes names: they are read before */
	__u8 inode_ends; /* the inode is gone after it */
	__u8 instances;  /* kretprobe: returns that the kernel can wait for at once; 0 = any number */
};

struct aod_vfs_knobs {
	__u64 magic[2];   /* of the protocol's file systems; 0 = none */
	__u32 page_shift;
	__u8 paths;
	__u8 cifs;        /* inodes are cifsInodeInfo */
	__u16 pad;
};

/* A call that has begun. started is written last and zeroed first. */
struct aod_vfs_frame {
	__u64 started;
	__u64 ended;
	__u64 sp;     /* of the caller, or thereabouts: deeper calls have smaller ones */
	__u64 inode;  /* its number */
	__u64 where;  /* its address */
	__u64 sb;
	__u64 objects[AOD_VFS_OBJECTS]; /* struct file or struct dentry */
	__u64 pos;
	__u64 size;
	__u64 args[AOD_VFS_ARGS];
	__u64 extra[AOD_VFS_EXTRA];
	__s64 retval;
	__u32 device;
	__u32 flags;
	__u32 slot;   /* + 1: its names are there */
	__u32 place;  /* of the device's statistics */
	__u16 callback;
	__u16 pad;
	__u32 pad2;
};

struct aod_vfs_task {
	__u64 id;    /* tgid << 32 | tid */
	__u32 depth; /* 0 = free */
	__u32 claim; /* how many want it; it is his who finds himself alone */
	__u64 sp;
	char comm[16];
	struct aod_vfs_frame frames[AOD_VFS_DEPTH];
};

/* Per device and callback. The buckets wrap: readers take differences. */
struct aod_vfs_stats {
	__u64 count;
	__u64 errors;
	__u32 buckets[AOD_BUCKETS];
};

struct aod_vfs_device {
	__u32 device; /* 0 = free */
	__u32 claim;
};

/* Where an op is put together. */
struct aod_vfs_slot {
	__u32 claim;
	__u32 text_size;
	__u8 names[AOD_VFS_OBJECTS + 2];
	__u32 flags;
	struct aod_vfs_op op;
	char text[AOD_VFS_TEXT + AOD_VFS_NAME]; /* follows op: they leave together */
};

#endif
