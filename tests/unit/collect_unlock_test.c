/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the user gives as a secret opens what it can, whatever else it was tried as. The samples are
 * cut short: their boot sectors are as far as they can be read.
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

#include "analyzer/collect/unlock.h"
#include "parsers/stream/image.h"

#define SAMPLE_PATH "/tmp/avouch-unlock-sample.raw"

static struct image *open_sample(const char *name)
{
	const char *const path = SAMPLE_PATH;
	const char *corpus = getenv("AVOUCH_CORPUS");
	struct image *image = NULL;
	char command[1024];

	(void)snprintf(command, sizeof(command), "zcat %s/images/%s > " SAMPLE_PATH " 2>/dev/null",
		       corpus ? corpus : "../shared/corpus", name);
	if (system(command) != 0) { /* NOLINT: a command of this file */
		print_message("no sample %s: skipped\n", name);
		skip();
	}
	assert_int_equal(image_open(&path, 1, &image, NULL), STATUS_OK);
	(void)unlink(SAMPLE_PATH);
	return image;
}

static enum status unlock_with(struct image *image, const char *const *items, size_t n)
{
	const struct secret_list secrets = { items, n };
	CLEANUP(stream_close_p) struct stream *plain = NULL;
	struct failure why = FAILURE_NONE;
	const enum status status = unlock(image->stream, secrets, &plain, &why);
	uint8_t boot[512];

	print_message("%s\n", why.text);
	if (status == STATUS_OK) {
		assert_int_equal(stream_read(plain, 0, boot, sizeof(boot), &why), STATUS_OK);
		assert_memory_equal(boot + 3, "NTFS    ", 8);
	}
	return status;
}

static void a_password_that_is_no_recovery_key_opens_bitlocker(void **state)
{
	static const char *const names[] = { "bde_aes128.bin.gz", "bde_xts128.bin.gz" };
	static const char *const wrong[] = { "absent.bek",
					     "111111-111111-111111-111111-111111-111111-111111-"
					     "111111" };
	static const char *const right[] = { "password12!@" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct image *image = open_sample(names[i]);

		/* Each password costs a million rounds of SHA-256. */
		if (i == 0)
			assert_int_equal(unlock_with(image, wrong, 2), ERR_ENCRYPTED);
		assert_int_equal(unlock_with(image, right, 1), STATUS_OK);
		image_close(image);
	}
}

static void luks_2_is_told_with_what_to_do(void **state)
{
	static const char *const right[] = { "password" };
	struct image *image = open_sample("luks2_ecb_pbkdf2.bin.gz");
	const struct secret_list secrets = { right, 1 };
	struct stream *plain = NULL;
	struct failure why = FAILURE_NONE;

	(void)state;
	assert_int_equal(unlock(image->stream, secrets, &plain, &why), ERR_ENCRYPTED);
	assert_non_null(strstr(why.text, "LUKS version 2"));
	assert_non_null(strstr(why.text, "cryptsetup"));
	image_close(image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_password_that_is_no_recovery_key_opens_bitlocker),
		cmocka_unit_test(luks_2_is_told_with_what_to_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
