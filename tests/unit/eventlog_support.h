/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_TESTS_UNIT_EVENTLOG_SUPPORT_H
#define AVOUCH_TESTS_UNIT_EVENTLOG_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "parsers/eventlog/evtx.h"
#include "parsers/parser.h"
#include "tests/unit/corpus_support.h"
#include "tests/unit/trace_line.h"

/* Not every test uses all of it. */
#pragma GCC diagnostic ignored "-Wunused-function"

/* The traces of one event log, and what its reader says of it. */
struct log_seen {
	struct arena *arena;
	struct stream *stream;
	struct span bytes;
	struct parse_context ctx;
	struct source source;
	struct failure why;
	struct trace_lines traces;
	unsigned n_notes, n_lost;
	char notes[4096], losses[4096]; /* their texts, one after the other; cut */
	char covered[256];
	bool wants_logs; /* what wants_log() answers */
};

static enum status see_event(struct parse_context *ctx, const struct trace *trace,
			     struct failure *why)
{
	struct log_seen *seen = ctx->payload;

	(void)why; /* seeing cannot fail */
	trace_lines_add(&seen->traces, trace);
	assert_true(trace->origin.offset + trace->origin.size <= seen->source.stream->size);
	return STATUS_OK;
}

static void add_text(char *all, size_t size, const char *text)
{
	const size_t used = strlen(all);

	(void)snprintf(all + used, size - used, "%s\n", text);
}

static void see_note(struct parse_context *ctx, uint64_t offset, const char *text)
{
	struct log_seen *seen = ctx->payload;

	seen->n_notes++;
	add_text(seen->notes, sizeof(seen->notes), text);
	if (getenv("AVOUCH_SHOW_TRACES"))
		(void)fprintf(stderr, "note at %llu: %s\n", (unsigned long long)offset, text);
}

static void see_lost(struct parse_context *ctx, uint64_t offset, const char *text)
{
	struct log_seen *seen = ctx->payload;

	seen->n_lost++;
	add_text(seen->losses, sizeof(seen->losses), text);
	if (getenv("AVOUCH_SHOW_TRACES"))
		(void)fprintf(stderr, "lost at %llu: %s\n", (unsigned long long)offset, text);
}

static void see_cover(struct parse_context *ctx, const char *recorder, struct instant from,
		      struct instant to)
{
	struct log_seen *seen = ctx->payload;
	char first[INSTANT_TEXT_SIZE], last[INSTANT_TEXT_SIZE];

	(void)snprintf(seen->covered, sizeof(seen->covered), "%s %s %s", recorder,
		       instant_format(from, first), instant_format(to, last));
	if (getenv("AVOUCH_SHOW_TRACES"))
		(void)fprintf(stderr, "covers %s\n", seen->covered);
}

static bool wants_some(struct parse_context *ctx, struct text channel, struct text provider)
{
	const struct log_seen *seen = ctx->payload;

	(void)channel;
	(void)provider;
	return seen->wants_logs;
}

static const struct parse_ops event_ops = {
	.emit = see_event,
	.note = see_note,
	.lost = see_lost,
	.cover = see_cover,
	.wants_log = wants_some,
};

/* A file of the corpus in memory (malloc); skips the test without the corpus. */
static struct span corpus_log(const char *name)
{
	const char *corpus = getenv("AVOUCH_CORPUS");
	char path[1024];
	FILE *file;
	uint8_t *data;
	long size;

	if (name[0] == '/')
		corpus = "";
	if (!corpus) {
		print_message("AVOUCH_CORPUS is not set\n");
		skip();
	}
	(void)snprintf(path, sizeof(path), "%s/%s", corpus, name);
	file = fopen(path, "rb");
	if (!file) {
		print_message("%s is not there\n", path);
		skip();
	}
	(void)fseek(file, 0, SEEK_END);
	size = ftell(file);
	rewind(file);
	data = malloc((size_t)size);
	assert_non_null(data);
	assert_int_equal(fread(data, 1, (size_t)size, file), (size_t)size);
	(void)fclose(file);
	return span_of(data, (size_t)size);
}

/* Reads bytes (which the caller frees) as the log of that path; ':' in it: as free clusters. */
static enum status see_log_bytes(struct log_seen *seen, const char *path, struct span bytes,
				 bool wants_logs, bool decode_all)
{
	const struct text text = text_of(path);
	const bool is_evtx = text.size > 5 && strcmp(path + text.size - 5, ".evtx") == 0;

	*seen = (struct log_seen){ .wants_logs = wants_logs, .why = FAILURE_NONE };
	seen->arena = arena_new(LIMIT_ARENA);
	assert_non_null(seen->arena);
	assert_int_equal(stream_over_memory(bytes, &seen->stream, &seen->why), STATUS_OK);
	seen->ctx = (struct parse_context){ .arena = seen->arena,
					    .ops = &event_ops,
					    .payload = seen };
	seen->source = (struct source){ .path = path, .stream = seen->stream };
	if (strchr(path, ':'))
		return evtx_carve(&seen->ctx, &seen->source, &seen->why);
	if (is_evtx)
		return evtx_read(&seen->ctx, &seen->source, decode_all, &seen->why);
	return parser_find(TEXT("windows.evt"))->parse_file(&seen->ctx, &seen->source, &seen->why);
}

static void see_log(struct log_seen *seen, const char *name, bool wants_logs, bool decode_all)
{
	const struct span bytes = corpus_log(name);

	if (see_log_bytes(seen, name, bytes, wants_logs, decode_all) < 0)
		fail_msg("%s: %s", name, seen->why.text);
	seen->bytes = bytes;
}

static void unsee_log(struct log_seen *seen)
{
	trace_lines_clear(&seen->traces);
	stream_close(seen->stream);
	arena_free(seen->arena);
	free((void *)(uintptr_t)seen->bytes.data);
}

/* How many lines begin with the type (all if NULL) and contain both pieces (NULL: anything). */
static size_t count_events(const struct log_seen *seen, const char *type, const char *piece,
			   const char *other)
{
	return count_matching(&seen->traces, type, piece, other);
}

#endif
