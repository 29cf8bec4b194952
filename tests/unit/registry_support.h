/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_TESTS_UNIT_REGISTRY_SUPPORT_H
#define AVOUCH_TESTS_UNIT_REGISTRY_SUPPORT_H

/* Not every test uses all of it. */
#pragma GCC diagnostic ignored "-Wunused-function"

#include "tests/unit/hive_support.h"

/*
 * The traces that a parser of registry keys gives, each as one line
 * "type|field=value|...|recovery=allocated|address=...", for tests to look into.
 */
struct seen {
	struct opened opened;
	char **lines;
	size_t n, room;
};

static void append_value(FILE *out, const struct value *value)
{
	char buffer[INSTANT_TEXT_SIZE];

	switch (value->kind) {
	case VALUE_ABSENT:
		break;
	case VALUE_TEXT:
		(void)fprintf(out, "%.*s", (int)value->text.size, value->text.data);
		break;
	case VALUE_UINT:
		(void)fprintf(out, "%llu", (unsigned long long)value->uint);
		break;
	case VALUE_INT:
		(void)fprintf(out, "%lld", (long long)value->sint);
		break;
	case VALUE_INSTANT:
		(void)fputs(instant_format(value->instant, buffer), out);
		break;
	case VALUE_BYTES:
		for (size_t i = 0; i < value->bytes.size && i < 64; i++)
			(void)fprintf(out, "%02x", value->bytes.data[i]);
		break;
	default:
		fail_msg("value of unknown kind");
	}
}

static enum status see(struct parse_context *ctx, const struct trace *trace, struct failure *why)
{
	struct seen *seen = ctx->payload;
	char *line = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&line, &size);
	struct span encoded;

	assert_non_null(out);
	/* A trace must survive the wire: kinds as declared, sizes within the limits. */
	assert_int_equal(trace_encode(ctx->arena, trace, &encoded, why), STATUS_OK);
	(void)fputs(trace->type->name, out);
	for (size_t i = 0; i < trace_type_fields(trace->type); i++) {
		if (trace->values[i].kind == VALUE_ABSENT)
			continue;
		assert_int_equal(trace->values[i].kind, trace->type->fields[i].kind);
		(void)fprintf(out, "|%s=", trace->type->fields[i].name);
		append_value(out, &trace->values[i]);
	}
	(void)fprintf(out, "|recovery=%s|address=%.*s|", recovery_name(trace->recovery),
		      (int)trace->origin.address.size, trace->origin.address.data);
	(void)fclose(out);
	if (getenv("AVOUCH_SHOW_TRACES"))
		(void)fprintf(stderr, "%s\n", line);
	if (seen->n == seen->room) {
		seen->room = seen->room ? 2 * seen->room : 64;
		seen->lines = realloc(seen->lines, seen->room * sizeof(*seen->lines));
		assert_non_null(seen->lines);
	}
	seen->lines[seen->n++] = line;
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
	for (size_t i = 0; i < seen->n; i++)
		free(seen->lines[i]);
	free(seen->lines);
	seen->opened.ctx.payload = &seen->opened;
	close_files(&seen->opened);
}

/* How many lines begin with the type (all if NULL) and contain both pieces (NULL: anything). */
static size_t count_lines(const struct seen *seen, const char *type, const char *piece,
			  const char *other)
{
	return count_matching(seen->lines, seen->n, type, piece, other);
}

#endif
