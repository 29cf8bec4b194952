/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_TESTS_UNIT_IMAGE_SUPPORT_H
#define AVOUCH_TESTS_UNIT_IMAGE_SUPPORT_H

/* A medium whose every block says which it is, images of it, and the samples of the corpus. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "parsers/stream/image.h"

/* libtsk 4.11 does not free the result of its search for encryption. */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:detectVolumeEncryption\nleak:tsk_malloc\n";
}

enum { BLOCK = 512, PATTERN_BLOCKS = 20000 };

static char scratch[] = "/tmp/avouch-image-XXXXXX";

__attribute__((format(printf, 1, 2), unused)) static int run(const char *format, ...)
{
	char command[2048];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	return system(command); /* NOLINT: commands of this file */
}

__attribute__((unused)) static const char *in_scratch(const char *name)
{
	static char paths[4][512];
	static int next;

	next = (next + 1) % 4;
	snprintf(paths[next], sizeof(paths[next]), "%s/%s", scratch, name);
	return paths[next];
}

__attribute__((unused)) static const char *in_corpus(const char *name)
{
	static char path[1024];
	const char *corpus = getenv("AVOUCH_CORPUS");

	snprintf(path, sizeof(path), "%s/%s", corpus ? corpus : "../shared/corpus", name);
	if (access(path, R_OK) != 0) {
		print_message("no sample %s: skipped\n", path);
		skip();
	}
	return path;
}

/* Every block holds its own number, scrambled so that it does not compress away. */
static void fill_block(uint8_t block[BLOCK], uint64_t number)
{
	uint64_t x = number * UINT64_C(0x9e3779b97f4a7c15) + 1;

	memcpy(block, &number, 8);
	for (size_t i = 8; i < BLOCK; i += 8) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		memcpy(block + i, &x, 8);
	}
}

__attribute__((unused)) static bool block_right(const uint8_t block[BLOCK], uint64_t number)
{
	uint8_t expected[BLOCK];

	fill_block(expected, number);
	return memcmp(block, expected, BLOCK) == 0;
}

__attribute__((unused)) static int make_pattern(void **state)
{
	uint8_t block[BLOCK];

	(void)state;
	if (!mkdtemp(scratch))
		return -1;

	FILE *file = fopen(in_scratch("pattern.raw"), "wb");

	if (!file)
		return -1;
	for (uint64_t i = 0; i < PATTERN_BLOCKS; i++) {
		fill_block(block, i);
		fwrite(block, 1, BLOCK, file);
	}
	return fclose(file);
}

__attribute__((unused)) static int drop_scratch(void **state)
{
	(void)state;
	return run("rm -rf %s", scratch);
}

/* pattern.E01 to .E0n of 2 MiB each. */
__attribute__((unused)) static void make_ewf(const char *name, const char *compression)
{
	if (run("ewfacquire -u -q -S 2097152 -c %s -t %s %s >/dev/null 2>&1", compression,
		in_scratch(name), in_scratch("pattern.raw")) != 0) {
		print_message("ewfacquire is missing: skipped\n");
		skip();
	}
}

__attribute__((unused)) static struct image *must_open(const char *path)
{
	struct failure why = FAILURE_NONE;
	struct image *image = NULL;

	if (image_open(&path, 1, &image, &why) < 0)
		fail_msg("%s", why.text);
	return image;
}

#endif
