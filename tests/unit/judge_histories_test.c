/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Property test of the judgement: random histories of one product, what each recorder would have
 * kept of them, some recorders dropped at random. Whatever is left, the true removal lies within
 * the bounds that are given, and no outcome contradicts what happened. AVOUCH_HISTORIES sets how
 * many are tried (default 3000).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "analyzer/judge/judge.h"
#include "analyzer/judge/witness.h"

enum { STAYS_MAX = 3, TRACES_MAX = 400, FIELDS = TRACE_MAX_FIELDS };

static uint64_t seed;

/* xorshift64*: the same histories on every machine. */
static uint64_t chance(uint64_t below)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return seed * UINT64_C(2685821657736338717) % below;
}

static bool likely(unsigned percent)
{
	return chance(100) < percent;
}

struct history {
	int64_t installed[STAYS_MAX], removed[STAYS_MAX]; /* removed 0: still there */
	size_t n;
	int64_t acquired;
};

struct world {
	struct arena *arena;
	struct case_trace traces[TRACES_MAX];
	size_t n;
};

enum { SOFTWARE = 1, SYSTEM, MFT, APPLICATION, SYSTEM_LOG, PREFETCH, VENDOR_LOG };

static struct value *field(struct case_trace *t, const char *name)
{
	struct value *values = (struct value *)(uintptr_t)t->trace.values;

	for (size_t i = 0; t->trace.type->fields[i].name; i++)
		if (strcmp(t->trace.type->fields[i].name, name) == 0)
			return &values[i];
	fail_msg("trace %s has no field %s", t->trace.type->name, name);
	return NULL;
}

static struct case_trace *add(struct world *w, int64_t source, const char *type)
{
	struct case_trace *t = &w->traces[w->n];

	assert_true(w->n < TRACES_MAX);
	t->id = (int64_t)++w->n;
	t->source = source;
	t->trace.type = trace_type_find(text_of(type));
	assert_non_null(t->trace.type);
	t->trace.values = arena_array(w->arena, FIELDS, sizeof(struct value));
	t->trace.origin = (struct origin){ (uint64_t)w->n * 64, 64, 0, TEXT("made") };
	return t;
}

static void set_text(struct case_trace *t, const char *name, const char *value)
{
	*field(t, name) = value_text(text_of(value));
}

static void set_time(struct case_trace *t, const char *name, int64_t ticks)
{
	*field(t, name) = value_instant((struct instant){ ticks, 1, INSTANT_SET, ZONE_UTC });
}

static const char *const name = "Kaspersky Internet Security";
static const char *const program =
	"/Program Files (x86)/Kaspersky Lab/Kaspersky Internet Security 18.0.0/avp.exe";

static void msi(struct world *w, uint64_t id, int64_t at)
{
	struct case_trace *t = add(w, APPLICATION, "windows.event.msi");

	*field(t, "event_id") = value_uint(id);
	*field(t, "status") = value_uint(0);
	set_text(t, "product", name);
	set_text(t, "code", "{7F6E8D2B-3A61-4C1E-9B77-2D0C8A4E1F93}");
	set_time(t, "time", at);
}

static void record_life(struct world *w, const struct history *h, bool runs, bool records)
{
	for (size_t i = 0; i < h->n; i++) {
		const int64_t end = h->removed[i] ? h->removed[i] : h->acquired;

		for (int k = 0; k < 6; k++) {
			const int64_t at = h->installed[i] + TICKS_PER_HOUR +
				(int64_t)chance((uint64_t)(end - h->installed[i] -
							   2 * TICKS_PER_HOUR));
			struct case_trace *t;

			if (runs) {
				t = add(w, PREFETCH, "windows.prefetch.run");
				set_text(t, "executable", "AVP.EXE");
				set_text(t, "path", program);
				set_time(t, "run", at);
			}
			if (records) {
				t = add(w, VENDOR_LOG, "windows.event.record");
				set_text(t, "channel", "Kaspersky Event Log");
				set_text(t, "provider", "avp");
				set_time(t, "time", at);
			}
		}
	}
}

static void record_acts(struct world *w, const struct history *h, bool installer, bool inventory)
{
	for (size_t i = 0; i < h->n; i++) {
		if (installer)
			msi(w, 1033, h->installed[i]);
		if (installer && h->removed[i])
			msi(w, 1034, h->removed[i]);
		if (inventory && h->removed[i]) {
			struct case_trace *t = add(w, APPLICATION, "windows.event.inventory");

			*field(t, "event_id") = value_uint(908);
			set_text(t, "name", name);
			set_time(t, "time", h->removed[i] + (int64_t)chance(TICKS_PER_HOUR));
		}
	}
}

/* What the registry and the file system hold at acquisition. */
static void record_state(struct world *w, const struct history *h, bool deleted)
{
	const size_t last = h->n - 1;
	const bool there = h->removed[last] == 0;
	struct case_trace *t;

	if (!there && !deleted)
		return;
	t = add(w, SOFTWARE, "windows.registry.uninstall");
	set_text(t, "name", name);
	set_text(t, "publisher", "Kaspersky Lab");
	set_time(t, "key_last_written", h->installed[last]);
	if (!there) {
		t->trace.recovery = RECOVERY_DELETED;
		*field(t, "path_sure") = value_uint(1);
		set_time(t, "container_last_written",
			 h->removed[last] +
				 (int64_t)chance((uint64_t)(h->acquired - h->removed[last])));
		return;
	}
	t = add(w, SYSTEM, "windows.registry.service");
	set_text(t, "name", "AVP18.0.0");
	set_text(t, "image_path", program);
	*field(t, "start") = value_uint(2);
	*field(t, "current") = value_uint(1);
	set_time(t, "key_last_written", h->installed[last]);
	t = add(w, MFT, "filesystem.file");
	set_text(t, "path", program);
	set_text(t, "kind", "file");
	set_time(t, "name_created", h->installed[last] - TICKS_PER_MINUTE);
}

static struct history random_history(int64_t base)
{
	struct history h = { .n = 1 + chance(STAYS_MAX) };
	int64_t at = base + (int64_t)chance(100) * TICKS_PER_DAY;

	for (size_t i = 0; i < h.n; i++) {
		h.installed[i] = at + (int64_t)chance(TICKS_PER_DAY);
		h.removed[i] = h.installed[i] + TICKS_PER_DAY +
			       (int64_t)chance(90 * (uint64_t)TICKS_PER_DAY);
		at = h.removed[i] + TICKS_PER_DAY + (int64_t)chance(60) * TICKS_PER_DAY;
	}
	if (likely(30))
		h.removed[h.n - 1] = 0;
	h.acquired = at + TICKS_PER_DAY + (int64_t)chance(60) * TICKS_PER_DAY;
	return h;
}

static bool there_at_or_after(const struct history *h, int64_t limit)
{
	return h->removed[h->n - 1] == 0 || h->removed[h->n - 1] >= limit;
}

/* What happened, for the message of a failure. */
static void tell(const struct history *h, struct bound b)
{
	char x[INSTANT_TEXT_SIZE], y[INSTANT_TEXT_SIZE];

	for (size_t i = 0; i < h->n; i++)
		print_message("stay %s .. %s\n", ticks_format(h->installed[i], x),
			      ticks_format(h->removed[i], y));
	print_message("acquired %s\n", ticks_format(h->acquired, x));
	print_message("bound %s .. %s\n", ticks_format(b.not_before, x),
		      ticks_format(b.not_after, y));
}

/* The witnesses that a failing judgement stood on. */
static void tell_all(const struct history *h, const struct judgement *j)
{
	char x[INSTANT_TEXT_SIZE], y[INSTANT_TEXT_SIZE];

	for (size_t i = 0; i < j->n_histories; i++)
		for (size_t e = 0; e < j->histories[i].n_episodes; e++)
			tell(h, j->histories[i].episodes[e].removal);
	for (size_t i = 0; i < j->n_witnesses; i++)
		print_message("%s %s .. %s %.*s\n", assertion_name(j->witnesses[i].assertion),
			      ticks_format(j->witnesses[i].when.not_before, x),
			      ticks_format(j->witnesses[i].when.not_after, y),
			      (int)j->witnesses[i].text.size, j->witnesses[i].text.data);
}

/* Some true removal lies within the bounds, or the stay that the bounds close never ended. */
static bool bound_is_true(const struct history *h, struct bound b)
{
	for (size_t i = 0; i < h->n; i++)
		if (h->removed[i] && h->removed[i] >= ticks_add(b.not_before, -TICKS_PER_HOUR) &&
		    h->removed[i] <= b.not_after)
			return true;
	tell(h, b);
	return false;
}

static void check(const struct history *h, const struct judgement *j, const struct milestone *m)
{
	const int64_t limit = m->deadline.ticks;
	const bool stands = h->removed[h->n - 1] == 0;

	for (size_t i = 0; i < j->n_histories; i++)
		for (size_t e = 0; e < j->histories[i].n_episodes; e++)
			if (j->histories[i].episodes[e].removed)
				assert_true(bound_is_true(h,
							  j->histories[i].episodes[e].removal));
	for (size_t i = 0; i < j->n_verdicts; i++) {
		if (j->verdicts[i].milestone != m)
			continue;
		switch (j->verdicts[i].outcome) {
		case OUTCOME_REMOVED_IN_TIME:
		case OUTCOME_NO_TRACE:
			if (there_at_or_after(h, limit) && !stands)
				tell_all(h, j);
			assert_false(there_at_or_after(h, limit) && !stands &&
				     j->verdicts[i].outcome == OUTCOME_REMOVED_IN_TIME);
			assert_false(stands);
			break;
		case OUTCOME_NOT_REMOVED:
		case OUTCOME_NOT_YET_DUE:
			assert_true(stands);
			break;
		case OUTCOME_REMOVED_LATE:
		case OUTCOME_REINSTALLED:
			if (!there_at_or_after(h, limit))
				tell_all(h, j);
			assert_true(there_at_or_after(h, limit));
			break;
		default:
			break;
		}
	}
}

static void judge_one(const struct signature_set *signatures, const struct matcher *matcher,
		      const struct mandate *mandate)
{
	CLEANUP(arena_free_p) struct arena *arena = arena_new((size_t)256 << 20);
	static struct world w;
	const struct history h = random_history(instant_parse(TEXT("2017-06-01T00:00:00Z")).ticks);
	const struct case_evidence evidence = {
		.id = 1, .path = "made", .format = "raw",
		.acquired = { h.acquired, TICKS_PER_SECOND, INSTANT_SET, ZONE_UTC },
		.acquired_basis = "option" };
	const struct case_volume volume = { .id = 1, .evidence = 1, .filesystem = "ntfs",
					    .reading = READING_READ };
	static const char *const paths[] = {
		"/Windows/System32/config/SOFTWARE", "/Windows/System32/config/SYSTEM", "/$MFT",
		"/Windows/System32/winevt/Logs/Application.evtx",
		"/Windows/System32/winevt/Logs/System.evtx", "/Windows/Prefetch/AVP.EXE-0.pf",
		"/Windows/System32/winevt/Logs/Kaspersky Event Log.evtx" };
	struct case_source sources[7];
	const bool named = true;
	const struct judge_options options = { .mandates = &mandate, .n_mandates = 1,
					       .named = &named };
	struct judgement judgement;
	struct failure why = FAILURE_NONE;

	w = (struct world){ .arena = arena };
	for (int i = 0; i < 7; i++)
		sources[i] = (struct case_source){ .id = i + 1, .volume = 1, .path = paths[i],
						   .reader = "made", .reading = READING_READ };

	const struct case_coverage coverage[] = {
		{ SYSTEM_LOG, "event log System",
		  { h.installed[0] - 200 * TICKS_PER_DAY, 1, INSTANT_SET, ZONE_UTC },
		  { h.acquired - TICKS_PER_HOUR, 1, INSTANT_SET, ZONE_UTC } },
		{ APPLICATION, "event log Application",
		  { h.installed[0] - 200 * TICKS_PER_DAY, 1, INSTANT_SET, ZONE_UTC },
		  { h.acquired - TICKS_PER_HOUR, 1, INSTANT_SET, ZONE_UTC } } };

	record_acts(&w, &h, likely(60), likely(50));
	record_life(&w, &h, likely(60) && trace_type_find(TEXT("windows.prefetch.run")), likely(60));
	record_state(&w, &h, likely(50));

	const struct case_contents contents = { &evidence, 1, &volume, 1, sources, 7, w.traces,
						w.n, coverage, 2, NULL, 0, NULL, 0 };

	if (judge_run(arena, &contents, signatures, matcher, &options, &judgement, &why) < 0)
		fail_msg("%s", why.text);
	check(&h, &judgement, mandate_find_milestone(mandate, "m3"));
}

static void true_removals_lie_within_the_bounds(void **state)
{
	CLEANUP(signature_set_free_p) struct signature_set *signatures = NULL;
	CLEANUP(matcher_free_p) struct matcher *matcher = NULL;
	CLEANUP(mandate_set_free_p) struct mandate_set *mandates = NULL;
	const char *asked = getenv("AVOUCH_HISTORIES");
	const unsigned long n = asked ? strtoul(asked, NULL, 10) : 3000;
	struct failure why = FAILURE_NONE;

	(void)state;
	if (signature_set_load(AVOUCH_SIGNATURES, &signatures, &why) < 0 ||
	    matcher_new(signatures, &matcher, &why) < 0 ||
	    mandate_set_load(AVOUCH_SIGNATURES, signatures, &mandates, &why) < 0)
		fail_msg("%s", why.text);
	for (unsigned long i = 0; i < n; i++) {
		seed = UINT64_C(0x9e3779b97f4a7c15) * (i + 1);
		print_message("%s", i == 0 ? "histories are seeded by their number\n" : "");
		judge_one(signatures, matcher, mandate_find(mandates, "us-bod-17-01"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(true_removals_lie_within_the_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
