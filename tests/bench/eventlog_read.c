/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads one event log from the disk as a reader does and says how many traces it gave:
 * eventlog_read FILE [all]; with "all" every record is asked for.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "parsers/parser.h"

struct tally {
	size_t n_traces, n_lost;
	bool wants_all;
};

static enum status count_trace(struct parse_context *ctx, const struct trace *trace,
			       struct failure *why)
{
	(void)trace;
	(void)why;
	((struct tally *)ctx->payload)->n_traces++;
	return STATUS_OK;
}

static void count_lost(struct parse_context *ctx, uint64_t offset, const char *text)
{
	(void)offset;
	(void)text;
	((struct tally *)ctx->payload)->n_lost++;
}

static bool wants_log_or_not(struct parse_context *ctx, struct text channel, struct text provider)
{
	(void)channel;
	(void)provider;
	return ((struct tally *)ctx->payload)->wants_all;
}

static const struct parse_ops ops = {
	.emit = count_trace,
	.lost = count_lost,
	.wants_log = wants_log_or_not,
};

/* The whole file in the arena; data NULL on any failure. */
static struct span load(struct arena *arena, const char *path)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat about;
	uint8_t *data = NULL;
	size_t size = 0;

	if (fd >= 0 && fstat(fd, &about) == 0)
		data = arena_alloc(arena, (size_t)about.st_size);
	while (data && size < (size_t)about.st_size) {
		const ssize_t got = read(fd, data + size, (size_t)about.st_size - size);

		if (got <= 0)
			break;
		size += (size_t)got;
	}
	if (fd >= 0)
		(void)close(fd);
	return span_of(data, size);
}

int main(int argc, char **argv)
{
	CLEANUP(arena_free_p) struct arena *arena = arena_new(LIMIT_ARENA);
	CLEANUP(stream_close_p) struct stream *stream = NULL;
	struct tally tally = { .wants_all = argc > 2 };
	struct failure why = FAILURE_NONE;
	struct parse_context ctx = { .arena = arena, .ops = &ops, .payload = &tally };
	const struct parser *parser = parser_find(TEXT("windows.evtx"));
	const struct span bytes = argc > 1 ? load(arena, argv[1]) : (struct span){ NULL, 0 };

	if (!bytes.data || stream_over_memory(bytes, &stream, &why) < 0) {
		(void)fputs("usage: eventlog_read FILE [all]\n", stderr);
		return 64;
	}

	const struct source source = { .path = argv[1], .stream = stream };

	if (parser->parse_file(&ctx, &source, &why) < 0) {
		(void)fprintf(stderr, "%s\n", why.text);
		return 1;
	}
	(void)printf("%zu traces, %zu lost\n", tally.n_traces, tally.n_lost);
	return 0;
}
