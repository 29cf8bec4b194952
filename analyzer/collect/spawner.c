/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/collect/spawner.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "analyzer/collect/job.h"

enum { SPAWNER_GRACE_S = 2 };

/* Requests and answers between supervisor and spawner: both are this program, and trusted. */
struct request {
	enum { REQUEST_FORK, REQUEST_END, REQUEST_KILL } what;
	pid_t pid;
};

struct answer {
	pid_t pid;       /* -1: failed */
	int wait_status; /* or errno */
};

/* Sends an answer, with a descriptor beside it unless fd is negative. */
static bool send_answer(int to, const struct answer *answer, int fd)
{
	struct answer copy = *answer;
	struct iovec iov = { &copy, sizeof(copy) };
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd >= 0) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = sizeof(control.bytes);

		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(int));
	}
	return sendmsg(to, &msg, MSG_NOSIGNAL) == (ssize_t)sizeof(copy);
}

static bool receive_answer(int from, struct answer *answer, int *fd)
{
	struct iovec iov = { answer, sizeof(*answer) };
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.bytes,
			      .msg_controllen = sizeof(control.bytes) };
	ssize_t n;

	*fd = -1;
	do
		n = recvmsg(from, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);

	const struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&msg) : NULL;

	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(fd, CMSG_DATA(c), sizeof(int));
	return n == (ssize_t)sizeof(*answer);
}

/* In the child: die with the parent; leave the keyboard's signals to the supervisor. */
static void settle(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
		_exit(1);
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGTERM, SIG_DFL);
}

static struct answer fork_reader(int control, const struct collect_options *options,
				 const struct wanted *wanted, int *ret_fd)
{
	int ends[2];
	const pid_t self = getpid();

	*ret_fd = -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return (struct answer){ -1, errno };

	const pid_t pid = fork();

	if (pid == 0) {
		(void)close(control);
		(void)close(ends[0]);
		settle(self);
		reader_main(ends[1], options, wanted);
	}

	const int failed = errno;

	(void)close(ends[1]); /* the reader's end */
	if (pid < 0) {
		(void)close(ends[0]);
		return (struct answer){ -1, failed };
	}
	*ret_fd = ends[0];
	return (struct answer){ pid, 0 };
}

static _Noreturn void spawner_main(int control, const struct collect_options *options,
				   const struct wanted *wanted)
{
	struct request request;

	for (;;) {
		struct answer answer = { -1, EINVAL };
		int fd = -1;
		const ssize_t n = recv(control, &request, sizeof(request), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n != (ssize_t)sizeof(request))
			break; /* the supervisor is gone, or done */
		if (request.what == REQUEST_FORK) {
			answer = fork_reader(control, options, wanted, &fd);
		} else {
			if (request.what == REQUEST_KILL)
				(void)kill(request.pid, SIGKILL); /* may be dead already */
			answer.pid = waitpid(request.pid, &answer.wait_status, 0);
		}

		const bool sent = send_answer(control, &answer, fd);

		if (fd >= 0)
			(void)close(fd);
		if (!sent)
			break;
	}
	/* Readers at rest end with their sockets; those at work when the supervisor was killed
	 * die with this process. */
	(void)alarm(SPAWNER_GRACE_S);
	while (waitpid(-1, NULL, 0) > 0)
		;
	_exit(0);
}

enum status spawner_start(const struct collect_options *options, const struct wanted *wanted,
			  struct spawner *ret, struct failure *why)
{
	int ends[2];
	const pid_t self = getpid();

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return failure_set(why, ERR_IO, "socket: %s", strerror(errno));

	const pid_t pid = fork();

	if (pid == 0) {
		(void)close(ends[0]);
		settle(self);
		spawner_main(ends[1], options, wanted);
	}
	(void)close(ends[1]); /* the spawner's end */
	if (pid < 0) {
		(void)close(ends[0]);
		return failure_set(why, ERR_IO, "fork: %s", strerror(errno));
	}
	*ret = (struct spawner){ ends[0], pid };
	return STATUS_OK;
}

static enum status ask(struct spawner *spawner, const struct request *request,
		       struct answer *answer, int *fd, struct failure *why)
{
	if (send(spawner->fd, request, sizeof(*request), MSG_NOSIGNAL) !=
		    (ssize_t)sizeof(*request) ||
	    !receive_answer(spawner->fd, answer, fd))
		return failure_set(why, ERR_IO, "the process that starts readers is gone");
	if (answer->pid < 0)
		return failure_set(why, ERR_IO, "reader: %s", strerror(answer->wait_status));
	return STATUS_OK;
}

enum status spawner_fork(struct spawner *spawner, pid_t *ret_pid, int *ret_fd,
			 struct failure *why)
{
	const struct request request = { REQUEST_FORK, 0 };
	struct answer answer;
	int fd;
	const enum status status = ask(spawner, &request, &answer, &fd, why);

	if (status < 0)
		return status;
	if (fd < 0)
		return failure_set(why, ERR_IO, "a reader came without its socket");
	*ret_pid = answer.pid;
	*ret_fd = fd;
	return STATUS_OK;
}

enum status spawner_end(struct spawner *spawner, pid_t pid, bool kill_it, int *ret_wait_status,
			struct failure *why)
{
	const struct request request = { kill_it ? REQUEST_KILL : REQUEST_END, pid };
	struct answer answer;
	int fd;
	const enum status status = ask(spawner, &request, &answer, &fd, why);

	if (status >= 0)
		*ret_wait_status = answer.wait_status;
	return status;
}

void spawner_stop(struct spawner *spawner)
{
	if (spawner->fd < 0)
		return;
	(void)close(spawner->fd);
	spawner->fd = -1;
	(void)waitpid(spawner->pid, NULL, 0); /* it ends when its socket closes */
}
