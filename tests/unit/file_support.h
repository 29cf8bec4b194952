/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_TESTS_UNIT_FILE_SUPPORT_H
#define AVOUCH_TESTS_UNIT_FILE_SUPPORT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "parsers/base/text.h"
#include "parsers/parser.h"
#include "tests/unit/corpus_support.h"

/* A driver that counts what a reader says about a file. */

struct heard {
	struct parse_context ctx;
	struct failure why;
	size_t n_traces, n_notes, n_lost, n_covers;
	struct instant from, to; /* of the last cover() */
	/* Called for each trace when set. */
	void (*look)(struct heard *heard, const struct trace *trace);
	void *payload;
};

static enum status hear_trace(struct parse_context *ctx, const struct trace *trace,
			      struct failure *why)
{
	struct heard *heard = ctx->payload;
	struct text message = trace_message(ctx->arena, trace);

	(void)why; /* hearing cannot fail */
	assert_non_null(message.data);
	heard->n_traces++;
	if (heard->look)
		heard->look(heard, trace);
	return STATUS_OK;
}

static void hear_note(struct parse_context *ctx, uint64_t offset, const char *text)
{
	(void)offset;
	(void)text;
	((struct heard *)ctx->payload)->n_notes++;
}

static void hear_lost(struct parse_context *ctx, uint64_t offset, const char *text)
{
	(void)offset;
	(void)text;
	((struct heard *)ctx->payload)->n_lost++;
}

static void hear_cover(struct parse_context *ctx, const char *recorder, struct instant from,
		       struct instant to)
{
	struct heard *heard = ctx->payload;

	assert_non_null(recorder);
	heard->n_covers++;
	heard->from = from;
	heard->to = to;
}

static const struct parse_ops hearing_ops = {
	.emit = hear_trace, .note = hear_note, .lost = hear_lost, .cover = hear_cover
};

static inline void heard_init(struct heard *heard)
{
	*heard = (struct heard){ .why = FAILURE_NONE };
	heard->ctx.arena = arena_new(LIMIT_ARENA);
	heard->ctx.ops = &hearing_ops;
	heard->ctx.payload = heard;
	assert_non_null(heard->ctx.arena);
}

static inline void heard_clear(struct heard *heard)
{
	arena_free(heard->ctx.arena);
}

/* Runs a file parser over bytes (size 0 allowed) under a path. */
static inline enum status parse_bytes(const struct parser *parser, struct heard *heard,
				      const char *path, struct span bytes)
{
	CLEANUP(stream_close_p) struct stream *stream = NULL;
	struct source source = { .path = path };

	assert_int_equal(stream_over_memory(bytes, &stream, &heard->why), STATUS_OK);
	source.stream = stream;
	return parser->parse_file(&heard->ctx, &source, &heard->why);
}

/* The same from beginning to end, each trace shown to look(); what was counted stays in *heard. */
static inline enum status hear_file(const struct parser *parser, const char *path, struct span bytes,
				    void (*look)(struct heard *heard, const struct trace *trace),
				    void *payload, struct heard *heard)
{
	enum status status;

	heard_init(heard);
	heard->look = look;
	heard->payload = payload;
	status = parse_bytes(parser, heard, path, bytes);
	heard_clear(heard);
	return status;
}

/* A small deterministic generator for tests that damage bytes. */
static inline uint32_t next_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*state >> 33);
}

#endif
