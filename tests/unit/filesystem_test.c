/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File systems of real images: the live entries counted against `fls -r -u`, content against
 * `icat`, times against `istat` (The Sleuth Kit's own tools).
 */
#include "parsers/filesystem/filesystem.h"
#include "parsers/stream/partition.h"
#include "tests/unit/image_support.h"

static char sample_path[512];

__attribute__((format(printf, 1, 2))) static long number_printed_by(const char *format, ...)
{
	char command[2048], line[64] = "";
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);

	FILE *pipe = popen(command, "r"); /* NOLINT: commands of this file */

	assert_non_null(pipe);
	if (!fgets(line, sizeof(line), pipe))
		line[0] = '\0';
	pclose(pipe);
	return strtol(line, NULL, 10);
}

/* Unpacks a sample of the corpus into the scratch folder; skips without the corpus. */
static const char *sample(const char *name)
{
	const char *corpus = getenv("AVOUCH_CORPUS");
	const char *dot = strrchr(name, '.');
	char from[1024];

	snprintf(from, sizeof(from), "%s/images/%s", corpus ? corpus : "../shared/corpus", name);
	if (access(from, R_OK) != 0) {
		print_message("no sample %s: skipped\n", from);
		skip();
	}
	snprintf(sample_path, sizeof(sample_path), "%s/%s", scratch,
		 strcmp(dot, ".E01") == 0 ? "sample.E01" : "sample.raw");
	assert_int_equal(run("%s %s > %s",
			     strcmp(dot, ".xz") == 0 ? "xz -dc" :
			     strcmp(dot, ".gz") == 0 ? "gzip -dc" :
						       "cat",
			     from, sample_path), 0);
	return sample_path;
}

struct world {
	struct image *image;
	struct stream *volume;
	struct filesystem *filesystem;
	struct arena *arena;
};

static void open_world(struct world *world, const char *path, uint64_t offset)
{
	struct failure why = FAILURE_NONE;

	memset(world, 0, sizeof(*world));
	world->arena = arena_new((size_t)64 << 20);
	if (image_open(&path, 1, &world->image, &why) < 0 ||
	    stream_window(world->image->stream, offset, world->image->stream->size - offset,
			  &world->volume, &why) < 0 ||
	    filesystem_open(world->volume, &world->filesystem, &why) != STATUS_OK)
		fail_msg("%s: %s", path, why.text);
}

static void close_world(struct world *world)
{
	filesystem_close(world->filesystem);
	stream_close(world->volume);
	image_close(world->image);
	arena_free(world->arena);
}

struct walk {
	struct world *world;
	long n_live, n_deleted;
	int depth;
};

static enum status count_entry(struct filesystem *filesystem, const struct file_entry *entry,
			       void *payload, struct failure *why)
{
	struct walk *walk = payload;

	if (entry->deleted) {
		walk->n_deleted++;
		return STATUS_OK;
	}
	walk->n_live++;
	if (entry->kind != FILE_KIND_FOLDER || walk->depth > 30)
		return STATUS_OK;
	walk->depth++;

	const enum status status = filesystem_list(filesystem, walk->world->arena, entry->entry,
						   count_entry, walk, why);

	walk->depth--;
	return status;
}

static void live_entries_are_those_of_fls(void **state)
{
	static const struct {
		const char *name, *type;
		uint64_t offset;
	} samples[] = {
		{ "testfs1_ntfs.dd.xz", "ntfs", 0 },   { "ntfs_test.ntfs.dd.E01", "ntfs", 0 },
		{ "ext2.E01", "ext2", 0 },             { "ext4.bin.gz", "ext4", 0 },
		{ "fat12.bin.xz", "fat12", 0 },        { "fat_deleted_dir.raw.gz", "fat32", 0 },
		{ "exfat_win.raw.gz", "exfat", 0 },    { "hfsplus.raw.xz", "hfs+", 0 },
		{ "exfat1.E01", "exfat", 2048 * 512 }, { "iso9660.raw", "iso9660", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		struct world world;
		struct failure why = FAILURE_NONE;
		const char *path = sample(samples[i].name);

		open_world(&world, path, samples[i].offset);

		struct walk walk = { .world = &world };
		const struct filesystem_facts *facts = filesystem_facts(world.filesystem);

		if (filesystem_list(world.filesystem, world.arena, facts->root, count_entry, &walk,
				    &why) < 0)
			fail_msg("%s: %s", samples[i].name, why.text);

		/* fls gives each named stream a line of its own: "path:stream". */
		const long by_fls = number_printed_by(
			"fls -o %llu -r -u -p %s | cut -f 2 | sed 's/:.*//' | sort -u | wc -l",
			(unsigned long long)samples[i].offset / 512, path);

		print_message("%s: %s, %ld live (fls %ld), %ld deleted\n", samples[i].name,
			      facts->type, walk.n_live, by_fls, walk.n_deleted);
		assert_string_equal(facts->type, samples[i].type);
		assert_int_equal(walk.n_live, by_fls);
		close_world(&world);
	}
}

static void deleted_entries_are_listed_with_their_state(void **state)
{
	struct world world;
	struct walk walk = { .world = &world };

	(void)state;
	open_world(&world, sample("fat_deleted_dir.raw.gz"), 0);
	assert_int_equal(filesystem_list(world.filesystem, world.arena,
					 filesystem_facts(world.filesystem)->root, count_entry,
					 &walk, NULL),
			 STATUS_OK);
	assert_true(walk.n_deleted > 0);
	close_world(&world);
}

static void content_and_named_streams_are_read(void **state)
{
	struct world world;
	struct stream *stream = NULL;
	struct file_entry entry;
	char text[256] = "";

	(void)state;
	open_world(&world, sample("ntfs_test.ntfs.dd.E01"), 0);
	assert_int_equal(filesystem_find(world.filesystem, world.arena,
					 "/FOLDER a/folder B/hello world text document.TXT", &entry,
					 NULL),
			 STATUS_OK);
	assert_int_equal(entry.kind, FILE_KIND_FILE);
	assert_string_equal(entry.name.data, "Hello world text document.txt");
	assert_int_equal(entry.created.state, INSTANT_SET);
	assert_int_equal(filesystem_open_path(
				 world.filesystem, world.arena,
				 "/Folder A/Folder B/Hello world text document.txt:goodbye.txt",
				 &stream, NULL),
			 STATUS_OK);
	assert_true(stream->size > 0 && stream->size < sizeof(text));
	assert_int_equal(stream_read(stream, 0, text, (size_t)stream->size, NULL), STATUS_OK);
	print_message("named stream: %s\n", text);
	assert_int_equal(stream_read(stream, stream->size, text, 1, NULL), ERR_TRUNCATED);
	stream_close(stream);
	assert_int_equal(filesystem_find(world.filesystem, world.arena, "/Folder A/absent", &entry,
					 NULL),
			 STATUS_END);
	assert_int_equal(filesystem_open_path(world.filesystem, world.arena, "/Folder A:nothing",
					      &stream, NULL),
			 STATUS_END);
	close_world(&world);
}

static void the_mft_read_as_a_stream_equals_icat(void **state)
{
	struct world world;
	struct stream *mft = NULL;
	const char *path = sample("testfs1_ntfs.dd.xz");
	char copy[600];

	(void)state;
	open_world(&world, path, 0);
	assert_int_equal(filesystem_open_path(world.filesystem, world.arena, "/$MFT", &mft, NULL),
			 STATUS_OK);

	uint8_t *bytes = malloc((size_t)mft->size);

	assert_int_equal(stream_read(mft, 0, bytes, (size_t)mft->size, NULL), STATUS_OK);
	snprintf(copy, sizeof(copy), "%s/mft", scratch);

	FILE *file = fopen(copy, "wb");

	fwrite(bytes, 1, (size_t)mft->size, file);
	fclose(file);
	assert_int_equal(run("icat %s 0 | cmp - %s", path, copy), 0);
	free(bytes);
	stream_close(mft);
	close_world(&world);
}

/* Walks a volume whose bytes were changed at random places; whatever comes, it must end. */
static void walk_damaged(const uint8_t *good, size_t size, uint64_t seed)
{
	CLEANUP(free_p) uint8_t *bytes = malloc(size);
	CLEANUP(arena_free_p) struct arena *arena = arena_new((size_t)64 << 20);
	CLEANUP(stream_close_p) struct stream *volume = NULL;
	CLEANUP(filesystem_close_p) struct filesystem *filesystem = NULL;
	struct failure why = FAILURE_NONE;
	struct world world = { .arena = arena };
	struct walk walk = { .world = &world };
	uint64_t x = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;

	memcpy(bytes, good, size);
	for (int i = 0; i < 2000; i++) {
		x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		bytes[(x >> 20) % size] = (uint8_t)(x >> 8);
	}
	assert_int_equal(stream_over_memory(span_of(bytes, size), &volume, &why), STATUS_OK);
	if (filesystem_open(volume, &filesystem, &why) == STATUS_OK)
		(void)!filesystem_list(filesystem, arena, filesystem_facts(filesystem)->root,
				       count_entry, &walk, &why);
}

static void damaged_file_systems_end_in_a_failure_or_a_shorter_list(void **state)
{
	static const char *const names[] = { "ext2.E01", "fat12.bin.xz", "testfs1_ntfs.dd.xz",
					     "hfsplus.raw.xz" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct world world;
		uint8_t *good;

		open_world(&world, sample(names[i]), 0);
		good = malloc((size_t)world.volume->size);
		assert_int_equal(stream_read(world.volume, 0, good, (size_t)world.volume->size,
					     NULL), STATUS_OK);
		for (uint64_t seed = 1; seed <= 12; seed++)
			walk_damaged(good, (size_t)world.volume->size, seed);
		free(good);
		close_world(&world);
	}
}

static void encrypted_and_unknown_volumes_are_told_apart(void **state)
{
	static uint8_t noise[1 << 16];
	struct stream *volume = NULL;
	struct filesystem *filesystem = NULL;
	struct failure why = FAILURE_NONE;
	const char *path = sample("bde_aes128.bin.gz");
	struct image *image = NULL;

	(void)state;
	assert_int_equal(image_open(&path, 1, &image, &why), STATUS_OK);
	assert_int_equal(filesystem_open(image->stream, &filesystem, &why), ERR_ENCRYPTED);
	print_message("%s\n", why.text);
	image_close(image);
	for (size_t i = 0, x = 1; i < sizeof(noise); i++) {
		x = x * 6364136223846793005 + 1442695040888963407;
		noise[i] = (uint8_t)(x >> 40);
	}
	assert_int_equal(stream_over_memory(span_of(noise, sizeof(noise)), &volume, NULL),
			 STATUS_OK);
	assert_int_equal(filesystem_open(volume, &filesystem, &why), STATUS_DECLINED);
	stream_close(volume);
}

static int make_scratch(void **state)
{
	(void)state;
	return mkdtemp(scratch) ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(live_entries_are_those_of_fls),
		cmocka_unit_test(deleted_entries_are_listed_with_their_state),
		cmocka_unit_test(content_and_named_streams_are_read),
		cmocka_unit_test(the_mft_read_as_a_stream_equals_icat),
		cmocka_unit_test(damaged_file_systems_end_in_a_failure_or_a_shorter_list),
		cmocka_unit_test(encrypted_and_unknown_volumes_are_told_apart),
	};

	return cmocka_run_group_tests(tests, make_scratch, drop_scratch);
}
