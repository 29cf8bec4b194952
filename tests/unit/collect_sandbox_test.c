/* SPDX-License-Identifier: Apache-2.0 */
/* What a reader may still do: each case runs in a child that has entered the sandbox. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "analyzer/collect/job.h"

/* Runs act in the sandbox; its answer (0 to 99), 100 when the sandbox failed, -1 on a signal. */
static int in_sandbox(int (*act)(void))
{
	int wait_status;
	const pid_t child = fork();

	if (child == 0)
		_exit(sandbox_enter(0, NULL) < 0 ? 100 : act());
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &wait_status, 0), child);
	return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -1;
}

static int make_file(void)
{
	return open("/tmp/avouch-sandbox-made", O_WRONLY | O_CREAT, 0600) < 0 ? 1 : 0;
}

static int open_for_writing(void)
{
	return open("/dev/null", O_RDWR) < 0 ? 1 : 0;
}

static int open_for_reading(void)
{
	return open("/dev/null", O_RDONLY) < 0 ? 1 : 0;
}

static int make_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) < 0 ? 1 : 0;
}

static int run_program(void)
{
	char *const arguments[] = { NULL };

	(void)execv("/bin/true", arguments);
	return 1;
}

static int fork_child(void)
{
	return fork() < 0 ? 1 : 0;
}

static int remove_file(void)
{
	return unlink("/tmp/avouch-sandbox-kept") < 0 && errno == EPERM ? 1 : 0;
}

static void a_reader_can_read(void **state)
{
	(void)state;
	assert_int_equal(in_sandbox(open_for_reading), 0);
}

static void a_reader_cannot_write_make_or_remove_files(void **state)
{
	(void)state;
	assert_int_equal(in_sandbox(make_file), 1);
	assert_int_not_equal(access("/tmp/avouch-sandbox-made", F_OK), 0);
	assert_int_equal(in_sandbox(open_for_writing), 1);
	assert_int_equal(in_sandbox(remove_file), 1);
}

static void a_reader_has_no_network_and_no_children(void **state)
{
	(void)state;
	assert_int_equal(in_sandbox(make_socket), 1);
	assert_int_equal(in_sandbox(run_program), 1);
	assert_int_equal(in_sandbox(fork_child), 1);
}

static void *answer(void *payload)
{
	*(int *)payload = 0;
	return NULL;
}

static int start_thread(void)
{
	pthread_t thread;
	int answered = 1;

	return pthread_create(&thread, NULL, answer, &answered) == 0 &&
			       pthread_join(thread, NULL) == 0 ?
		       answered :
		       2;
}

/* What computes the digests of a medium; a thread stands under the same filter. */
static void a_reader_may_have_threads(void **state)
{
	(void)state;
	assert_int_equal(in_sandbox(start_thread), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reader_can_read),
		cmocka_unit_test(a_reader_cannot_write_make_or_remove_files),
		cmocka_unit_test(a_reader_has_no_network_and_no_children),
		cmocka_unit_test(a_reader_may_have_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
