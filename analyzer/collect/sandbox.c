/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/collect/job.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* Seconds of processor time of one reader's whole life. */
enum { READER_CPU_S = 4 * 3600, READER_FILES = 4096 };

static bool limit(int what, rlim_t value)
{
	const struct rlimit bound = { value, value };

	return setrlimit((__rlimit_resource_t)what, &bound) == 0;
}

enum status sandbox_enter(uint64_t memory, struct failure *why)
{
	bool done = limit(RLIMIT_CORE, 0) && limit(RLIMIT_CPU, READER_CPU_S) &&
		    limit(RLIMIT_NOFILE, READER_FILES) && limit(RLIMIT_FSIZE, 0);

#ifdef AVOUCH_SANITIZED
	(void)memory; /* the sanitizer's shadow memory needs the whole address space */
#else
	if (done && memory)
		done = limit(RLIMIT_AS, memory);
#endif
	if (done)
		done = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
	return done ? STATUS_OK : failure_set(why, ERR_IO, "sandbox: %s", strerror(errno));
}
