/* SPDX-License-Identifier: Apache-2.0 */
/* Messages from readers are hostile: whatever is changed in one, checking it ends well. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "analyzer/collect/results.h"
#include "parsers/filesystem/file.h"

static struct arena *scratch;

static enum status check(enum job_kind kind, const struct message *m)
{
	arena_reset(scratch);
	return message_check(kind, span_of(m->data + 4, m->size - 4), scratch, NULL);
}

static void make_trace(struct message *m)
{
	struct value values[FILE_N_FIELDS] = { 0 };
	struct span encoded;

	values[FILE_PATH] = value_text(TEXT("/Windows/\xc3\xa4"));
	values[FILE_SIZE] = value_uint(7);
	values[FILE_CREATED] = value_instant(instant_from_unix(1500000000));

	const struct trace trace = { .type = &filesystem_file_type, .values = values };

	assert_int_equal(trace_encode(scratch, &trace, &encoded, NULL), STATUS_OK);
	message_start(m, MESSAGE_TRACE);
	message_text(m, text_of(filesystem_file_type.name));
	message_u8(m, RECOVERY_DELETED);
	message_u64(m, 1024);
	message_u64(m, 1024);
	message_u32(m, 0);
	message_text(m, TEXT("MFT entry 1-1"));
	message_text(m, (struct text){ NULL, 0 }); /* no digest */
	message_text(m, TEXT("160-4"));
	message_text(m, TEXT("/a:$I30"));
	message_u64(m, 38);
	message_u64(m, 1);
	message_bytes(m, encoded);
}

static void make_source(struct message *m)
{
	struct job_order order = { .kind = JOB_SOURCE, .path = TEXT("/a/b"), .entry = 5 };

	job_add_parser(&order, 0);
	order.companions[0] = (struct job_companion){ TEXT("/a/b.LOG1"), 6, 1 };
	order.n_companions = 1;
	message_start(m, MESSAGE_SOURCE);
	message_order(m, &order);
}

static void make_volume(struct message *m)
{
	message_start(m, MESSAGE_VOLUME);
	message_u64(m, 0);
	message_u64(m, 4096);
	message_u32(m, 0);
	message_u32(m, 1);
	message_instant(m, instant_from_unix(1500000000));
	message_text(m, TEXT("{0}"));
}

static void make_unreadable(struct message *m)
{
	message_start(m, MESSAGE_UNREADABLE);
	message_u32(m, 2);
	message_u64(m, 0);
	message_u64(m, 32768);
	message_u64(m, 65536);
	message_u64(m, 512);
}

static void make_done(struct message *m)
{
	message_start(m, MESSAGE_DONE);
	message_u8(m, READING_PARTLY);
	message_text(m, TEXT("cut"));
}

static const struct {
	void (*make)(struct message *m);
	enum job_kind kind, wrong; /* the same: it belongs to every kind */
} samples[] = {
	{ make_trace, JOB_VOLUME, JOB_CONTAINER },
	{ make_source, JOB_VOLUME, JOB_SOURCE },
	{ make_volume, JOB_PARTITIONS, JOB_SOURCE },
	{ make_unreadable, JOB_DIGEST, JOB_DIGEST },
};
enum { N_SAMPLES = sizeof(samples) / sizeof(samples[0]) };

static void a_sound_message_passes_in_its_place_only(void **state)
{
	CLEANUP(message_free_p) struct message m = { 0 };

	(void)state;
	for (size_t i = 0; i < N_SAMPLES; i++) {
		samples[i].make(&m);
		assert_int_equal(check(samples[i].kind, &m), STATUS_OK);
		if (samples[i].wrong != samples[i].kind)
			assert_int_equal(check(samples[i].wrong, &m), ERR_FORMAT);
	}
	make_done(&m);
	for (enum job_kind kind = JOB_CONTAINER; kind <= JOB_LAST; kind++)
		assert_int_equal(check(kind, &m), STATUS_OK);
	make_unreadable(&m);
	for (enum job_kind kind = JOB_CONTAINER; kind <= JOB_LAST; kind++)
		assert_int_equal(check(kind, &m), STATUS_OK);
}

static void any_changed_byte_is_survived(void **state)
{
	CLEANUP(message_free_p) struct message m = { 0 };

	(void)state;
	for (size_t i = 0; i < N_SAMPLES; i++) {
		samples[i].make(&m);
		for (size_t at = 4; at < m.size; at++)
			for (unsigned flip = 1; flip < 256; flip += flip < 8 ? 1 : 37) {
				m.data[at] ^= (uint8_t)flip;

				const enum status status = check(samples[i].kind, &m);

				assert_true(status == STATUS_OK || status == ERR_FORMAT);
				m.data[at] ^= (uint8_t)flip;
			}
	}
}

static void a_cut_or_longer_message_is_refused(void **state)
{
	CLEANUP(message_free_p) struct message m = { 0 };

	(void)state;
	for (size_t i = 0; i < N_SAMPLES; i++) {
		samples[i].make(&m);

		const size_t whole = m.size;

		for (m.size = 5; m.size < whole; m.size++)
			assert_int_equal(check(samples[i].kind, &m), ERR_FORMAT);
		message_u8(&m, 0);
		assert_int_equal(check(samples[i].kind, &m), ERR_FORMAT);
	}
}

static void unreadable_ranges_are_ascending_and_on_a_medium(void **state)
{
	static const uint64_t bad[][4] = {
		{ 0, 0, 65536, 512 },                   /* empty */
		{ 65536, 512, 0, 512 },                 /* not in order */
		{ 0, 65537, 65536, 512 },               /* overlapping */
		{ 0, 512, INT64_MAX, 512 },             /* past any medium */
		{ 0, 512, UINT64_MAX - 100, 512 },      /* wraps around */
		{ 0, UINT64_MAX, 65536, 512 },
	};
	CLEANUP(message_free_p) struct message m = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		message_start(&m, MESSAGE_UNREADABLE);
		message_u32(&m, 2);
		for (size_t j = 0; j < 4; j++)
			message_u64(&m, bad[i][j]);
		assert_int_equal(check(JOB_SOURCE, &m), ERR_FORMAT);
	}
	message_start(&m, MESSAGE_UNREADABLE);
	message_u32(&m, UINT32_MAX); /* more than there are */
	message_u64(&m, 0);
	message_u64(&m, 512);
	assert_int_equal(check(JOB_SOURCE, &m), ERR_FORMAT);
}

static void states_that_only_the_supervisor_gives_are_refused(void **state)
{
	CLEANUP(message_free_p) struct message m = { 0 };

	(void)state;
	message_start(&m, MESSAGE_DONE);
	message_u8(&m, READING_CRASHED);
	message_text(&m, (struct text){ NULL, 0 });
	assert_int_equal(check(JOB_SOURCE, &m), ERR_FORMAT);
	message_start(&m, MESSAGE_JOB);
	assert_int_equal(check(JOB_SOURCE, &m), ERR_FORMAT);
}

static int make_scratch(void **state)
{
	(void)state;
	scratch = arena_new(1 << 22);
	return scratch ? 0 : -1;
}

static int drop_scratch(void **state)
{
	(void)state;
	arena_free(scratch);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sound_message_passes_in_its_place_only),
		cmocka_unit_test(any_changed_byte_is_survived),
		cmocka_unit_test(a_cut_or_longer_message_is_refused),
		cmocka_unit_test(unreadable_ranges_are_ascending_and_on_a_medium),
		cmocka_unit_test(states_that_only_the_supervisor_gives_are_refused),
	};

	return cmocka_run_group_tests(tests, make_scratch, drop_scratch);
}
