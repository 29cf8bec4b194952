/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/collect/reader.h"
#include "analyzer/collect/results.h"
#include "analyzer/collect/source_globs.h"

#include <stdio.h>

#include "parsers/base/text.h"
#include "parsers/stream/digest.h"
#include "parsers/stream/partition.h"

/* Hex of a digest in the arena; data NULL when there is none. */
static struct text hex_of(struct reader *reader, const uint8_t *bytes, size_t size, bool has)
{
	char *hex = has ? arena_alloc(reader->arena, size * 2 + 1) : NULL;

	for (size_t i = 0; hex && i < size; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
	return text_of(hex);
}

static struct text segment_paths(struct reader *reader)
{
	const char *paths = NULL;

	for (size_t i = 0; i < reader->image->n_segments; i++)
		paths = i == 0 ? reader->image->segments[0] :
				 arena_printf(reader->arena, "%s\n%s", paths,
					      reader->image->segments[i]);
	if (!paths)
		return (struct text){ NULL, 0 };
	return text_from_utf8(reader->arena, span_of(paths, strlen(paths)), NULL);
}

enum status read_container(struct reader *reader, struct failure *why)
{
	const struct image *image = reader->image;
	struct message *m = &reader->message;

	(void)why; /* the image is open: nothing more can fail */
	if (image->problem)
		lost(&reader->ctx, FAILURE_NO_OFFSET,
		     "the image is not whole: %s; what is left of it is read", image->problem);
	message_start(m, MESSAGE_EVIDENCE);
	message_text(m, text_of(image_format_name(image->format)));
	message_u64(m, image->stream->size);
	message_text(m, segment_paths(reader));
	message_text(m, hex_of(reader, image->md5, sizeof(image->md5), image->has_md5));
	message_text(m, hex_of(reader, image->sha1, sizeof(image->sha1), image->has_sha1));
	message_instant(m, image->acquired);
	reader_send(reader);
	if (image->unreadable)
		send_unreadable(reader, image->unreadable);
	return STATUS_OK;
}

static void send_volume(struct reader *reader, const struct sent_volume *volume)
{
	struct message *m = &reader->message;

	message_start(m, MESSAGE_VOLUME);
	message_u64(m, volume->offset);
	message_u64(m, volume->size);
	message_u32(m, volume->logical);
	message_u32(m, volume->snapshot);
	message_instant(m, volume->created);
	message_text(m, volume->identifier);
	reader_send(reader);
}

enum status read_partitions(struct reader *reader, struct failure *why)
{
	struct partition_table table;
	enum status status =
		partition_table_read(reader->image->stream, reader->arena, &table, why);

	if (status < 0)
		return status;
	if (table.from_backup)
		note(&reader->ctx, FAILURE_NO_OFFSET,
		     "the partition table was read from its second copy");
	for (size_t i = 0; i < table.n_partitions; i++) {
		const struct partition *part = &table.partitions[i];

		if (part->cut)
			lost(&reader->ctx, part->offset,
			     "partition %u passes the end of the image", part->slot);

		const struct sent_volume volume = { .offset = part->offset, .size = part->size };

		send_volume(reader, &volume);
	}
	return STATUS_OK;
}

struct text survey_no_filesystem(struct reader *reader, const struct job_order *order)
{
	static const char words[] = "no file system that is read";
	struct partition_table table = { 0 };

	if (!reader->image || order->logical || order->snapshot ||
	    partition_table_read(reader->image->stream, reader->scratch, &table, NULL) < 0)
		return text_of(words);
	for (size_t i = 0; i < table.n_partitions; i++) {
		const struct partition *p = &table.partitions[i];
		const char *named;

		if (p->slot == 0 || p->offset != order->offset || p->description.size == 0)
			continue;
		named = arena_printf(reader->scratch, "%s; the partition table calls it '%.*s'", words,
				     (int)p->description.size, p->description.data);
		return text_of(named ? named : words);
	}
	return text_of(words);
}

/* A source in the making: a file that fits a parser's paths, or a log beside a hive. */
struct candidate {
	struct candidate *next;
	struct job_order order;
	bool is_hive;
};

struct candidates {
	struct reader *reader;
	const struct source_globs *globs;
	struct candidate *first, **end;  /* sources, as found */
	struct candidate *logs;          /* transaction logs */
};

static bool is_log_name(struct text path)
{
	static const char *const ends[] = { ".log", ".log1", ".log2" };

	if (path.size == 0 || !strchr("gG12", path.data[path.size - 1]))
		return false;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		const struct text end = text_of(ends[i]);

		if (path.size > end.size &&
		    text_equal_folded((struct text){ path.data + path.size - end.size, end.size },
				      end))
			return true;
	}
	return false;
}

/* Of a deleted file some of whose clusters are taken: whether some parser reads what is left. */
static bool keep_parsers_of_parts(const struct view *view, struct job_order *order)
{
	bool any = false;

	for (size_t i = 0; all_parsers[i]; i++) {
		if (!all_parsers[i]->proves_parts)
			job_drop_parser(order, i);
		any |= job_has_parser(order, i);
	}
	return any && strcmp(view_filesystem(view), "ntfs") == 0;
}

static enum status consider_one(struct candidates *all, const struct view_file *file,
				struct failure *why)
{
	struct reader *reader = all->reader;
	struct candidate found = { .order = { .kind = JOB_SOURCE,
					      .entry = file->entry,
					      .sequence = file->sequence,
					      .deleted = file->deleted } };
	const bool is_source =
		source_globs_find(all->globs, &reader->ctx, file->path, &found.order,
				  &found.is_hive);

	if (!is_source && (file->deleted || !is_log_name(file->path)))
		return STATUS_OK;
	if (is_source && file->deleted && !view_is_intact(reader->volume.view, file->entry) &&
	    !keep_parsers_of_parts(reader->volume.view, &found.order))
		return STATUS_OK;

	struct candidate *kept = arena_copy(reader->arena, &found, sizeof(found));
	const char *path = kept ? arena_text(reader->arena, file->path) : NULL;

	if (!path)
		return failure_set(why, ERR_LIMIT, "too many sources");
	kept->order.path = (struct text){ path, file->path.size };
	if (is_source) {
		*all->end = kept;
		all->end = &kept->next;
	} else {
		kept->next = all->logs;
		all->logs = kept;
	}
	return STATUS_OK;
}

static enum status consider(void *payload, const struct view_file *file, struct failure *why)
{
	struct candidates *all = payload;
	const char *stream =
		file->deleted ? NULL : source_globs_stream(all->globs, file->path);

	if (stream) {
		const char *path = arena_printf(all->reader->arena, "%.*s:%s",
						(int)file->path.size, file->path.data, stream);
		struct view_file named = *file;

		if (!path)
			return failure_set(why, ERR_LIMIT, "too many sources");
		named.path = text_of(path);

		const enum status status = consider_one(all, &named, why);

		if (status < 0)
			return status;
	}
	return consider_one(all, file, why);
}

/* Whether path is that of the hive and ".LOG" and so on behind it. */
static bool is_log_of(struct text hive, struct text path)
{
	return path.size > hive.size && is_log_name(path) && path.data[hive.size] == '.' &&
	       text_equal_folded((struct text){ path.data, hive.size }, hive);
}

static void add_logs(const struct candidates *all, struct candidate *hive)
{
	/* The order of companions must not depend on the order of entries: .LOG, .LOG1, .LOG2 */
	for (size_t suffix = 4; suffix <= 5; suffix++)
		for (char last = suffix == 4 ? 'g' : '1'; last; last = last == '1' ? '2' : '\0')
			for (const struct candidate *log = all->logs; log; log = log->next) {
				const struct text path = log->order.path;
				const char end = path.data[path.size - 1];

				if (path.size != hive->order.path.size + suffix ||
				    (end | (suffix == 4 ? 0x20 : 0)) != last ||
				    !is_log_of(hive->order.path, path) ||
				    hive->order.n_companions == SOURCE_MAX_COMPANIONS)
					continue;
				hive->order.companions[hive->order.n_companions++] =
					(struct job_companion){ path, log->order.entry,
								log->order.sequence };
			}
}

static uint64_t file_size(struct reader *reader, const struct job_order *order)
{
	CLEANUP(stream_close_p) struct stream *stream = NULL;
	const struct text attribute = view_attribute(reader->volume.view, order->path);

	struct view *view = reader->volume.view;

	return view_open_file(view, order->entry, attribute, &stream, NULL) == STATUS_OK ?
		       stream->size :
		       0;
}

static void send_source(const struct candidates *all, struct candidate *one)
{
	struct reader *reader = all->reader;

	if (one->is_hive && !one->order.deleted)
		add_logs(all, one);
	one->order.file_size = file_size(reader, &one->order);
	message_start(&reader->message, MESSAGE_SOURCE);
	message_order(&reader->message, &one->order);
	reader_send(reader);
}

/*
 * What was found before a failure is read all the same. Results are written in this order: what
 * this reader alone can go on with comes last, so that the others' are written meanwhile.
 */
static void send_sources(void *payload)
{
	struct candidates *all = payload;

	for (struct candidate *one = all->first; one; one = one->next)
		if (!job_asks_folders(&one->order))
			send_source(all, one);
	for (struct candidate *one = all->first; one; one = one->next)
		if (job_asks_folders(&one->order))
			send_source(all, one);
}

static const char *guid_text(struct reader *reader, const uint8_t id[16])
{
	return arena_printf(reader->arena,
			    "{%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x}",
			    id[3], id[2], id[1], id[0], id[5], id[4], id[7], id[6], id[8], id[9],
			    id[10], id[11], id[12], id[13], id[14], id[15]);
}

/* The shadow copies of a live volume become volumes of their own. */
static void find_snapshots(struct reader *reader)
{
	CLEANUP(snapshots_close_p) struct snapshot_set *set = NULL;
	struct failure why = FAILURE_NONE;
	const enum status status = snapshots_open(reader->volume.top, &set, &why);

	if (status < 0)
		lost(&reader->ctx, why.offset, "shadow copies: %s", why.text);
	for (size_t i = 0; status == STATUS_OK && i < snapshots_count(set); i++) {
		struct snapshot snapshot;

		if (snapshot_describe(set, i, &snapshot, &why) < 0) {
			lost(&reader->ctx, why.offset, "shadow copy %zu: %s", i + 1, why.text);
			continue;
		}
		if (!snapshot.has_data || !instant_is_set(snapshot.created)) {
			note(&reader->ctx, FAILURE_NO_OFFSET,
			     "shadow copy %zu is kept on another volume", i + 1);
			continue;
		}

		const struct sent_volume volume = {
			.snapshot = (uint32_t)i + 1,
			.created = snapshot.created,
			.identifier = text_of(guid_text(reader, snapshot.identifier)),
		};

		if (volume.identifier.data)
			send_volume(reader, &volume);
	}
}

enum status read_volume_group(struct reader *reader, struct failure *why)
{
	CLEANUP(lvm_close_p) struct lvm *group = NULL;
	enum status status = STATUS_DECLINED;

	if (!reader->place.logical && !reader->place.snapshot)
		status = lvm_open(reader->volume.top, &group, why);
	for (size_t i = 0; status == STATUS_OK && i < lvm_count(group); i++) {
		const struct sent_volume volume = { .logical = (uint32_t)i + 1 };

		send_volume(reader, &volume);
	}
	return status;
}

enum status read_one_volume(struct reader *reader, struct failure *why)
{
	struct stream *entries = view_entries(reader->volume.view);
	/* What is free in a shadow copy was not kept in it. */
	const bool carve = reader->options->carve && !reader->place.snapshot;
	struct candidates all = { .reader = reader,
				  .globs = source_globs_new(reader->arena, carve) };

	if (!all.globs)
		return failure_set(why, ERR_NO_MEMORY, "paths of parsers");
	all.end = &all.first;
	message_start(&reader->message, MESSAGE_VIEW);
	message_text(&reader->message, text_of(view_filesystem(reader->volume.view)));
	message_text(&reader->message, view_label(reader->volume.view, reader->arena));
	message_text(&reader->message, text_of(view_entries_path(reader->volume.view)));
	message_u64(&reader->message, entries ? entries->size : 0);
	reader_send(reader);
	reader->origins[0] = entries;

	const enum status status =
		view_survey(reader->volume.view, &reader->ctx, consider, send_sources, &all, why);

	if (!reader->place.snapshot)
		find_snapshots(reader);
	return status;
}

/* Readers that would be at rest while the digests are computed, shared by the images. */
static size_t digest_threads(const struct collect_options *options)
{
	const size_t share = reader_count(options) / (options->n_evidence ? options->n_evidence : 1);

	return share < 1 ? 1 : share < DIGEST_MAX_STREAMS ? share : DIGEST_MAX_STREAMS;
}

/* Libraries keep a place in what they read: each thread has the medium opened for itself. */
static enum status digest_medium(struct reader *reader, struct image **more, struct digests *ret,
				 struct range_list *ret_unreadable, struct failure *why)
{
	const struct collect_evidence *given = &reader->options->evidence[reader->evidence];
	const size_t wanted = digest_threads(reader->options);
	struct stream *streams[DIGEST_MAX_STREAMS] = { reader->image->stream };
	size_t n = 1;

	while (n < wanted &&
	       image_open(given->paths, given->n_paths, &more[n], NULL) == STATUS_OK) {
		streams[n] = more[n]->stream;
		n++;
	}
	return stream_digest(streams, n, ret, ret_unreadable, why);
}

enum status read_medium(struct reader *reader, struct failure *why)
{
	struct image *more[DIGEST_MAX_STREAMS] = { NULL };
	struct digests digests;
	struct message *m = &reader->message;
	CLEANUP(ranges_release) struct range_list unreadable = { 0 };
	enum status status = digest_medium(reader, more, &digests, &unreadable, why);

	for (size_t i = 0; i < DIGEST_MAX_STREAMS; i++)
		if (more[i])
			image_close(more[i]);
	if (unreadable.n_items) {
		send_unreadable(reader, &unreadable);
		status = failure_set(why, status, "the digests of the medium cannot be computed: the "
						  "image holds no sound data at %s",
				     ranges_text(reader, &unreadable));
	}
	if (status < 0)
		return status;
	message_start(m, MESSAGE_DIGEST);
	message_text(m, hex_of(reader, digests.md5, sizeof(digests.md5), true));
	message_text(m, hex_of(reader, digests.sha1, sizeof(digests.sha1), true));
	message_text(m, hex_of(reader, digests.sha256, sizeof(digests.sha256), true));
	reader_send(reader);
	return STATUS_OK;
}
