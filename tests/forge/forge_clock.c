/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A clock and a source of chance that stand still, preloaded into mkntfs so that the same scenario
 * makes the same volume. The time is the environment's FORGE_CLOCK, seconds since 1970; chance is a
 * fixed sequence.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#define EXPORTED __attribute__((visibility("default")))

static uint64_t sequence = UINT64_C(0x853c49e6748fea9b);

static time_t fixed_seconds(void)
{
	const char *text = getenv("FORGE_CLOCK");

	return text == NULL ? 0 : (time_t)strtoll(text, NULL, 10);
}

EXPORTED int clock_gettime(clockid_t clock, struct timespec *now)
{
	(void)clock;
	now->tv_sec = fixed_seconds();
	now->tv_nsec = 0;
	return 0;
}

EXPORTED int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	(void)zone;
	now->tv_sec = fixed_seconds();
	now->tv_usec = 0;
	return 0;
}

EXPORTED time_t time(time_t *now)
{
	if (now != NULL)
		*now = fixed_seconds();
	return fixed_seconds();
}

EXPORTED void srandom(unsigned int seed)
{
	(void)seed;
}

EXPORTED long random(void)
{
	sequence = sequence * UINT64_C(6364136223846793005) + 1;
	return (long)((sequence >> 33) & 0x7fffffff);
}
