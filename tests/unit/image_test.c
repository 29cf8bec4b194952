/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images of every format, whole and damaged. What is read is compared with a pattern whose every
 * block says which it is, and with the digest that the image itself stores (as ewfverify does).
 * E01 sets are made by ewfacquire, partition tables compared with mmls.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "parsers/stream/digest.h"
#include "parsers/stream/image.h"
#include "parsers/stream/partition.h"
#include "tests/unit/image_support.h"

static struct failure must_refuse(const char *path, enum status expected, const char *saying)
{
	struct failure why = FAILURE_NONE;
	struct image *image = NULL;
	const enum status status = image_open(&path, 1, &image, &why);

	print_message("%s\n", why.text);
	assert_int_equal(status, expected);
	assert_null(image);
	assert_non_null(strstr(why.text, saying));
	return why;
}

static int read_random_blocks(const char *path, unsigned seed)
{
	struct image *image = must_open(path);
	uint8_t block[BLOCK];
	uint64_t x = seed + 1;
	int bad = 0;

	for (int i = 0; i < 20000 && !bad; i++) {
		x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);

		const uint64_t number = (x >> 33) % PATTERN_BLOCKS;

		if (stream_read(image->stream, number * BLOCK, block, BLOCK, NULL) < 0 ||
		    !block_right(block, number))
			bad = 1;
	}
	image_close(image);
	return bad;
}

static void check_with_four_processes(const char *path)
{
	pid_t readers[4];

	for (unsigned i = 0; i < 4; i++) {
		readers[i] = fork();
		assert_true(readers[i] >= 0);
		if (readers[i] == 0)
			_exit(read_random_blocks(path, i));
	}
	for (int i = 0; i < 4; i++) {
		int result = -1;

		assert_int_equal(waitpid(readers[i], &result, 0), readers[i]);
		assert_int_equal(result, 0);
	}
}

static void four_processes_get_every_block_of_a_raw_image_right(void **state)
{
	(void)state;
	check_with_four_processes(in_scratch("pattern.raw"));
}

static void four_processes_get_every_block_of_a_multi_segment_ewf_right(void **state)
{
	(void)state;
	make_ewf("pattern", "none");

	struct image *image = must_open(in_scratch("pattern.E01"));

	assert_int_equal(image->format, IMAGE_EWF);
	assert_true(image->n_segments > 3);
	assert_int_equal(image->stream->size, PATTERN_BLOCKS * BLOCK);
	image_close(image);
	check_with_four_processes(in_scratch("pattern.E01"));
}

static void listed_segments_may_stand_in_any_order(void **state)
{
	const char *paths[] = { NULL, NULL, NULL, NULL, NULL, NULL };
	char names[6][512];
	size_t n = 0;
	struct image *image = NULL;
	uint8_t block[BLOCK];

	(void)state;
	for (int i = 6; i >= 1; i--) {
		char name[32];

		snprintf(name, sizeof(name), "pattern.E%02d", i);
		snprintf(names[n], sizeof(names[n]), "%s", in_scratch(name));
		paths[n] = names[n];
		if (access(names[n], R_OK) == 0)
			n++;
	}
	if (n < 2)
		skip();
	assert_int_equal(image_open(paths, n, &image, NULL), STATUS_OK);
	assert_int_equal(stream_read(image->stream, 7 * BLOCK, block, BLOCK, NULL), STATUS_OK);
	assert_true(block_right(block, 7));
	image_close(image);
}

static void split_raw_is_read_as_one_and_a_gap_is_named(void **state)
{
	(void)state;
	assert_int_equal(run("cd %s && split -b 3000000 -d -a 3 --numeric-suffixes=1 pattern.raw "
			     "pattern.dd.", scratch), 0);

	struct image *image = must_open(in_scratch("pattern.dd.001"));

	assert_int_equal(image->format, IMAGE_SPLIT_RAW);
	assert_int_equal(image->n_segments, 4);
	assert_int_equal(image->stream->size, PATTERN_BLOCKS * BLOCK);
	image_close(image);
	check_with_four_processes(in_scratch("pattern.dd.001"));
	unlink(in_scratch("pattern.dd.002"));
	must_refuse(in_scratch("pattern.dd.001"), ERR_TRUNCATED, "pattern.dd.002' is missing");
}

/* What is known to be bad is refused, and told by the chunk, only where it is asked for. */
static void check_refusals(struct image *image, struct byte_range bad)
{
	enum { CHUNK = 32768 };
	static uint8_t bytes[3 * CHUNK];

	ranges_release(&image->refused);
	assert_int_equal(stream_read(image->stream, bad.offset - BLOCK, bytes, BLOCK, NULL),
			 STATUS_OK);
	assert_int_equal(image->refused.n_items, 0);
	image->refusals_unheard = true;
	assert_int_equal(stream_read(image->stream, bad.offset, bytes, 1, NULL), ERR_UNREADABLE);
	assert_int_equal(image->refused.n_items, 0);
	image->refusals_unheard = false;
	assert_int_equal(stream_read(image->stream, bad.offset - CHUNK, bytes, 3 * CHUNK, NULL),
			 ERR_UNREADABLE);
	assert_int_equal(image->refused.n_items, 1);
	assert_int_equal(image->refused.items[0].offset, bad.offset);
	assert_int_equal(image->refused.items[0].size, CHUNK);
}

/* Flips a bit in the middle of segment 2; every block must be right or refused, never wrong. */
static void check_damage(const char *compression)
{
	uint8_t block[BLOCK];
	size_t n_refused = 0;

	make_ewf("hurt", compression);
	assert_int_equal(run("cd %s && printf 'damage' | dd of=hurt.E02 bs=1 seek=1000000 conv=notrunc "
			     "status=none", scratch), 0);

	struct image *image = must_open(in_scratch("hurt.E01"));

	for (uint64_t i = 0; i < PATTERN_BLOCKS; i++) {
		struct failure why = FAILURE_NONE;
		const enum status status =
			stream_read(image->stream, i * BLOCK, block, BLOCK, &why);

		if (status >= 0) {
			assert_true(block_right(block, i));
			continue;
		}
		assert_int_equal(status, ERR_UNREADABLE);
		assert_int_equal(why.offset, i * BLOCK);
		n_refused++;
	}
	print_message("%zu blocks refused\n", n_refused);
	assert_in_range(n_refused, 1, 2 * 64);
	assert_int_equal(image->unreadable->n_items, 1);
	assert_int_equal(image->unreadable->items[0].size, n_refused * BLOCK);
	assert_int_equal(image->refused.n_items, 1); /* all of it was asked for */
	assert_int_equal(image->refused.items[0].size, n_refused * BLOCK);
	check_refusals(image, image->unreadable->items[0]);
	image_close(image);
	run("rm -f %s/hurt.*", scratch);
}

static void a_damaged_chunk_is_unreadable_and_never_zeros(void **state)
{
	(void)state;
	check_damage("none");
	check_damage("fast");
}

/* The whole media of an image, to be freed; the size in *ret_size. */
static uint8_t *read_all(const char *path, size_t *ret_size)
{
	struct image *image = must_open(path);
	uint8_t *bytes = malloc((size_t)image->stream->size);

	*ret_size = (size_t)image->stream->size;
	assert_int_equal(stream_read(image->stream, 0, bytes, *ret_size, NULL), STATUS_OK);
	image_close(image);
	return bytes;
}

/* Counts chunks that are neither right nor refused; opens that fail count as refused. */
static size_t wrong_chunks(const char *path, const uint8_t *good, size_t size)
{
	static uint8_t chunk[32768];
	struct image *image = NULL;
	size_t n_wrong = 0;

	if (image_open(&path, 1, &image, NULL) < 0)
		return 0;
	if (image->stream->size != size)
		n_wrong = SIZE_MAX;
	for (size_t at = 0; at < size && n_wrong != SIZE_MAX; at += sizeof(chunk))
		if (stream_read(image->stream, at, chunk, sizeof(chunk), NULL) >= 0 &&
		    memcmp(chunk, good + at, sizeof(chunk)) != 0)
			n_wrong++;
	image_close(image);
	return n_wrong;
}

static void no_changed_byte_of_an_ewf_file_gives_wrong_media(void **state)
{
	const char *path = in_corpus("images/ext2.E01");
	size_t media_size, n = 0;
	uint8_t *good = read_all(path, &media_size), file[16384];
	char hurt[512];
	FILE *from = fopen(path, "rb");

	(void)state;
	snprintf(hurt, sizeof(hurt), "%s", in_scratch("flip.E01"));
	n = fread(file, 1, sizeof(file), from);
	fclose(from);
	for (size_t i = 0; i < n; i += i < 200 ? 3 : 181) {
		FILE *to = fopen(hurt, "wb");

		file[i] ^= 0x5a;
		fwrite(file, 1, n, to);
		fclose(to);
		file[i] ^= 0x5a;
		if (wrong_chunks(hurt, good, media_size) != 0)
			fail_msg("byte %zu of the file changed: wrong media", i);
	}
	unlink(hurt);
	free(good);
}

static void what_is_no_disk_is_refused_with_advice(void **state)
{
	(void)state;
	assert_int_equal(run("cd %s && : > empty && head -c 4096 /dev/urandom | gzip > packed.gz",
			     scratch), 0);
	must_refuse(in_scratch("empty"), ERR_TRUNCATED, "is empty");
	must_refuse(in_scratch("packed.gz"), ERR_UNSUPPORTED, "unpack it first");
	must_refuse(in_scratch("absent"), ERR_IO, "absent");
	must_refuse(scratch, ERR_IO, "no file and no disk");
	must_refuse(in_corpus("images/zeros_128s.Ex01"), ERR_UNSUPPORTED, "Ex01");
	must_refuse(in_corpus("images/hfsplus_zlib.dmg"), ERR_UNSUPPORTED, "DMG");
	must_refuse(in_corpus("images_odd/fuzz_parse_segment_overflow.E01"), ERR_FORMAT, "EWF");
}

static void media_of_real_ewf_images_has_the_digest_they_store(void **state)
{
	static const char *const images[] = { "images/ext2.E01", "images/image-split.E01",
					      "images/exfat1.E01", "images/ntfs_test.ntfs.dd.E01",
					      "images/nps-2010-emails.E01" };

	(void)state;
	for (size_t i = 0; i < sizeof(images) / sizeof(images[0]); i++) {
		struct image *image = must_open(in_corpus(images[i]));
		struct failure why = FAILURE_NONE;
		struct digests digests;
		struct range_list bad = { 0 };
		char acquired[INSTANT_TEXT_SIZE];

		if (stream_digest(&image->stream, 1, &digests, &bad, &why) < 0)
			fail_msg("%s: %s", images[i], why.text);
		print_message("%s: acquired %s zone %d md5 %d sha1 %d\n", images[i],
			      instant_format(image->acquired, acquired), image->acquired.zone,
			      image->has_md5, image->has_sha1);
		if (image->has_md5)
			assert_memory_equal(digests.md5, image->md5, sizeof(digests.md5));
		if (image->has_sha1)
			assert_memory_equal(digests.sha1, image->sha1, sizeof(digests.sha1));
		image_close(image);
	}
}

static void a_date_of_the_oldest_header_form_alone_has_no_zone(void **state)
{
	static const struct {
		const char *format, *extension;
		enum instant_zone zone;
	} forms[] = {
		{ "encase1", "E01", ZONE_LOCAL },
		{ "ftk", "E01", ZONE_LOCAL },
		{ "smart", "s01", ZONE_LOCAL },
		{ "encase6", "E01", ZONE_UTC },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		char name[64];

		snprintf(name, sizeof(name), "form.%s", forms[i].extension);
		if (run("cd %s && rm -f form.* && ewfacquire -u -q -f %s -B 65536 -t form pattern.raw "
			">/dev/null 2>&1", scratch, forms[i].format) != 0)
			skip();

		struct image *image = must_open(in_scratch(name));

		assert_int_equal(image->acquired.state, INSTANT_SET);
		assert_int_equal(image->acquired.zone, forms[i].zone);
		image_close(image);
	}
	run("rm -f %s/form.*", scratch);
}

static void virtual_disks_hold_what_qemu_img_finds_in_them(void **state)
{
	static const char *const images[] = { "images/ext2.vmdk", "images/ext2.qcow2",
					      "images/lvm.qcow2" };

	(void)state;
	for (size_t i = 0; i < sizeof(images) / sizeof(images[0]); i++) {
		const char *path = in_corpus(images[i]);
		struct image *disk = must_open(path);
		struct digests by_us, by_qemu;
		struct range_list bad = { 0 };

		if (run("qemu-img convert -O raw %s %s", path, in_scratch("converted")) != 0)
			skip();

		struct image *raw = must_open(in_scratch("converted"));

		assert_int_equal(disk->stream->size, raw->stream->size);
		assert_int_equal(stream_digest(&disk->stream, 1, &by_us, &bad, NULL), STATUS_OK);
		assert_int_equal(stream_digest(&raw->stream, 1, &by_qemu, &bad, NULL), STATUS_OK);
		assert_memory_equal(by_us.sha256, by_qemu.sha256, 32);
		image_close(disk);
		image_close(raw);
	}
}

/* The allocated rows of mmls: "002:  000:000   0000002048   0000124927 ..." */
static size_t rows_of_mmls(const char *path, uint64_t starts[16])
{
	char command[1200], line[256];
	size_t n = 0;

	snprintf(command, sizeof(command), "mmls -a %s 2>/dev/null", path);

	FILE *pipe = popen(command, "r"); /* NOLINT */

	while (fgets(line, sizeof(line), pipe)) {
		unsigned long long start = 0;
		char slot[16];

		if (n < 16 && sscanf(line, "%*d: %15s %llu", slot, &start) == 2)
			starts[n++] = start * 512;
	}
	pclose(pipe);
	return n;
}

static void partition_tables_agree_with_mmls(void **state)
{
	static const char *const images[] = { "images/image-split.E01", "images/exfat1.E01" };

	(void)state;
	(void)in_corpus(images[0]); /* skips before anything is held */

	struct arena *arena = arena_new(1 << 20);

	for (size_t i = 0; i < sizeof(images) / sizeof(images[0]); i++) {
		const char *path = in_corpus(images[i]);
		uint64_t starts[16];
		const size_t n = rows_of_mmls(path, starts);
		struct image *image = must_open(path);
		struct partition_table table;
		struct failure why = FAILURE_NONE;

		if (partition_table_read(image->stream, arena, &table, &why) < 0)
			fail_msg("%s", why.text);
		assert_true(n > 0);
		assert_int_equal(table.n_partitions, n);
		for (size_t k = 0; k < n; k++)
			assert_int_equal(table.partitions[k].offset, starts[k]);
		image_close(image);
	}

	struct image *bare = must_open(in_corpus("images/ext2.E01"));
	struct partition_table table;

	assert_int_equal(partition_table_read(bare->stream, arena, &table, NULL), STATUS_OK);
	assert_string_equal(table.scheme, "none");
	assert_int_equal(table.partitions[0].size, bare->stream->size);
	image_close(bare);
	arena_free(arena);
}

static void ranges_merge_and_are_found(void **state)
{
	struct range_list list = { 0 };

	(void)state;
	assert_true(ranges_add(&list, 100, 10));
	assert_true(ranges_add(&list, 300, 10));
	assert_true(ranges_add(&list, 200, 10));
	assert_int_equal(list.n_items, 3);
	assert_null(ranges_find(&list, 110, 90));
	assert_int_equal(ranges_find(&list, 110, 91)->offset, 200);
	assert_int_equal(ranges_find(&list, 0, 101)->offset, 100);
	assert_null(ranges_find(&list, 310, 10));
	assert_true(ranges_add(&list, 110, 90));
	assert_int_equal(list.n_items, 2);
	assert_int_equal(list.items[0].size, 110);
	assert_true(ranges_add(&list, 0, UINT64_MAX));
	assert_int_equal(list.n_items, 1);
	ranges_release(&list);
}

/* A disk whose first sectors are lost has a copy of its GPT at the end. */
static void the_copy_of_a_gpt_is_read(void **state)
{
	enum { DISK = 4 << 20, SECTOR = 512 };
	CLEANUP(arena_free_p) struct arena *arena = arena_new((size_t)1 << 20);
	char path[] = "/tmp/avouch-gpt-XXXXXX", command[256];
	const int fd = mkstemp(path);
	uint8_t *bytes = calloc(1, DISK);
	struct stream *stream = NULL;
	struct partition_table table;
	struct failure why = FAILURE_NONE;

	(void)state;
	assert_true(fd >= 0 && bytes && ftruncate(fd, DISK) == 0);
	(void)snprintf(command, sizeof(command),
		       "printf 'label: gpt\nstart=2048, size=2048\n' | sfdisk -q %s 2>/dev/null", path);
	if (system(command) != 0) {
		print_message("no sfdisk: skipped\n");
		(void)close(fd);
		(void)unlink(path);
		free(bytes);
		skip();
	}
	assert_int_equal(pread(fd, bytes, DISK, 0), DISK);
	for (int lost = SECTOR; lost >= 0; lost -= SECTOR) { /* the header, then the first sector too */
		memset(bytes + lost, 0, 33 * SECTOR);
		assert_int_equal(stream_over_memory(span_of(bytes, DISK), &stream, &why), STATUS_OK);
		if (partition_table_read(stream, arena, &table, &why) < 0)
			fail_msg("%s", why.text);
		assert_string_equal(table.scheme, "gpt");
		assert_int_equal(table.n_partitions, 1);
		assert_int_equal(table.partitions[0].offset, 2048 * SECTOR);
		stream_close(stream);
	}
	(void)close(fd);
	(void)unlink(path);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_merge_and_are_found),
		cmocka_unit_test(four_processes_get_every_block_of_a_raw_image_right),
		cmocka_unit_test(four_processes_get_every_block_of_a_multi_segment_ewf_right),
		cmocka_unit_test(listed_segments_may_stand_in_any_order),
		cmocka_unit_test(split_raw_is_read_as_one_and_a_gap_is_named),
		cmocka_unit_test(a_damaged_chunk_is_unreadable_and_never_zeros),
		cmocka_unit_test(no_changed_byte_of_an_ewf_file_gives_wrong_media),
		cmocka_unit_test(what_is_no_disk_is_refused_with_advice),
		cmocka_unit_test(media_of_real_ewf_images_has_the_digest_they_store),
		cmocka_unit_test(a_date_of_the_oldest_header_form_alone_has_no_zone),
		cmocka_unit_test(virtual_disks_hold_what_qemu_img_finds_in_them),
		cmocka_unit_test(partition_tables_agree_with_mmls),
		cmocka_unit_test(the_copy_of_a_gpt_is_read),
	};

	return cmocka_run_group_tests(tests, make_pattern, drop_scratch);
}
