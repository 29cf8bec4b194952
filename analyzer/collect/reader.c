/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/collect/reader.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>

#include "parsers/base/text.h"

enum { HASH_CHUNK = 65536 };

void reader_send(struct reader *reader)
{
	struct failure why = FAILURE_NONE;

	/* Messages are made of checked parts; what is too large was refused before. */
	if (message_send(reader->fd, &reader->message, &why) < 0)
		_exit(3);
}

static struct reader *reader_of(struct parse_context *ctx)
{
	return ctx->payload;
}

static void close_other(struct reader *reader)
{
	stream_close(reader->other);
	reader->other = NULL;
	reader->other_attribute[0] = '\0';
}

void hear_refusals(struct reader *reader, bool heard)
{
	if (reader->image)
		reader->image->refusals_unheard = !heard;
}

void reader_name_attribute(struct reader *reader, uint64_t entry, struct text attribute,
			   char ret[VIEW_ATTRIBUTE_SIZE])
{
	const bool heard = reader->image && !reader->image->refusals_unheard;

	/* libtsk may be asked, which reads ahead; for the report the name alone is missing then. */
	hear_refusals(reader, false);
	if (attribute.size == 0 || !view_attribute_id(reader->volume.view, entry, attribute, ret))
		ret[0] = '\0';
	hear_refusals(reader, heard);
}

/* The other file of the volume that a trace stands in; NULL when it cannot be opened. */
static struct stream *open_other(struct reader *reader, const struct other_file *file)
{
	const struct text attribute =
		reader->volume.view ? view_attribute(reader->volume.view, file->path) : TEXT("");

	if (!reader->volume.view || (reader->other && reader->other_entry == file->entry))
		return reader->other;
	close_other(reader);
	reader->other_entry = file->entry;
	if (view_open_file(reader->volume.view, file->entry, attribute, &reader->other, NULL) !=
	    STATUS_OK)
		return NULL;
	reader_name_attribute(reader, file->entry, attribute, reader->other_attribute);
	return reader->other;
}

/* Where the bytes of a trace stand, when not in the source itself: path, entry, sequence. */
static struct other_file place_of(const struct reader *reader, const struct trace *trace)
{
	const unsigned n = trace->origin.companion;

	if (trace->file)
		return *trace->file;
	if (n == 0 || !reader->order || n > reader->order->n_companions)
		return (struct other_file){ .entry = 0 };

	const struct job_companion *log = &reader->order->companions[n - 1];

	return (struct other_file){ log->path, log->entry, log->sequence };
}

static struct text icat_name(const struct reader *reader, const struct trace *trace)
{
	const char *name = trace->file		    ? reader->other_attribute :
			   trace->origin.companion == 0 ? reader->attribute :
							  "";

	return *name ? text_of(name) : (struct text){ NULL, 0 };
}

/* Hex SHA-256 of a trace's bytes; data NULL when it names none or they cannot be read. */
static struct text origin_digest(struct reader *reader, const struct trace *trace)
{
	const struct text none = { NULL, 0 };
	const struct origin *origin = &trace->origin;
	struct stream *stream = trace->file ? open_other(reader, trace->file) :
				origin->companion <= SOURCE_MAX_COMPANIONS ?
					      reader->origins[origin->companion] :
					      NULL;
	const uint64_t size = origin->size < LIMIT_LOCATOR_BYTES ? origin->size :
								   LIMIT_LOCATOR_BYTES;
	uint8_t digest[EVP_MAX_MD_SIZE], chunk[HASH_CHUNK];
	unsigned n = 0;

	if (!stream || size == 0)
		return none;

	EVP_MD_CTX *hash = EVP_MD_CTX_new();
	bool good = hash && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) == 1;

	for (uint64_t done = 0; good && done < size;) {
		const size_t part = size - done < HASH_CHUNK ? (size_t)(size - done) : HASH_CHUNK;

		good = stream_read(stream, origin->offset + done, chunk, part, NULL) >= 0 &&
		       EVP_DigestUpdate(hash, chunk, part) == 1;
		done += part;
	}
	good = good && EVP_DigestFinal_ex(hash, digest, &n) == 1;
	EVP_MD_CTX_free(hash);

	char *hex = good ? arena_alloc(reader->scratch, 65) : NULL;

	if (!hex)
		return none;
	for (size_t i = 0; i < 32; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	return (struct text){ hex, 64 };
}

static enum status send_trace(struct parse_context *ctx, const struct trace *trace,
			      struct failure *why)
{
	struct reader *reader = reader_of(ctx);
	struct message *m = &reader->message;
	struct span values;

	if (reader->n_traces >= LIMIT_TRACES_PER_SOURCE)
		return failure_set(why, ERR_LIMIT, "more than %" PRIu64 " traces",
				   LIMIT_TRACES_PER_SOURCE);
	reader->n_traces++;
	arena_reset(reader->scratch);

	const enum status status = trace_encode(reader->scratch, trace, &values, why);

	if (status < 0)
		return status;
	const struct other_file place = place_of(reader, trace);
	const bool in_deleted = reader->order && reader->order->deleted;

	message_start(m, MESSAGE_TRACE);
	message_text(m, text_of(trace->type->name));
	message_u8(m, (uint8_t)(in_deleted && trace->recovery == RECOVERY_ALLOCATED ?
					RECOVERY_DELETED :
					trace->recovery));
	message_u64(m, trace->origin.offset);
	message_u64(m, trace->origin.size);
	message_u32(m, trace->origin.companion);
	message_text(m, trace->origin.address);
	message_text(m, origin_digest(reader, trace));
	message_text(m, icat_name(reader, trace));
	message_text(m, place.path);
	message_u64(m, place.entry);
	message_u64(m, place.sequence);
	message_bytes(m, values);
	reader_send(reader);
	return STATUS_OK;
}

static void send_problem(struct reader *reader, enum message_type type, uint64_t offset,
			 const char *text)
{
	const struct span bytes = { (const uint8_t *)text, strlen(text) };

	arena_reset(reader->scratch);
	message_start(&reader->message, type);
	message_u64(&reader->message, offset);
	/* A text cut by printf may end inside a character. */
	message_text(&reader->message, text_from_utf8(reader->scratch, bytes, NULL));
	reader_send(reader);
}

static void send_note(struct parse_context *ctx, uint64_t offset, const char *text)
{
	struct reader *reader = reader_of(ctx);

	if (reader->n_notes++ < LIMIT_NOTES_PER_SOURCE * 2)
		send_problem(reader, MESSAGE_NOTE, offset, text);
}

static void send_lost(struct parse_context *ctx, uint64_t offset, const char *text)
{
	struct reader *reader = reader_of(ctx);

	if (reader->n_lost++ < LIMIT_NOTES_PER_SOURCE * 2)
		send_problem(reader, MESSAGE_LOST, offset, text);
}

static void send_cover(struct parse_context *ctx, const char *recorder, struct instant from,
		       struct instant to)
{
	struct reader *reader = reader_of(ctx);

	/* A deleted log records nothing any more, and what came after it is another's to tell. */
	if (reader->order && reader->order->deleted)
		return;
	message_start(&reader->message, MESSAGE_COVER);
	message_text(&reader->message, text_of(recorder));
	message_instant(&reader->message, from);
	message_instant(&reader->message, to);
	reader_send(reader);
}

static bool want_path(struct parse_context *ctx, struct text path)
{
	const struct wanted *wanted = reader_of(ctx)->wanted;

	return !wanted->path || wanted->path(wanted->payload, path);
}

static bool want_key(struct parse_context *ctx, struct text key)
{
	const struct wanted *wanted = reader_of(ctx)->wanted;

	return !wanted->key || wanted->key(wanted->payload, key);
}

static bool want_log(struct parse_context *ctx, struct text channel, struct text provider)
{
	const struct wanted *wanted = reader_of(ctx)->wanted;

	return !wanted->log || wanted->log(wanted->payload, channel, provider);
}

static struct text find_folder(struct parse_context *ctx, uint64_t reference)
{
	static const struct parse_ops mute = { .emit = send_trace };
	struct reader *reader = reader_of(ctx);
	struct parse_context quiet = { ctx->arena, &mute, ctx->payload };
	const bool heard = reader->image && !reader->image->refusals_unheard;
	struct text path = { NULL, 0 };

	/* What is lost of $MFT was told by the survey; only some readers read it again for this. */
	hear_refusals(reader, false);
	if (reader->volume.view)
		path = view_folder_path(reader->volume.view, &quiet, reference);
	hear_refusals(reader, heard);
	return path;
}

static const struct parse_ops reader_ops = {
	.emit = send_trace,
	.note = send_note,
	.lost = send_lost,
	.cover = send_cover,
	.wants_path = want_path,
	.wants_key = want_key,
	.wants_log = want_log,
	.folder_path = find_folder,
};

static void close_image(struct reader *reader)
{
	volume_stack_close(&reader->volume);
	if (reader->image)
		image_close(reader->image);
	reader->image = NULL;
}

static enum status need_image(struct reader *reader, uint32_t evidence, struct failure *why)
{
	if (evidence >= reader->options->n_evidence)
		return failure_set(why, ERR_FORMAT, "no evidence %u", evidence);
	if (reader->image && reader->evidence == evidence)
		return STATUS_OK;
	close_image(reader);
	reader->evidence = evidence;

	const struct collect_evidence *given = &reader->options->evidence[evidence];

	return image_open(given->paths, given->n_paths, &reader->image, why);
}

static bool is_open(const struct reader *reader, const struct job_order *order)
{
	const struct job_order *place = &reader->place;

	return reader->volume.view && place->evidence == order->evidence &&
	       place->offset == order->offset && place->size == order->size &&
	       place->logical == order->logical && place->snapshot == order->snapshot;
}

static enum status need_volume(struct reader *reader, const struct job_order *order,
			       struct failure *why)
{
	const enum status status = need_image(reader, order->evidence, why);

	if (status < 0 || is_open(reader, order))
		return status;
	volume_stack_close(&reader->volume);
	reader->place = *order;

	const struct volume_place place = { .offset = order->offset,
					    .size = order->size,
					    .logical = order->logical,
					    .snapshot = order->snapshot };

	return volume_stack_open(&reader->volume, reader->image->stream, &place,
				 reader->options->secrets, why);
}

static enum status run_job(struct reader *reader, const struct job_order *order,
			   struct failure *why)
{
	const bool in_volume = order->kind == JOB_VOLUME || order->kind == JOB_SOURCE;
	const enum status status = in_volume ? need_volume(reader, order, why) :
					       need_image(reader, order->evidence, why);

	if (status == STATUS_DECLINED && order->kind == JOB_VOLUME)
		return read_volume_group(reader, why);
	if (status != STATUS_OK)
		return status;
	switch (order->kind) {
	case JOB_CONTAINER:
		return read_container(reader, why);
	case JOB_PARTITIONS:
		return read_partitions(reader, why);
	case JOB_VOLUME:
		return read_one_volume(reader, why);
	case JOB_SOURCE:
		return read_one_source(reader, order, why);
	case JOB_DIGEST:
		return read_medium(reader, why);
	}
	return failure_set(why, ERR_FORMAT, "no such job");
}

enum { RANGES_NAMED = 6 };

const char *ranges_text(struct reader *reader, const struct range_list *ranges)
{
	const char *text = "";

	for (size_t i = 0; text && i < ranges->n_items && i < RANGES_NAMED; i++)
		text = arena_printf(reader->arena, "%s%s%" PRIu64 " to %" PRIu64, text, i ? ", " : "",
				    ranges->items[i].offset,
				    ranges->items[i].offset + ranges->items[i].size);
	if (text && ranges->n_items > RANGES_NAMED)
		text = arena_printf(reader->arena, "%s and %zu more places", text,
				    ranges->n_items - RANGES_NAMED);
	return text ? text : "some places";
}

void send_unreadable(struct reader *reader, const struct range_list *ranges)
{
	struct message *m = &reader->message;
	uint64_t size = reader->image->stream->size, n = 0;

	/* A chunk's range may pass the end of the medium. */
	while (n < ranges->n_items && ranges->items[n].offset < size)
		n++;
	if (n == 0)
		return;
	message_start(m, MESSAGE_UNREADABLE);
	message_u32(m, (uint32_t)n);
	for (size_t i = 0; i < n; i++) {
		const struct byte_range *range = &ranges->items[i];
		const uint64_t left = size - range->offset;

		message_u64(m, range->offset);
		message_u64(m, range->size < left ? range->size : left);
	}
	reader_send(reader);
}

/*
 * libtsk reads 64 KiB where less is wanted, and keeps them. For a job that opens what it reads that is
 * the same whoever does it; what a source meets so depends on the sources before it, and is not told:
 * libtsk fails where wanted bytes are missing, and the source says what it lacks.
 */
static void tell_refusals(struct reader *reader, const struct job_order *order, enum status status)
{
	const struct range_list *refused = reader->image ? &reader->image->refused : NULL;
	const bool by_libtsk = order->kind == JOB_PARTITIONS ||
			       (reader->volume.view && strcmp(view_filesystem(reader->volume.view), "ntfs") != 0);

	if (!refused || refused->n_items == 0 || order->kind == JOB_DIGEST ||
	    (by_libtsk && order->kind == JOB_SOURCE))
		return;
	/* A library or a parser may make do without what it was refused. */
	if (status >= 0 && reader->n_lost == 0 && !by_libtsk)
		lost(&reader->ctx, FAILURE_NO_OFFSET, "the image holds no sound data at %s",
		     ranges_text(reader, refused));
	send_unreadable(reader, refused);
}

/* How much of its subject a job has read, from its status and what it sent. */
static enum reading outcome(const struct reader *reader, enum status status)
{
	if (status == STATUS_DECLINED)
		return READING_SKIPPED;
	if (status == ERR_ENCRYPTED)
		return READING_ENCRYPTED;
	if (status < 0)
		return reader->n_traces ? READING_PARTLY : READING_UNREADABLE;
	return reader->n_lost ? READING_PARTLY : READING_READ;
}

static void do_job(struct reader *reader, const struct job_order *order)
{
	struct failure why = FAILURE_NONE;
	struct text problem = { NULL, 0 };

	arena_reset(reader->arena);
	memset(reader->origins, 0, sizeof(reader->origins));
	reader->order = order;
	reader->attribute[0] = '\0';
	reader->n_traces = reader->n_notes = reader->n_lost = 0;

	if (reader->image)
		ranges_release(&reader->image->refused);

	const enum status status = run_job(reader, order, &why);

	tell_refusals(reader, order, status);
	arena_reset(reader->scratch);
	if (status < 0)
		problem = text_from_utf8(reader->scratch,
					 span_of(why.text, strlen(why.text)), NULL);
	else if (status == STATUS_DECLINED)
		problem = order->kind == JOB_VOLUME ? survey_no_filesystem(reader, order) :
						      TEXT("not of the format its path promises");
	close_other(reader);
	message_start(&reader->message, MESSAGE_DONE);
	message_u8(&reader->message, (uint8_t)outcome(reader, status));
	message_text(&reader->message, problem);
	reader_send(reader);
	/* Nothing doubtful is used again; that bytes are missing is no doubt of the image, and to open a
	 * set that is not whole costs a walk through it. */
	if (status == ERR_UNREADABLE || status == ERR_TRUNCATED)
		volume_stack_close(&reader->volume);
	else if (status < 0)
		close_image(reader);
}

_Noreturn void reader_main(int fd, const struct collect_options *options,
			   const struct wanted *wanted)
{
	static const struct wanted everything = { 0 };
	struct reader reader = { .fd = fd,
				 .options = options,
				 .wanted = wanted ? wanted : &everything,
				 .arena = arena_new(LIMIT_ARENA),
				 .scratch = arena_new(LIMIT_TRACE_BYTES * 4) };
	struct message in = { 0 };

	reader.ctx = (struct parse_context){ reader.arena, &reader_ops, &reader };
	if (!reader.arena || !reader.scratch || sandbox_enter(reader_memory(options), NULL) < 0)
		_exit(4);
	while (message_receive(fd, &in, NULL) == STATUS_OK) {
		struct cursor c = cursor_over(span_of(in.data, in.size), 0);
		struct job_order order;

		if (cursor_u8(&c) != MESSAGE_JOB)
			_exit(5);
		read_order(&c, &order);
		if (c.status < 0)
			_exit(5);
		do_job(&reader, &order);
	}
	close_image(&reader);
	arena_free(reader.arena);
	arena_free(reader.scratch);
	free(in.data);
	free(reader.message.data);
	_exit(0);
}
