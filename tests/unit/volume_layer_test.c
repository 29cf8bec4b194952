/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Volumes within volumes on real samples: shadow copies (times as vshadowinfo prints them), BitLocker,
 * LUKS, LVM; each read through to a file of its file system.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "parsers/filesystem/filesystem.h"
#include "parsers/stream/encrypted.h"
#include "parsers/stream/image.h"
#include "parsers/stream/lvm.h"
#include "parsers/stream/snapshot.h"

/* libtsk 4.11 does not free the result of its search for encryption. */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:detectVolumeEncryption\nleak:tsk_malloc\n";
}

static char unpacked[] = "/tmp/avouch-volume-XXXXXX";

/* A sample of the corpus, unpacked when it ends in .gz. */
static struct image *open_sample(const char *name)
{
	const char *corpus = getenv("AVOUCH_CORPUS");
	struct failure why = FAILURE_NONE;
	struct image *image = NULL;
	char path[1024], command[2200];
	const char *opened = path;

	snprintf(path, sizeof(path), "%s/images/%s", corpus ? corpus : "../shared/corpus", name);
	if (access(path, R_OK) != 0) {
		print_message("no sample %s: skipped\n", path);
		skip();
	}
	if (strstr(name, ".gz")) {
		snprintf(command, sizeof(command), "gzip -dc %s > %s", path, unpacked);
		assert_int_equal(system(command), 0); /* NOLINT */
		opened = unpacked;
	}
	if (image_open(&opened, 1, &image, &why) < 0)
		fail_msg("%s", why.text);
	return image;
}

/* Size of a file on a volume; -1 when it is not there. */
static long size_of_file(struct stream *volume, const char *path)
{
	struct arena *arena = arena_new(1 << 20);
	struct filesystem *filesystem = NULL;
	struct failure why = FAILURE_NONE;
	struct file_entry entry;
	long size = -1;

	if (filesystem_open(volume, &filesystem, &why) != STATUS_OK)
		fail_msg("%s", why.text);
	if (filesystem_find(filesystem, arena, path, &entry, &why) == STATUS_OK)
		size = (long)entry.size;
	filesystem_close(filesystem);
	arena_free(arena);
	return size;
}

static void shadow_copies_show_the_volume_as_it_was(void **state)
{
	static const char *const created[] = { "2013-12-03T06:35:09.7363787Z",
					       "2013-12-03T06:37:48.9190583Z" };
	struct image *image = open_sample("vsstest.qcow2");
	struct snapshot_set *set = NULL;
	struct failure why = FAILURE_NONE;

	(void)state;
	if (snapshots_open(image->stream, &set, &why) != STATUS_OK)
		fail_msg("%s", why.text);
	assert_int_equal(snapshots_count(set), 2);
	assert_int_equal(size_of_file(image->stream, "/password.txt") > 0, 1);
	for (size_t i = 0; i < 2; i++) {
		struct stream *volume = NULL;
		struct snapshot facts;
		char text[INSTANT_TEXT_SIZE];

		assert_int_equal(snapshot_describe(set, i, &facts, &why), STATUS_OK);
		assert_string_equal(instant_format(facts.created, text), created[i]);
		assert_int_equal(snapshot_open(set, i, &volume, &why), STATUS_OK);
		assert_int_equal(volume->size, image->stream->size);
		/* First copy: syslog; then it was packed and another_file made; then the live volume. */
		assert_int_equal(size_of_file(volume, "/syslog"), i == 0 ? 1247 : -1);
		assert_int_equal(size_of_file(volume, "/syslog.gz"), i == 0 ? -1 : 540);
		assert_int_equal(size_of_file(volume, "/another_file"), i == 0 ? -1 : 22);
		assert_int_equal(size_of_file(volume, "/password.txt"), -1);
		stream_close(volume);
	}
	snapshots_close(set);
	image_close(image);
}

static void a_volume_without_shadow_copies_says_so(void **state)
{
	struct image *image = open_sample("ext2.E01");
	struct snapshot_set *set = NULL;

	(void)state;
	assert_int_equal(snapshots_open(image->stream, &set, NULL), STATUS_END);
	image_close(image);
}

static void bitlocker_opens_with_its_password_alone(void **state)
{
	const struct secrets none = { 0 }, wrong = { .password = "not this" },
			     right = { .password = "password12!@" };
	struct image *image = open_sample("bde_aes128.bin.gz");
	struct failure why = FAILURE_NONE;
	uint8_t boot[512];
	struct stream *plain = NULL;

	(void)state;
	assert_int_equal(encrypted_open(image->stream, &none, &plain, &why), ERR_ENCRYPTED);
	print_message("%s\n", why.text);
	assert_int_equal(encrypted_open(image->stream, &wrong, &plain, &why), ERR_ENCRYPTED);
	if (encrypted_open(image->stream, &right, &plain, &why) != STATUS_OK)
		fail_msg("%s", why.text);
	/* The sample is cut short: its file system passes its end and does not open. */
	assert_int_equal(stream_read(plain, 0, boot, sizeof(boot), &why), STATUS_OK);
	assert_memory_equal(boot + 3, "NTFS    ", 8);
	assert_int_equal(boot[510], 0x55);
	stream_close(plain);
	image_close(image);
}

static void luks_2_is_called_encrypted_and_plain_volumes_are_declined(void **state)
{
	const struct secrets right = { .password = "password" };
	struct image *image = open_sample("luks2_ecb_pbkdf2.bin.gz");
	struct failure why = FAILURE_NONE;
	struct stream *plain = NULL;

	(void)state;
	assert_int_equal(encrypted_open(image->stream, &right, &plain, &why), ERR_ENCRYPTED);
	print_message("%s\n", why.text);
	image_close(image);
	/* BitLocker To Go looks like a FAT volume of a few discovery files. */
	image = open_sample("bdetogo.raw");
	assert_int_equal(encrypted_open(image->stream, &right, &plain, &why), ERR_ENCRYPTED);
	image_close(image);
	image = open_sample("ext2.E01");
	assert_int_equal(encrypted_open(image->stream, &right, &plain, &why), STATUS_DECLINED);
	image_close(image);
}

static void luks_1_opens_with_its_password(void **state)
{
	const struct secrets right = { .password = "secret" };
	const char *path = unpacked;
	struct failure why = FAILURE_NONE;
	struct image *image = NULL;
	struct stream *plain = NULL;
	uint8_t block[512];
	char command[512];

	(void)state;
	snprintf(command, sizeof(command),
		 "qemu-img create -q -f luks --object secret,id=s,data=secret -o key-secret=s,"
		 "iter-time=10,cipher-alg=aes-128,cipher-mode=cbc,ivgen-alg=plain64,hash-alg=sha1 "
		 "%s 65536", path);
	if (system(command) != 0) /* NOLINT */
		skip();
	assert_int_equal(image_open(&path, 1, &image, &why), STATUS_OK);
	if (encrypted_open(image->stream, &right, &plain, &why) != STATUS_OK)
		fail_msg("%s", why.text);
	assert_int_equal(plain->size, 65536);
	assert_int_equal(stream_read(plain, 0, block, sizeof(block), &why), STATUS_OK);
	stream_close(plain);
	image_close(image);
}

static void logical_volumes_are_found_and_read(void **state)
{
	struct image *image = open_sample("lvm.qcow2");
	struct failure why = FAILURE_NONE;
	struct stream *volume = NULL;
	struct lvm *lvm = NULL;
	char name[256];

	(void)state;
	if (lvm_open(image->stream, &lvm, &why) != STATUS_OK)
		fail_msg("%s", why.text);
	assert_int_equal(lvm_count(lvm), 1);
	assert_int_equal(lvm_open_volume(lvm, 0, name, &volume, &why), STATUS_OK);
	assert_string_equal(name, "test_logical_volume");
	assert_true(size_of_file(volume, "/passwords.txt") > 0);
	stream_close(volume);
	lvm_close(lvm);
	image_close(image);
	image = open_sample("ext2.E01");
	assert_int_equal(lvm_open(image->stream, &lvm, &why), STATUS_DECLINED);
	image_close(image);
}

static int make_file(void **state)
{
	const int fd = mkstemp(unpacked);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int drop_file(void **state)
{
	(void)state;
	return unlink(unpacked);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shadow_copies_show_the_volume_as_it_was),
		cmocka_unit_test(a_volume_without_shadow_copies_says_so),
		cmocka_unit_test(bitlocker_opens_with_its_password_alone),
		cmocka_unit_test(luks_2_is_called_encrypted_and_plain_volumes_are_declined),
		cmocka_unit_test(luks_1_opens_with_its_password),
		cmocka_unit_test(logical_volumes_are_found_and_read),
	};

	return cmocka_run_group_tests(tests, make_file, drop_file);
}
