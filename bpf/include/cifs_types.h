/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The fields of the kernel's structs that smb_wire reads; CO-RE finds their offsets. Kernel: fs/smb/client/cifsglob.h. */
#ifndef AOD_CIFS_TYPES_H
#define AOD_CIFS_TYPES_H

#include <stdbool.h>

#define CORE __attribute__((preserve_access_index))

struct kref {
	int refcount; /* only its address is used */
};

typedef struct {
	__u32 val;
} kuid_t;

struct cred {
	kuid_t uid;
} CORE;

struct task_struct {
	unsigned int flags;
	char comm[16];
	const struct cred *cred;
} CORE;
#define PF_KTHREAD 0x00200000

struct kvec {
	void *iov_base;
} CORE;

struct smb_rqst {
	struct kvec *rq_iov;
} CORE;

struct TCP_Server_Info {
	__u64 conn_id;
	__u16 dialect;
} CORE;

/* server and mid_flags: until 6.12, and not in 7.2, where the connection is an argument of whoever takes a request */
struct mid_q_entry {
	struct kref refcount;
	struct TCP_Server_Info *server;
	__u64 mid;
	struct task_struct *creator;
	void *callback_data;
	void *resp_buf;
	int mid_state;
	unsigned int mid_flags;
	__u16 command; /* little-endian, as is every machine that we build for */
} CORE;

struct work_struct {
	int data; /* only its address is used */
} CORE;

struct delayed_work {
	struct work_struct work;
} CORE;

struct cifsFileInfo {
	__u32 pid;
	struct delayed_work deferred;
} CORE;

/* since 6.10 */
struct cifs_io_request {
	struct cifsFileInfo *cfile;
} CORE;

struct cifs_io_subrequest {
	struct cifs_io_request *req;
	struct kvec iov[2];
} CORE;

/* before 6.10 */
struct cifs_readdata {
	struct kvec iov[2];
} CORE;

/* enum mid_state_values, since 5.10; mid_flags of 5.10 ... 6.12 */
#define MID_RESPONSE_RECEIVED 4
#define MID_RETRY_NEEDED 8
#define MID_SHUTDOWN 0x20
#define MID_RESPONSE_READY 0x40
#define MID_RC 0x80 /* in 7.2: killed by a reconnect for another dialect of the transport */
#define MID_WAIT_CANCELLED 1

/* in 7.2 */
struct mid_q_entry___bits {
	bool wait_cancelled : 1;
} CORE;

/* MS-SMB2 2.2.1: the part of the header that is read, from Flags on for requests, from Status on for responses */
struct smb2_request_part {
	__u32 flags;        /* offset 16 */
	__u32 next_command;
	__u64 message_id;
	__u32 process_id;
	__u32 tree_id;
	__u64 session_id;
};
#define SMB2_REQUEST_PART_AT 16
#define SMB2_COMMAND_AT 12

struct smb2_response_part {
	__u32 status;       /* offset 8 */
	__u16 command;
	__u16 credits;
	__u32 flags;
	__u32 next_command;
	__u64 message_id;
	__u64 async_id;
};
#define SMB2_RESPONSE_PART_AT 8

#define SMB2_FLAGS_ASYNC_COMMAND 0x2
#define SMB2_FLAGS_RELATED_OPERATIONS 0x4
#define SMB2_NEGOTIATE 0
#define SMB2_TREE_CONNECT 3
#define SMB2_CREATE 5
#define SMB2_CLOSE 6
#define SMB2_READ 8
#define SMB2_WRITE 9
#define SMB2_QUERY_DIRECTORY 14

#endif
