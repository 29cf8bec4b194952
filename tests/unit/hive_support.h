/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_TESTS_UNIT_HIVE_SUPPORT_H
#define AVOUCH_TESTS_UNIT_HIVE_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "parsers/registry/hive.h"
#include "tests/unit/corpus_support.h"

/* Hive files in memory, and what a visit of them gave. */

/* libregf forgets a list that it found to be broken; its memory is not ours to free. */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libregf_\nleak:libcdata_\nleak:detectVolumeEncryption\nleak:tsk_malloc\n";
}

/* A source of files in memory, its context and what was said about it. */
struct opened {
	struct source source;
	struct parse_context ctx;
	struct hive *hive;
	struct failure why;
	struct span files[1 + SOURCE_MAX_COMPANIONS];
	size_t n_notes, n_lost;
	char last_lost[512];
};

static void count_note(struct parse_context *ctx, uint64_t offset, const char *text)
{
	struct opened *opened = ctx->payload;

	(void)offset;
	(void)text;
	opened->n_notes++;
}

static void count_lost(struct parse_context *ctx, uint64_t offset, const char *text)
{
	struct opened *opened = ctx->payload;

	(void)offset;
	opened->n_lost++;
	(void)snprintf(opened->last_lost, sizeof(opened->last_lost), "%s", text);
}

static const struct parse_ops counting_ops = { .note = count_note, .lost = count_lost };

/* Opens a primary file with logs (empty spans: none); takes the files over. */
static enum status open_files(struct opened *opened, const char *path, struct span primary,
			      struct span log1, struct span log2)
{
	const struct span logs[] = { log1, log2 };

	memset(opened, 0, sizeof(*opened));
	opened->why.offset = FAILURE_NO_OFFSET;
	opened->source.path = path;
	opened->files[0] = primary;
	assert_int_equal(stream_over_memory(primary, &opened->source.stream, &opened->why), 0);
	for (size_t i = 0; i < 2; i++) {
		struct companion *companion =
			&opened->source.companions[opened->source.n_companions];

		if (!logs[i].data)
			continue;
		opened->files[++opened->source.n_companions] = logs[i];
		companion->path = i == 0 ? "LOG1" : "LOG2";
		assert_int_equal(stream_over_memory(logs[i], &companion->stream, &opened->why), 0);
	}
	opened->ctx.arena = arena_new(LIMIT_ARENA);
	assert_non_null(opened->ctx.arena);
	opened->ctx.ops = &counting_ops;
	opened->ctx.payload = opened;
	return hive_open(&opened->ctx, &opened->source, &opened->hive, &opened->why);
}

static void close_files(struct opened *opened)
{
	hive_close(opened->hive);
	arena_free(opened->ctx.arena);
	stream_close(opened->source.stream);
	free((void *)(uintptr_t)opened->files[0].data);
	for (size_t i = 0; i < opened->source.n_companions; i++) {
		stream_close(opened->source.companions[i].stream);
		free((void *)(uintptr_t)opened->files[i + 1].data);
	}
}

/* Keys and values by enum recovery. */
struct counts {
	size_t keys[5], values[5];
};

static enum status count_key(struct parse_context *ctx, struct hive *hive,
			     const struct hive_key *key, void *payload, struct failure *why)
{
	struct counts *counts = payload;

	(void)ctx;
	(void)hive;
	(void)why;
	counts->keys[key->recovery]++;
	for (size_t i = 0; i < key->n_values; i++)
		counts->values[key->values[i].recovery]++;
	return STATUS_OK;
}

/* Counts the root and all below it. */
static struct counts count_all(struct opened *opened)
{
	struct counts counts = { 0 };
	enum status status;

	status = hive_visit(&opened->ctx, opened->hive, "", count_key, &counts, &opened->why);
	assert_true(status >= 0);
	status = hive_visit(&opened->ctx, opened->hive, "**", count_key, &counts, &opened->why);
	assert_true(status >= 0);
	return counts;
}

/* Live keys, from the primary file or a log. */
static inline size_t live_keys(const struct counts *counts)
{
	return counts->keys[RECOVERY_ALLOCATED] + counts->keys[RECOVERY_LOG_REPLAYED];
}

static inline size_t live_values(const struct counts *counts)
{
	return counts->values[RECOVERY_ALLOCATED] + counts->values[RECOVERY_LOG_REPLAYED];
}

#endif
