// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * aod-probe --keys PATH: the keys of the encrypted SMB session that a file or directory belongs to, on one line of stdout:
 *
 *   SESSION CIPHER SESSION_KEY KEY_TO_SERVER KEY_TO_CLIENT      hexadecimal; the session's number as it stands on the wire
 *
 * Every call under a network mount may wait for the server for ever: the parent has a time limit. The requests are those of
 * fs/smb/client/cifs_ioctl.h.
 */
#define _GNU_SOURCE
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "probe.h"

#define FAILED 1
#define UNSUPPORTED 3

#define CIFS_SUPER 0xff534d42u
#define SMB2_SUPER 0xfe534d42u

struct key_info {
	__u64 session;
	__u16 cipher;
	__u8 session_key[16];
	__u8 to_server[16];
	__u8 to_client[16];
} __attribute__((packed));

struct full_key_info {
	__u32 in_size;
	__u64 session; /* in: 0 = that of the caller */
	__u16 cipher;
	__u8 session_key_length;
	__u8 to_server_length;
	__u8 to_client_length;
	__u8 keys[];
} __attribute__((packed));

#define DUMP_KEY _IOWR(0xcf, 8, struct key_info)
#define DUMP_FULL_KEY _IOWR(0xcf, 10, struct full_key_info)

#define AES128_GCM 2
#define MAX_KEYS (3 * 255)

static union {
	struct full_key_info head;
	__u8 bytes[sizeof(struct full_key_info) + MAX_KEYS];
} full;

static void print_hex(const void *data, size_t n)
{
	const __u8 *bytes = data;

	for (size_t i = 0; i < n; i++)
		printf("%02x", bytes[i]);
}

static void print_keys(__u64 session, __u16 cipher, const __u8 *key, size_t length, const __u8 *to_server, size_t to_server_length, const __u8 *to_client, size_t to_client_length)
{
	const __u64 wire = htole64(session);

	print_hex(&wire, sizeof(wire));
	printf(" %u ", cipher);
	print_hex(key, length);
	putchar(' ');
	print_hex(to_server, to_server_length);
	putchar(' ');
	print_hex(to_client, to_client_length);
	putchar('\n');
}

/* 0 or -errno. Not before 5.13. */
static int dump_full(int fd)
{
	const struct full_key_info *head = &full.head;
	const __u8 *to_server, *to_client;

	full.head = (struct full_key_info){ .in_size = sizeof(full) };
	if (ioctl(fd, DUMP_FULL_KEY, &full))
		return -errno;
	to_server = head->keys + head->session_key_length;
	to_client = to_server + head->to_server_length;
	print_keys(head->session, head->cipher, head->keys, head->session_key_length, to_server, head->to_server_length, to_client, head->to_client_length);
	return 0;
}

/* Ciphers with keys of 128 bits only. */
static int dump_short(int fd)
{
	struct key_info info = {};
	int err = 0;

	if (ioctl(fd, DUMP_KEY, &info))
		err = -errno;
	else if (info.cipher > AES128_GCM)
		err = -ENOTTY;
	else
		print_keys(info.session, info.cipher, info.session_key, sizeof(info.session_key), info.to_server, sizeof(info.to_server), info.to_client, sizeof(info.to_client));
	explicit_bzero(&info, sizeof(info));
	return err;
}

/* The kernel knows a directory's session only once it was read. */
static void read_directory(int fd)
{
	static char entries[4096];

	syscall(SYS_getdents64, fd, entries, sizeof(entries));
}

static int explain(const char *path, int error)
{
	switch (error) {
	case EOPNOTSUPP:
		fprintf(stderr, "the session of %s is not encrypted: what is captured of it can be read without keys\n", path);
		return UNSUPPORTED;
	case ENOTTY:
	case EINVAL:
		fprintf(stderr, "the kernel does not give the keys of %s: it is too old, or, where %s is a directory, name a file in it\n", path, path);
		return UNSUPPORTED;
	case EACCES:
	case EPERM:
		fprintf(stderr, "the keys of %s are for root alone (CAP_SYS_ADMIN)\n", path);
		return FAILED;
	default:
		fprintf(stderr, "%s: %s\n", path, strerror(error));
		return FAILED;
	}
}

static bool is_smb(int fd)
{
	struct statfs about;

	return !fstatfs(fd, &about) && ((__u32)about.f_type == CIFS_SUPER || (__u32)about.f_type == SMB2_SUPER);
}

/* Returns the exit status. */
int keys_run(const char *path)
{
	struct stat about;
	int fd, err;

	/* no core file, nobody who attaches */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return explain(path, errno);
	if (!is_smb(fd)) {
		fprintf(stderr, "%s is not on an SMB mount\n", path);
		close(fd);
		return UNSUPPORTED;
	}
	if (!fstat(fd, &about) && S_ISDIR(about.st_mode))
		read_directory(fd);
	err = dump_full(fd);
	if (err == -ENOTTY || err == -EINVAL)
		err = dump_short(fd);
	explicit_bzero(&full, sizeof(full));
	close(fd);
	if (err)
		return explain(path, -err);
	if (fflush(stdout)) {
		perror("aod-probe: stdout");
		return FAILED;
	}
	return 0;
}
