// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * aod-probe --notify: sends each line of stdin as one datagram to the service manager's socket (sd_notify(3)), until the end of file.
 * The daemon's run time cannot send datagrams over unix sockets, and a helper that stays has no race: systemd looks up the sender's unit
 * after the message has arrived, and may not find one that has ended by then.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "probe.h"

#define LINE_MAX_BYTES 4096

/* `@name` is an abstract socket. */
static int connect_to(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const size_t length = path ? strlen(path) : 0;
	const socklen_t size = offsetof(struct sockaddr_un, sun_path) + length;
	int fd;

	if (!length || length >= sizeof(to.sun_path) || (path[0] != '/' && path[0] != '@')) {
		errno = EINVAL;
		return -1;
	}
	memcpy(to.sun_path, path, length);
	if (path[0] == '@')
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&to, size)) {
		const int error = errno;

		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

/* Returns the exit status. */
int notify_run(void)
{
	static char line[LINE_MAX_BYTES];
	const int fd = connect_to(getenv("NOTIFY_SOCKET"));
	bool told = false;

	if (fd < 0) {
		fprintf(stderr, "aod-probe: cannot reach the socket that NOTIFY_SOCKET names: %s\n", strerror(errno));
		return 1;
	}
	if (!geteuid() && drop_privileges("65534", &fd, 1))
		return fail_exit();
	while (fgets(line, sizeof(line), stdin)) {
		const size_t length = strcspn(line, "\n");

		if (!length || send(fd, line, length, MSG_NOSIGNAL) >= 0 || told)
			continue;
		/* once: the service manager may be back for the next one */
		fprintf(stderr, "aod-probe: the service manager was not told: %s\n", strerror(errno));
		told = true;
	}
	return 0;
}
