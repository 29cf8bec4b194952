/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/collect/reader.h"

#include <inttypes.h>

#include "parsers/registry/hive.h"

/* What is open while one source is read; declare with CLEANUP(opened_clear). */
struct opened {
	struct source source;
	struct hive *hive;
};

static void opened_clear(struct opened *opened)
{
	if (opened->hive)
		hive_close(opened->hive);
	for (size_t i = 0; i < opened->source.n_companions; i++)
		stream_close(opened->source.companions[i].stream);
	stream_close(opened->source.stream);
}

/* A log that cannot be opened leaves the hive as it is on the disk, and says so. */
static void open_companions(struct reader *reader, const struct job_order *order,
			    struct opened *opened)
{
	for (size_t i = 0; i < order->n_companions; i++) {
		struct failure why = FAILURE_NONE;
		struct companion *next = &opened->source.companions[i];
		enum status status = view_open_file(reader->volume.view, order->companions[i].entry,
						    TEXT(""), &next->stream, &why);

		next->path = arena_text(reader->arena, order->companions[i].path);
		if (status != STATUS_OK) {
			lost(&reader->ctx, FAILURE_NO_OFFSET, "'%s': %s",
			     next->path ? next->path : "log",
			     status < 0 ? why.text : "has no content");
			status = stream_over_memory(span_of("", 0), &next->stream, &why);
		}
		if (status < 0)
			return;
		opened->source.n_companions = i + 1;
		reader->origins[i + 1] = next->stream;
	}
}

static enum status open_source(struct reader *reader, const struct job_order *order,
			       struct opened *opened, struct failure *why)
{
	const struct text attribute = view_attribute(reader->volume.view, order->path);
	const enum status status =
		order->deleted ? view_open_deleted(reader->volume.view, order->entry,
						   &opened->source.stream, why) :
				 view_open_file(reader->volume.view, order->entry, attribute,
						&opened->source.stream, why);

	if (status < 0)
		return status;
	if (status == STATUS_END)
		return failure_set(why, ERR_FORMAT, "the file has no content");
	opened->source.path = arena_text(reader->arena, order->path);
	if (!opened->source.path)
		return failure_set(why, ERR_NO_MEMORY, "path");
	opened->source.deleted = order->deleted;
	reader->origins[0] = opened->source.stream;
	reader_name_attribute(reader, order->entry, attribute, reader->attribute);
	open_companions(reader, order, opened);
	return STATUS_OK;
}

static enum status run_parser(struct reader *reader, const struct parser *parser,
			      struct opened *opened, struct failure *why)
{
	const uint64_t size = opened->source.stream->size;

	if (parser->max_input && size > parser->max_input)
		return failure_set(why, ERR_LIMIT, "%" PRIu64 " bytes, more than the %" PRIu64
				   " that are read", size, parser->max_input);
	if (parser->parse_file)
		return parser->parse_file(&reader->ctx, &opened->source, why);
	return parser->parse_hive(&reader->ctx, opened->hive, why);
}

static bool needs_hive(const struct job_order *order)
{
	for (size_t i = 0; all_parsers[i]; i++)
		if (job_has_parser(order, i) && all_parsers[i]->parse_hive)
			return true;
	return false;
}

static size_t count_parsers(const struct job_order *order)
{
	size_t n = 0;

	for (size_t i = 0; all_parsers[i]; i++)
		n += job_has_parser(order, i);
	return n;
}

/* All parsers of the order, each told before it starts; one that fails costs itself alone. */
static enum status run_parsers(struct reader *reader, const struct job_order *order,
			       struct opened *opened, struct failure *why)
{
	const size_t n = count_parsers(order);
	size_t declined = 0;

	for (uint32_t i = 0; all_parsers[i]; i++) {
		struct failure local = FAILURE_NONE;

		if (!job_has_parser(order, i))
			continue;
		message_start(&reader->message, MESSAGE_BEGUN);
		message_u32(&reader->message, i);
		reader_send(reader);

		const enum status status = run_parser(reader, all_parsers[i], opened, &local);

		/* A file that its only parser could not read at all is unreadable. */
		if (status < 0 && n == 1 && !reader->n_traces) {
			*why = local;
			return failure_wrap(why, "%s", all_parsers[i]->name);
		}
		if (status < 0)
			lost(&reader->ctx, local.offset, "%s: %s", all_parsers[i]->name,
			     local.text);
		declined += status == STATUS_DECLINED;
	}
	return n && declined == n ? STATUS_DECLINED : STATUS_OK;
}

enum status read_one_source(struct reader *reader, const struct job_order *order,
			    struct failure *why)
{
	CLEANUP(opened_clear) struct opened opened = { 0 };
	enum status status = open_source(reader, order, &opened, why);

	if (status < 0)
		return status;
	if (needs_hive(order)) {
		status = hive_open(&reader->ctx, &opened.source, &opened.hive, why);
		if (status == STATUS_DECLINED)
			return failure_set(why, ERR_FORMAT, "no registry hive");
		if (status < 0)
			return status;
	}
	return run_parsers(reader, order, &opened, why);
}
