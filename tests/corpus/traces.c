/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parsers find in one file, for corpus.py to count:
 *     traces PATH FILE [LOG1 [LOG2]]
 * PATH is where the file would stand on a volume: every parser whose paths fit it reads the file, and
 * all it would pass on if every path, key and log were named in a signature. "/$MFT" has the table of
 * files of the volume or table in FILE read. Writes for each trace "parser type recovery fields", with
 * tabs between, then "parser = status losses notes".
 */
#include <stdio.h>

#include "parsers/base/text.h"
#include "parsers/filesystem/ntfs/mft.h"
#include "parsers/registry/hive.h"
#include "parsers/stream/image.h"

struct count {
	const char *parser;
	unsigned n_lost, n_notes;
};

static void write_text(struct text text)
{
	for (size_t i = 0; i < text.size; i++)
		(void)putchar((unsigned char)text.data[i] < ' ' ? ' ' : text.data[i]);
}

static void write_value(const struct value *value)
{
	char buffer[INSTANT_TEXT_SIZE];

	switch (value->kind) {
	case VALUE_TEXT:
		write_text(value->text);
		break;
	case VALUE_UINT:
		(void)printf("%llu", (unsigned long long)value->uint);
		break;
	case VALUE_INT:
		(void)printf("%lld", (long long)value->sint);
		break;
	case VALUE_INSTANT:
		(void)fputs(instant_format(value->instant, buffer), stdout);
		break;
	case VALUE_ABSENT:
	case VALUE_BYTES:
	default:
		break;
	}
}

static enum status write_trace(struct parse_context *ctx, const struct trace *trace,
			       struct failure *why)
{
	const struct count *count = ctx->payload;

	(void)why;
	(void)printf("%s\t%s\t%s\t", count->parser, trace->type->name,
		     recovery_name(trace->recovery));
	for (size_t i = 0; i < trace_type_fields(trace->type); i++) {
		if (trace->values[i].kind == VALUE_ABSENT)
			continue;
		(void)printf("|%s=", trace->type->fields[i].name);
		write_value(&trace->values[i]);
	}
	(void)puts("|");
	return STATUS_OK;
}

static void count_note(struct parse_context *ctx, uint64_t offset, const char *text)
{
	(void)offset;
	(void)text;
	((struct count *)ctx->payload)->n_notes++;
}

static void count_lost(struct parse_context *ctx, uint64_t offset, const char *text)
{
	const struct count *count = ctx->payload;

	((struct count *)ctx->payload)->n_lost++;
	(void)fprintf(stderr, "%s at %lld: %s\n", count->parser, (long long)offset, text);
}

static const struct parse_ops ops = { .emit = write_trace, .note = count_note, .lost = count_lost };

static enum status read_table(struct parse_context *ctx, const struct source *source,
			      struct failure *why)
{
	struct ntfs_table *table = NULL;
	enum status status = ntfs_table_read(ctx, source->stream, &table, why);

	if (status >= 0)
		status = ntfs_table_emit(ctx, table, why);
	ntfs_table_free(table);
	return status;
}

static enum status read_with(const struct parser *parser, struct parse_context *ctx,
			     const struct source *source, struct failure *why)
{
	CLEANUP(hive_close_p) struct hive *hive = NULL;
	enum status status;

	if (!parser)
		return read_table(ctx, source, why);
	if (parser->parse_file)
		return parser->parse_file(ctx, source, why);
	status = hive_open(ctx, source, &hive, why);
	return status < 0 ? status : parser->parse_hive(ctx, hive, why);
}

/* The parser, or the reader of the table of files when it is NULL. */
static void run(const struct parser *parser, const struct source *source)
{
	CLEANUP(arena_free_p) struct arena *arena = arena_new(LIMIT_ARENA);
	struct count count = { parser ? parser->name : "ntfs.mft", 0, 0 };
	struct parse_context ctx = { .arena = arena, .ops = &ops, .payload = &count };
	struct failure why = FAILURE_NONE;
	const enum status status = arena ? read_with(parser, &ctx, source, &why) : ERR_NO_MEMORY;

	if (status < 0)
		(void)fprintf(stderr, "%s: %s\n", count.parser, why.text);
	(void)printf("%s\t=\t%s\t%u\t%u\n", count.parser, status < 0 ? "failed" : "read",
		     count.n_lost, count.n_notes);
}

static bool fits(const struct parser *parser, struct text path)
{
	for (size_t i = 0; parser->paths[i]; i++)
		if (path_fits(parser->paths[i], path))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	struct image *images[1 + SOURCE_MAX_COMPANIONS] = { NULL };
	struct failure why = FAILURE_NONE;
	struct source source = { 0 };
	int exit_status = 0;

	if (argc < 3 || argc > 3 + SOURCE_MAX_COMPANIONS) {
		(void)fputs("usage: traces PATH FILE [LOG...]\n", stderr);
		return 64;
	}
	source.path = argv[1];
	for (int i = 0; i < argc - 2 && exit_status == 0; i++) {
		const char *const file[] = { argv[i + 2] };

		if (image_open(file, 1, &images[i], &why) < 0) {
			(void)fprintf(stderr, "%s: %s\n", file[0], why.text);
			exit_status = 65;
		} else if (i == 0) {
			source.stream = images[i]->stream;
		} else {
			source.companions[source.n_companions++] =
				(struct companion){ argv[i + 2], images[i]->stream };
		}
	}
	if (exit_status == 0 && strcmp(source.path, "/$MFT") == 0)
		run(NULL, &source);
	for (size_t i = 0; exit_status == 0 && all_parsers[i]; i++)
		if (fits(all_parsers[i], text_of(source.path)))
			run(all_parsers[i], &source);
	for (size_t i = 0; i < 1 + SOURCE_MAX_COMPANIONS; i++)
		image_close(images[i]);
	return exit_status;
}
