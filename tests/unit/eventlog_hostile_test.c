/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bad logs: cut off, with damaged bytes, no logs at all. Nothing found before the damage may be
 * lost, and what cannot be read is said. Records that only libevtx would read are not asked for
 * here: its own faults cost one source (the readers' sandbox), not this test.
 */
#include "tests/unit/eventlog_support.h"

#include "parsers/eventlog/evtx_binary.h"
#include "parsers/eventlog/evtx_peek.h"

static const char log_name[] = "evtx/fox_Application_with_removals.evtx";

static void a_log_cut_off_keeps_the_records_before(void **state)
{
	const struct span whole = corpus_log(log_name);
	/* In the header, between chunks, inside the last used chunk. */
	static const size_t sizes[] = { 4096, 4096 + 65536, 4096 + 5 * 65536 + 20000 };
	static const size_t at_least[] = { 0, 108, 564 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct log_seen seen;

		assert_int_equal(see_log_bytes(&seen, log_name, span_part(whole, 0, sizes[i]), true,
					       false),
				 STATUS_OK);
		assert_true(count_events(&seen, "windows.event.record", "|recovery=allocated|",
					 NULL) >= at_least[i]);
		assert_true(seen.n_lost > 0);
		unsee_log(&seen);
	}
	free((void *)(uintptr_t)whole.data);
}

static void too_short_a_file_is_truncated(void **state)
{
	static const uint8_t bytes[100] = "ElfFile";
	struct log_seen seen;

	(void)state;
	assert_int_equal(see_log_bytes(&seen, log_name, span_of(bytes, sizeof(bytes)), false, false),
			 ERR_TRUNCATED);
	unsee_log(&seen);
}

static void a_damaged_chunk_costs_that_chunk_only(void **state)
{
	const struct span whole = corpus_log(log_name);
	struct log_seen seen;

	(void)state;
	/* The signature of chunk 0; records 489 to 544 stand in chunk 4. */
	memset((void *)(uintptr_t)(whole.data + 4096), 'x', 8);
	assert_int_equal(see_log_bytes(&seen, log_name, whole, false, false), STATUS_OK);
	assert_true(seen.n_lost > 0);
	assert_int_equal(count_events(&seen, "windows.event.msi", "event_id=1034|record=544|",
				      "|recovery=allocated|"),
			 1);
	seen.bytes = whole;
	unsee_log(&seen);
}

/* Bytes by a fixed generator, so that a failure can be repeated. */
static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static void damaged_bytes_never_lead_outside_of_a_chunk(void **state)
{
	const struct span whole = corpus_log(log_name);
	uint8_t *bytes = malloc(EVTX_CHUNK_SIZE); /* its own block: overruns are seen */
	struct evtx_peeker *peeker = calloc(1, sizeof(*peeker));
	struct event *event = calloc(1, sizeof(*event));
	struct arena *arena = arena_new(64 << 20);
	uint32_t seed = 1;
	size_t n_records = 0;

	(void)state;
	assert_true(bytes && peeker && event && arena);
	for (unsigned round = 0; round < 60; round++) {
		struct evtx_chunk chunk;
		struct evtx_record record;
		struct evtx_peek peek;
		uint32_t pos = EVTX_CHUNK_HEADER, skipped;

		memcpy(bytes, whole.data + 4096 + (round % 6) * EVTX_CHUNK_SIZE, EVTX_CHUNK_SIZE);
		for (unsigned i = 0; i < 200; i++)
			bytes[512 + next_random(&seed) % (EVTX_CHUNK_SIZE - 512)] =
				(uint8_t)next_random(&seed);
		arena_reset(arena);
		*peeker = (struct evtx_peeker){ .arena = arena,
						.chunk = span_of(bytes, EVTX_CHUNK_SIZE) };
		assert_true(evtx_chunk_open(&chunk, peeker->chunk));
		while (evtx_chunk_next(&chunk, &pos, &record, &skipped)) {
			*event = (struct event){ .record = record.id };
			(void)evtx_peek(peeker, &record, &peek);
			(void)evtx_binary_decode(peeker->chunk, &record, arena, event);
			n_records++;
		}
	}
	assert_true(n_records > 1000);
	arena_free(arena);
	free(event);
	free(peeker);
	free(bytes);
	free((void *)(uintptr_t)whole.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_log_cut_off_keeps_the_records_before),
		cmocka_unit_test(too_short_a_file_is_truncated),
		cmocka_unit_test(a_damaged_chunk_costs_that_chunk_only),
		cmocka_unit_test(damaged_bytes_never_lead_outside_of_a_chunk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
