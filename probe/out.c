// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "probe.h"

#define OUT_SIZE (4u << 20)
#define OUT_KEPT (256u << 10) /* of its memory, when it is empty: whole pages, of 64 KiB on some machines */

static char buffer[OUT_SIZE] __attribute__((aligned(65536)));
static size_t start, end; /* what is not yet written */
static size_t most;       /* of it since it was empty */
static size_t frame;      /* of the open frame, + 1; 0 = none */

int out_init(void)
{
	int flags = fcntl(STDOUT_FILENO, F_GETFL);

	if (flags < 0 || fcntl(STDOUT_FILENO, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

bool out_pending(void)
{
	return end > start;
}

int out_flush(void)
{
	while (end > start) {
		ssize_t n = write(STDOUT_FILENO, buffer + start, end - start);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return 0;
		if (n < 0)
			return -errno;
		start += n;
	}
	start = end = 0;
	if (most > OUT_KEPT) {
		most = 0;
		if (madvise(buffer + OUT_KEPT, OUT_SIZE - OUT_KEPT, MADV_DONTNEED))
			return -errno;
	}
	return 0;
}

size_t out_room(void)
{
	if (start && !frame) {
		memmove(buffer, buffer + start, end - start);
		end -= start;
		start = 0;
	}
	return OUT_SIZE - end;
}

bool out_open(__u16 type, const void *head, size_t head_size)
{
	struct aod_frame header = { .type = type, .version = AOD_FRAME_VERSION };

	if (head_size > AOD_FRAME_MAX || out_room() < sizeof(header) + head_size)
		return false;
	frame = end + 1;
	memcpy(buffer + end, &header, sizeof(header));
	end += sizeof(header);
	return out_add(head, head_size);
}

bool out_fits(size_t size)
{
	return OUT_SIZE - end >= size && end + size - (frame - 1) - sizeof(struct aod_frame) <= AOD_FRAME_MAX;
}

bool out_add(const void *data, size_t size)
{
	if (!out_fits(size))
		return false;
	if (size)
		memcpy(buffer + end, data, size);
	end += size;
	return true;
}

void *out_head(void)
{
	return buffer + frame - 1 + sizeof(struct aod_frame);
}

void out_close(void)
{
	__u32 length = end - (frame - 1) - sizeof(struct aod_frame);

	memcpy(buffer + frame - 1 + offsetof(struct aod_frame, length), &length, sizeof(length));
	frame = 0;
	if (end > most)
		most = end;
}

bool out_frame(__u16 type, const void *head, size_t head_size, const void *body, size_t body_size)
{
	if (head_size + body_size > AOD_FRAME_MAX || out_room() < sizeof(struct aod_frame) + head_size + body_size)
		return false;
	if (!out_open(type, head, head_size))
		return false;
	out_add(body, body_size);
	out_close();
	return true;
}
