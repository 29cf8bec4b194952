/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_TESTS_UNIT_REGISTRY_SUPPORT_H
#define AVOUCH_TESTS_UNIT_REGISTRY_SUPPORT_H

/* Not every test uses all of it. */
#pragma GCC diagnostic ignored "-Wunused-function"

#include "tests/unit/hive_support.h"
#include "tests/unit/trace_line.h"

/* The traces that a parser of registry keys gives. */
struct seen {
	struct opened opened;
	struct trace_lines traces;
};

static enum status see(struct parse_context *ctx, const struct trace *trace, struct failure *why)
{
	struct seen *seen = ctx->payload;

	(void)why; /* seeing cannot fail */
	trace_lines_add(&seen->traces, trace);
	return STATUS_OK;
}

static const struct parse_ops seeing_ops = { .emit = see, .note = count_note, .lost = count_lost };

/* Opens a hive of the corpus (logs may be NULL) under the path it has on a volume. */
static void see_hive(struct seen *seen, const char *path, const char *file, const char *log1,
		     const char *log2)
{
	const struct span none = { NULL, 0 };

	memset(seen, 0, sizeof(*seen));
	assert_true(open_files(&seen->opened, path, corpus_bytes(file),
			       log1 ? corpus_bytes(log1) : none,
			       log2 ? corpus_bytes(log2) : none) >= 0);
	seen->opened.ctx.ops = &seeing_ops;
	seen->opened.ctx.payload = seen;
}

static void see_parser(struct seen *seen, const struct parser *parser)
{
	const enum status status =
		parser->parse_hive(&seen->opened.ctx, seen->opened.hive, &seen->opened.why);

	if (status < 0)
		fail_msg("%s: %s", parser->name, seen->opened.why.text);
}

static void unsee(struct seen *seen)
{
	trace_lines_clear(&seen->traces);
	seen->opened.ctx.payload = &seen->opened;
	close_files(&seen->opened);
}

/* How many lines begin with the type (all if NULL) and contain both pieces (NULL: anything). */
static size_t count_lines(const struct seen *seen, const char *type, const char *piece,
			  const char *other)
{
	return count_matching(&seen->traces, type, piece, other);
}

#endif
