/* SPDX-License-Identifier: Apache-2.0 */
/* Digests of a medium by one thread and by several: the same, or the same failure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "parsers/stream/digest.h"

enum { MEDIUM = (11 << 20) + 12345, N_THREADS = 4 };

static uint8_t *medium;

/* The medium, with a place from which nothing can be read. */
struct hurt_stream {
	struct stream stream;
	uint64_t bad;
};

static enum status read_hurt(struct stream *stream, uint64_t offset, void *buffer, size_t size,
			     struct failure *why)
{
	const struct hurt_stream *hurt = (const struct hurt_stream *)stream;

	if (offset + size > hurt->bad)
		return failure_at(why, ERR_UNREADABLE, offset > hurt->bad ? offset : hurt->bad,
				  "bad from here");
	memcpy(buffer, medium + offset, size);
	return STATUS_OK;
}

static void stay_open(struct stream *stream)
{
	(void)stream;
}

static const struct stream_ops hurt_ops = { read_hurt, stay_open };

static enum status digest(size_t n_streams, uint64_t size, uint64_t bad, struct digests *ret,
			  struct range_list *ret_unreadable, struct failure *why)
{
	struct hurt_stream streams[N_THREADS];
	struct stream *list[N_THREADS];

	for (size_t i = 0; i < N_THREADS; i++) {
		streams[i] = (struct hurt_stream){ { &hurt_ops, size }, bad };
		list[i] = &streams[i].stream;
	}
	return stream_digest(list, n_streams, ret, ret_unreadable, why);
}

static void by_openssl(const EVP_MD *kind, uint64_t size, uint8_t *ret)
{
	assert_int_equal(EVP_Digest(medium, (size_t)size, ret, NULL, kind, NULL), 1);
}

static void any_number_of_threads_gives_the_digests_of_the_medium(void **state)
{
	static const uint64_t sizes[] = { 0, 1, 1 << 20, (1 << 20) + 1, 8 << 20, MEDIUM };

	(void)state;
	for (size_t n = 1; n <= N_THREADS; n++)
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			struct digests got, expected;
			struct range_list bad = { 0 };

			by_openssl(EVP_md5(), sizes[i], expected.md5);
			by_openssl(EVP_sha1(), sizes[i], expected.sha1);
			by_openssl(EVP_sha256(), sizes[i], expected.sha256);
			assert_int_equal(digest(n, sizes[i], UINT64_MAX, &got, &bad, NULL),
					 STATUS_OK);
			assert_int_equal(bad.n_items, 0);
			assert_memory_equal(&got, &expected, sizeof(got));
		}
}

static void the_first_bad_place_is_told_and_no_digest_given(void **state)
{
	static const uint64_t places[] = { 0, 5, (4 << 20) - 1, 4 << 20, MEDIUM - 1 };

	(void)state;
	for (size_t n = 1; n <= N_THREADS; n++)
		for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
			struct digests got, untouched;
			struct failure why = FAILURE_NONE;
			struct range_list bad = { 0 };

			memset(&got, 0x5a, sizeof(got));
			untouched = got;
			assert_int_equal(digest(n, MEDIUM, places[i], &got, &bad, &why),
					 ERR_UNREADABLE);
			assert_int_equal(bad.n_items, 1); /* all that is bad, not the first of it */
			assert_int_equal(bad.items[0].offset, places[i]);
			assert_int_equal(bad.items[0].size, MEDIUM - places[i]);
			ranges_release(&bad);
			assert_int_equal(why.offset, places[i]);
			assert_memory_equal(&got, &untouched, sizeof(got));
		}
}

static int make_medium(void **state)
{
	uint32_t x = 1;

	(void)state;
	medium = malloc(MEDIUM);
	for (size_t i = 0; medium && i < MEDIUM; i++) {
		x = x * 1664525 + 1013904223;
		medium[i] = (uint8_t)(x >> 24);
	}
	return medium ? 0 : -1;
}

static int drop_medium(void **state)
{
	(void)state;
	free(medium);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_number_of_threads_gives_the_digests_of_the_medium),
		cmocka_unit_test(the_first_bad_place_is_told_and_no_digest_given),
	};

	return cmocka_run_group_tests(tests, make_medium, drop_medium);
}
