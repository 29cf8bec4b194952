/* SPDX-License-Identifier: Apache-2.0 */
#include "file_support.h"

#include "parsers/filesystem/file.h"
#include "parsers/filesystem/ntfs/index.h"

struct tally {
	size_t live, deleted, whole, reused, orphan;
	struct ntfs_found last;
	char last_path[1024];
};

static enum status tally_name(void *payload, const struct ntfs_found *found, struct failure *why)
{
	struct tally *tally = payload;

	(void)why;
	tally->live += found->in_use;
	tally->deleted += !found->in_use;
	tally->whole += found->state == NTFS_PATH_WHOLE;
	tally->reused += found->state == NTFS_PATH_PARENT_REUSED;
	tally->orphan += found->state == NTFS_PATH_ORPHAN;
	tally->last = *found;
	(void)snprintf(tally->last_path, sizeof(tally->last_path), "%.*s",
		       (int)found->path.size, found->path.data);
	return STATUS_OK;
}

struct opened {
	struct heard heard;
	struct span bytes;
	struct stream *stream;
	struct ntfs_table *table;
	struct tally tally;
};

static void open_corpus(struct opened *o, const char *name)
{
	*o = (struct opened){ .bytes = corpus_bytes(name) };
	heard_init(&o->heard);
	assert_int_equal(stream_over_memory(o->bytes, &o->stream, &o->heard.why), STATUS_OK);
	assert_int_equal(ntfs_table_read(&o->heard.ctx, o->stream, &o->table, &o->heard.why),
			 STATUS_OK);
	assert_int_equal(ntfs_table_visit(o->table, tally_name, &o->tally, &o->heard.why),
			 STATUS_OK);
}

static void close_corpus(struct opened *o)
{
	ntfs_table_free(o->table);
	stream_close(o->stream);
	span_free(o->bytes);
	heard_clear(&o->heard);
}

static const char testfs1[] = "images/testfs1_ntfs.dd.xz";

/* fls -r -p lists 527 files and folders with their times; five more have no unnamed content. */
static void every_live_file_of_a_volume_is_found(void **state)
{
	struct opened o;

	(void)state;
	open_corpus(&o, testfs1);
	assert_int_equal(o.tally.live, 532);
	assert_int_equal(o.tally.deleted, 0);
	assert_int_equal(o.heard.n_lost, 0);
	assert_int_equal(ntfs_table_emit(&o.heard.ctx, o.table, &o.heard.why), STATUS_OK);
	/* No name is left behind in the indexes of this volume, which never deleted. */
	assert_int_equal(o.heard.n_traces, 532);
	close_corpus(&o);
}

/*
 * Another program (a few lines of Python) counts 466 live names and 142 of free records; one of
 * those stands in an extension record whose base record has since become another file.
 */
static void deleted_files_and_torn_records_of_a_bare_table_are_told(void **state)
{
	struct opened o;

	(void)state;
	open_corpus(&o, "ntfs/xw_MFT");
	assert_int_equal(o.tally.live, 466);
	assert_int_equal(o.tally.deleted, 141);
	assert_int_equal(ntfs_table_lost(o.table), 13);
	assert_int_equal(o.heard.n_lost, 13);
	close_corpus(&o);
}

/* The record of an entry on the volume, by its own number; its fixup is then made not to fit. */
static void tear_record(struct span volume, uint32_t entry)
{
	uint8_t *bytes = (uint8_t *)(uintptr_t)volume.data;

	for (size_t at = 0; at + 1024 <= volume.size; at += 512)
		if (memcmp(bytes + at, "FILE", 4) == 0 && bytes[at + 0x2c] == entry &&
		    bytes[at + 0x2d] == 0)
			bytes[at + 510] ^= 0xff;
}

static void check_torn(uint32_t entry, size_t n_lost, size_t n_notes)
{
	struct opened o = { .bytes = corpus_bytes(testfs1) };

	tear_record(o.bytes, entry);
	heard_init(&o.heard);
	assert_int_equal(stream_over_memory(o.bytes, &o.stream, &o.heard.why), STATUS_OK);
	assert_int_equal(ntfs_table_read(&o.heard.ctx, o.stream, &o.table, &o.heard.why),
			 STATUS_OK);
	assert_int_equal(ntfs_table_lost(o.table), n_lost);
	assert_int_equal(o.heard.n_lost, n_lost);
	assert_int_equal(o.heard.n_notes, n_notes);
	close_corpus(&o);
}

/* What $MFT's bitmap calls free was no file: nothing that is there can be missed. */
static void a_torn_record_is_a_loss_only_if_it_may_be_a_file(void **state)
{
	(void)state;
	check_torn(66, 1, 0);
	check_torn(40, 0, 1);
}

/* Read as a deleted file, a live one has lost every cluster to another: itself. */
static void taken_clusters_of_a_deleted_file_are_unreadable(void **state)
{
	CLEANUP(stream_close_p) struct stream *file = NULL;
	struct ntfs_volume *volume;
	struct failure why = FAILURE_NONE;
	struct opened o;
	uint8_t byte;
	bool intact = true;

	(void)state;
	open_corpus(&o, testfs1);
	volume = ntfs_table_volume(o.table);
	assert_int_equal(ntfs_content_intact(volume, 66, &intact, &why), STATUS_OK);
	assert_false(intact);
	assert_int_equal(ntfs_open_deleted(volume, 66, &file, &why), STATUS_OK);
	assert_int_equal(file->size, 1000);
	assert_int_equal(stream_read(file, 999, &byte, 1, &why), ERR_UNREADABLE);
	assert_int_equal(why.offset, 999);
	stream_close(file);
	file = NULL;
	close_corpus(&o);
}

/* Deleted files that a live folder bounds, and the folders that were emitted. */
struct contained {
	struct opened *o;
	struct {
		uint64_t entry, sequence;
		int64_t modified;
	} children[256], folders[256];
	size_t n_children, n_folders;
};

static int64_t filetime_at(struct span bytes, uint64_t offset)
{
	uint64_t number = 0;

	assert_true(offset + 8 <= bytes.size);
	for (size_t i = 8; i-- > 0;)
		number = number << 8 | bytes.data[offset + i];
	return (int64_t)number;
}

static void see_contained(struct heard *heard, const struct trace *trace)
{
	struct contained *c = heard->payload;
	const struct instant modified = trace_instant(trace, "container_modified");
	const uint64_t at = trace->origin.offset;

	if (instant_is_set(modified)) {
		assert_true(c->n_children < 256);
		c->children[c->n_children].entry = trace_uint(trace, "parent");
		c->children[c->n_children].sequence = trace_uint(trace, "parent_sequence");
		c->children[c->n_children++].modified = modified.ticks;
	} else if (text_equal(trace_text(trace, "kind"), TEXT("folder")) &&
		   trace->recovery == RECOVERY_ALLOCATED) {
		assert_true(c->n_folders < 256);
		c->folders[c->n_folders].entry = trace_uint(trace, "entry");
		c->folders[c->n_folders].sequence = trace_uint(trace, "sequence");
		/* $STANDARD_INFORMATION comes first: 24 bytes of header, the time of creation. */
		c->folders[c->n_folders++].modified =
			filetime_at(c->o->bytes, at + c->o->bytes.data[at + 20] + 24 + 8);
	}
}

/* Files alone, as far as names tell. */
static bool want_files(struct parse_context *ctx, struct text path)
{
	(void)ctx;
	return path.size > 4 && path.data[path.size - 4] == '.';
}

static void a_folder_that_bounds_a_deleted_file_is_told_once_with_its_record(void **state)
{
	struct opened o;
	struct contained c = { .o = &o };
	struct parse_ops ops = hearing_ops;

	(void)state;
	open_corpus(&o, "ntfs/xw_MFT");
	ops.wants_path = want_files;
	o.heard.ctx.ops = &ops;
	o.heard.look = see_contained;
	o.heard.payload = &c;
	assert_int_equal(ntfs_table_emit(&o.heard.ctx, o.table, &o.heard.why), STATUS_OK);
	assert_true(c.n_children > 10);
	for (size_t i = 0; i < c.n_children; i++) {
		size_t n = 0;

		for (size_t k = 0; k < c.n_folders; k++)
			n += c.folders[k].entry == c.children[i].entry &&
			     c.folders[k].sequence == c.children[i].sequence &&
			     c.folders[k].modified == c.children[i].modified;
		assert_int_equal(n, 1);
	}
	close_corpus(&o);
}

static uint64_t entry_of(struct opened *o, const char *path)
{
	struct ntfs_found found;

	if (ntfs_table_find(o->table, text_of(path), &found) != STATUS_OK)
		return UINT64_MAX;
	return found.entry;
}

static void paths_are_found_whatever_their_case(void **state)
{
	struct opened o;

	(void)state;
	open_corpus(&o, testfs1);
	assert_int_equal(entry_of(&o, "/1000-BYTES-file"), 66);
	assert_int_equal(entry_of(&o, "/$extend/$objid"), 25);
	assert_int_equal(entry_of(&o, "/"), 5);
	assert_int_equal(entry_of(&o, "/no-such-file"), UINT64_MAX);
	close_corpus(&o);
}

static void content_reads_as_another_tool_reads_it(void **state)
{
	CLEANUP(stream_close_p) struct stream *file = NULL;
	uint8_t bytes[1000];
	struct opened o;

	(void)state;
	open_corpus(&o, testfs1);
	assert_int_equal(ntfs_open_file(ntfs_table_volume(o.table), 66, TEXT(""), &file,
					&o.heard.why),
			 STATUS_OK);
	assert_int_equal(file->size, 1000);
	assert_int_equal(stream_read(file, 0, bytes, 1000, &o.heard.why), STATUS_OK);
	assert_memory_equal(bytes, "12345", 5);
	assert_int_equal(ntfs_open_file(ntfs_table_volume(o.table), 65, TEXT("none"), &file,
					&o.heard.why),
			 STATUS_END);
	stream_close(file);
	file = NULL;
	assert_int_equal(ntfs_open_file(ntfs_table_volume(o.table), 67, TEXT(""), &file,
					&o.heard.why),
			 STATUS_OK);
	stream_close(file);
	file = NULL;
	close_corpus(&o);
}

static void damage_never_harms_the_reader(void **state)
{
	CLEANUP(stream_close_p) struct stream *stream = NULL;
	const struct span good = corpus_bytes("ntfs/xw_MFT");
	uint8_t *bytes = malloc(good.size);
	uint64_t random = 1;

	(void)state;
	assert_non_null(bytes);
	for (int round = 0; round < 20; round++) {
		CLEANUP(ntfs_table_free_p) struct ntfs_table *table = NULL;
		struct heard heard;

		heard_init(&heard);
		memcpy(bytes, good.data, good.size);
		/* The first record stays whole, so that the file is still taken for $MFT. */
		for (int i = 0; i < 3000; i++)
			bytes[1024 + next_random(&random) % (good.size - 1024)] =
				(uint8_t)next_random(&random);
		assert_int_equal(stream_over_memory(span_of(bytes, good.size), &stream,
						    &heard.why),
				 STATUS_OK);
		assert_int_equal(ntfs_table_read(&heard.ctx, stream, &table, &heard.why),
				 STATUS_OK);
		assert_int_equal(ntfs_table_emit(&heard.ctx, table, &heard.why), STATUS_OK);
		stream_close(stream);
		stream = NULL;
		heard_clear(&heard);
	}
	free(bytes);
	span_free(good);
}

struct names {
	size_t n, with_reference;
	bool has_deleted;
};

static enum status count_index_name(void *payload, const struct ntfs_index_name *found,
				    struct failure *why)
{
	static const uint8_t deleted[] = "F\0o\0l\0d\0e\0r\0005\0a"; /* and the last zero */
	struct names *names = payload;

	(void)why;
	names->n++;
	names->with_reference += found->reference != 0;
	names->has_deleted |= found->name.name.size == sizeof(deleted) &&
			      memcmp(found->name.name.data, deleted, sizeof(deleted)) == 0;
	return STATUS_OK;
}

/*
 * The index of a folder after the first deletion in it. A few lines of Python that walk the live
 * entries and then the slack find 12 long names there and 54 here.
 */
static void names_in_the_slack_of_a_folder_are_found(void **state)
{
	const struct span index = corpus_bytes("ntfs/I30_FirstDelete");
	const uint64_t folder = UINT64_C(0x1200000001d044);
	struct names names = { 0 };

	(void)state;
	for (size_t at = 0; at + 4096 <= index.size; at += 4096) {
		uint8_t *bytes = malloc(4096);

		assert_non_null(bytes);
		memcpy(bytes, index.data + at, 4096);
		assert_int_equal(ntfs_index_scan(bytes, 4096, at, folder, count_index_name,
						 &names, NULL),
				 STATUS_OK);
		free(bytes);
	}
	assert_int_equal(names.n, 66);
	assert_true(names.with_reference >= 12);
	assert_true(names.has_deleted);
	span_free(index);
}

/* A log of Windows 10. A few lines of Python that undo the fixups find as many names. */
static void names_in_a_log_of_transactions_are_found(void **state)
{
	const struct span log = corpus_bytes("ntfs/LogFile_10.bin");
	struct names names = { 0 };
	uint8_t page[4096];

	(void)state;
	for (size_t at = 0; at + sizeof(page) <= log.size; at += sizeof(page)) {
		memcpy(page, log.data + at, sizeof(page));
		assert_int_equal(ntfs_log_scan(page, sizeof(page), at, count_index_name, &names,
					       NULL),
				 STATUS_OK);
	}
	assert_int_equal(names.n, 60);
	assert_int_equal(names.with_reference, 26);
	span_free(log);
}

static void note_logged(struct heard *heard, const struct trace *trace)
{
	char *paths = heard->payload;
	const size_t used = strlen(paths);
	const struct text path = trace_text(trace, "path");

	if (trace->recovery != RECOVERY_LOG_EARLIER)
		return;
	assert_non_null(trace->file);
	assert_int_equal(trace->file->entry, 2);
	assert_true(trace->origin.size > 66);
	(void)snprintf(paths + used, 512 - used, "%.*s ", (int)path.size, path.data);
}

/* A page of that log in the log of a volume whose root it names: a file that came and went there. */
static void files_that_only_the_log_names_are_emitted(void **state)
{
	enum { LOG_ON_VOLUME = 2055 * 512, PAGE_IN_SAMPLE = 188416 };
	const struct span log = corpus_bytes("ntfs/LogFile_10.bin");
	struct opened o = { .bytes = corpus_bytes(testfs1) };
	char paths[512] = "";

	(void)state;
	memcpy((uint8_t *)(uintptr_t)o.bytes.data + LOG_ON_VOLUME, log.data + PAGE_IN_SAMPLE, 4096);
	heard_init(&o.heard);
	o.heard.look = note_logged;
	o.heard.payload = paths;
	assert_int_equal(stream_over_memory(o.bytes, &o.stream, &o.heard.why), STATUS_OK);
	assert_int_equal(ntfs_table_read(&o.heard.ctx, o.stream, &o.table, &o.heard.why),
			 STATUS_OK);
	assert_int_equal(ntfs_table_emit(&o.heard.ctx, o.table, &o.heard.why), STATUS_OK);
	assert_non_null(strstr(paths, "/find_me.txt "));
	assert_non_null(strstr(paths, "/got_renamed.txt "));
	close_corpus(&o);
	span_free(log);
}

static void what_is_no_ntfs_is_declined(void **state)
{
	CLEANUP(stream_close_p) struct stream *stream = NULL;
	static const uint8_t zeros[8192];
	struct ntfs_table *table = NULL;
	struct heard heard;

	(void)state;
	heard_init(&heard);
	assert_int_equal(stream_over_memory(span_of(zeros, sizeof(zeros)), &stream, &heard.why),
			 STATUS_OK);
	assert_int_equal(ntfs_table_read(&heard.ctx, stream, &table, &heard.why), STATUS_DECLINED);
	heard_clear(&heard);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_live_file_of_a_volume_is_found),
		cmocka_unit_test(deleted_files_and_torn_records_of_a_bare_table_are_told),
		cmocka_unit_test(a_torn_record_is_a_loss_only_if_it_may_be_a_file),
		cmocka_unit_test(taken_clusters_of_a_deleted_file_are_unreadable),
		cmocka_unit_test(a_folder_that_bounds_a_deleted_file_is_told_once_with_its_record),
		cmocka_unit_test(paths_are_found_whatever_their_case),
		cmocka_unit_test(content_reads_as_another_tool_reads_it),
		cmocka_unit_test(damage_never_harms_the_reader),
		cmocka_unit_test(names_in_the_slack_of_a_folder_are_found),
		cmocka_unit_test(names_in_a_log_of_transactions_are_found),
		cmocka_unit_test(files_that_only_the_log_names_are_emitted),
		cmocka_unit_test(what_is_no_ntfs_is_declined),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
