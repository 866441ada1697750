// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Whether a task waits for an answer: then it sleeps in state D (wait_for_response() of fs/smb/client/transport.c is killable and nothing else), or
 * runs. /proc/PID/task/TID/stat takes no lock that a hung task holds.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "trace.h"

#define INIT_PID_NAMESPACE 0xeffffffcu /* PROC_PID_INIT_INO: the only one whose numbers are those of the kernel's programs */

static char root[64];

bool waiting_init(const char *proc)
{
	char path[PATH_MAX];
	struct stat st;

	snprintf(path, sizeof(path), "%s/self/ns/pid", proc);
	snprintf(root, sizeof(root), "%s", proc);
	return !stat(path, &st) && st.st_ino == INIT_PID_NAMESPACE;
}

/* The state stands after the name, which may hold anything. */
static char state_of(__u32 tgid, __u32 tid)
{
	char path[128], text[512], *end;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%u/task/%u/stat", root, tgid, tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	text[n] = 0;
	end = strrchr(text, ')');
	return end && end[1] == ' ' ? end[2] : 0;
}

enum waiting waiting_of(__u32 tgid, __u32 tid)
{
	/* the file may be hidden (hidepid=), the task's being there is not */
	if (syscall(SYS_tgkill, tgid, tid, 0) && errno == ESRCH)
		return WAITING_GONE;
	switch (state_of(tgid, tid)) {
	case 0: return WAITING_UNKNOWN;
	case 'D':
	case 'R': return WAITING_YES;
	case 'X':
	case 'Z': return WAITING_GONE;
	default: return WAITING_NO;
	}
}
