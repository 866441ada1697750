// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What /proc says of a task that runs, sleeps, is gone. usage: waiting PROC; prints whether PROC shows the kernel's own task numbers. */
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "trace/trace.h"
#include "check.h"

static int ends[2];
static volatile __u32 sleeper;

static void *sleep_in_read(void *unused)
{
	char byte;

	sleeper = syscall(SYS_gettid);
	return read(ends[0], &byte, 1) < 0 ? unused : NULL;
}

int main(int argc, char **argv)
{
	const __u32 self = getpid();
	pthread_t thread;

	printf("%d\n", waiting_init(argc > 1 ? argv[1] : "/proc"));
	if (pipe(ends) || pthread_create(&thread, NULL, sleep_in_read, NULL))
		return 2;
	CHECK_EQ("this task runs", waiting_of(self, self), argc > 1 ? WAITING_UNKNOWN : WAITING_YES);
	while (argc == 1 && (!sleeper || waiting_of(self, sleeper) != WAITING_NO))
		usleep(1000); /* until it has fallen asleep */
	close(ends[1]);
	pthread_join(thread, NULL);
	while (waiting_of(self, sleeper) != WAITING_GONE)
		usleep(1000); /* until the kernel has buried it */
	return 0;
}
