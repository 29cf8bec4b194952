/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_TESTS_UNIT_CORPUS_SUPPORT_H
#define AVOUCH_TESTS_UNIT_CORPUS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "parsers/base/span.h"

/* Files of the corpus in memory. */

/* What a shell command writes, as long as it says; false when it fails. Free the data. */
static inline bool take_output(const char *command, struct span *ret)
{
	size_t size = 0, room = 1 << 20, got;
	uint8_t *data = malloc(room);
	FILE *file = popen(command, "r");

	assert_non_null(file);
	assert_non_null(data);
	while ((got = fread(data + size, 1, room - size, file)) > 0) {
		size += got;
		if (size == room) {
			room *= 2;
			data = realloc(data, room);
			assert_non_null(data);
		}
	}
	if (pclose(file) != 0) {
		free(data);
		return false;
	}
	/* No longer than it is, so that reads behind its end are seen. */
	data = realloc(data, size ? size : 1);
	assert_non_null(data);
	*ret = span_of(data, size);
	return true;
}

/* The same; skips the test when the command fails or writes nothing. */
static inline struct span bytes_of_command(const char *command)
{
	struct span bytes = { NULL, 0 };

	if (!take_output(command, &bytes) || bytes.size == 0) {
		free((void *)(uintptr_t)bytes.data);
		print_message("no output of %s: skipped\n", command);
		skip();
	}
	return bytes;
}

/*
 * A file of the corpus, unpacked when it ends in .xz, .gz or .7z; skips the test when it is absent.
 * The caller frees its data.
 */
static inline struct span corpus_bytes(const char *name)
{
	const char *corpus = getenv("AVOUCH_CORPUS"), *dot = strrchr(name, '.');
	const char *tool = "cat";
	struct span bytes = { NULL, 0 };
	char command[1024];

	if (dot && strcmp(dot, ".xz") == 0)
		tool = "xz -dc";
	else if (dot && strcmp(dot, ".gz") == 0)
		tool = "gzip -dc";
	else if (dot && strcmp(dot, ".7z") == 0)
		tool = "7z e -so";
	(void)snprintf(command, sizeof(command), "%s '%s/%s' 2>/dev/null", tool,
		       corpus ? corpus : "../shared/corpus", name);
	if (!take_output(command, &bytes)) {
		print_message("no corpus file %s: skipped\n", name);
		skip();
	}
	return bytes;
}

static inline void span_free(struct span bytes)
{
	free((void *)(uintptr_t)bytes.data);
}

#endif
