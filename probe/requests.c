// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the parent asks on stdin. */
#include <errno.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>
#include "probe.h"

#define MAX_REQUEST 2048

/* One whole request at the front of the buffer; returns its size, 0 = not whole yet, -1 = not a request of ours. */
static ssize_t answer(const struct probe *probe, const char *data, size_t size)
{
	struct aod_frame frame;

	if (size < sizeof(frame))
		return 0;
	memcpy(&frame, data, sizeof(frame));
	if (frame.version != AOD_FRAME_VERSION || frame.length > MAX_REQUEST)
		return -1;
	if (size < sizeof(frame) + frame.length)
		return 0;
	if (!probe->request(frame.type, data + sizeof(frame), frame.length))
		return -1;
	return sizeof(frame) + frame.length;
}

bool requests_read(const struct probe *probe)
{
	static char buffer[2 * MAX_REQUEST];
	static size_t filled;
	ssize_t n = read(STDIN_FILENO, buffer + filled, sizeof(buffer) - filled);

	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	if (n == 0) {
		if (filled)
			fail(1, 0, "stdin ended within a request");
		return false;
	}
	filled += n;
	while ((n = answer(probe, buffer, filled)) > 0) {
		memmove(buffer, buffer + n, filled - n);
		filled -= n;
	}
	if (n < 0)
		fail(1, 0, "a request on stdin that aod-probe does not know");
	return n == 0;
}
