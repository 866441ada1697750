// Stands for the service manager: notify_socket SOCKET PROGRAM [ARG...] starts the program with NOTIFY_SOCKET and prints every datagram.
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct pollfd in;
	char text[8192];
	int status;
	pid_t child;

	if (argc < 3 || strlen(argv[1]) >= sizeof(at.sun_path))
		return 2;
	strcpy(at.sun_path, argv[1]);
	if (argv[1][0] == '@')
		at.sun_path[0] = '\0';
	in = (struct pollfd){ .fd = socket(AF_UNIX, SOCK_DGRAM, 0), .events = POLLIN };
	if (bind(in.fd, (struct sockaddr *)&at, offsetof(struct sockaddr_un, sun_path) + strlen(argv[1]))) {
		perror("bind");
		return 2;
	}
	setenv("NOTIFY_SOCKET", argv[1], 1);
	child = fork();
	if (!child) {
		execv(argv[2], argv + 2);
		_exit(127);
	}
	if (waitpid(child, &status, 0) != child)
		return 2;
	while (poll(&in, 1, 0) > 0) {
		const ssize_t n = recv(in.fd, text, sizeof(text), 0);

		if (n < 0)
			return 2;
		printf("[%.*s]\n", (int)n, text);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}
