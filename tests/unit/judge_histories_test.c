/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Property test of the judgement: random histories of one product, what each recorder would have
 * kept of them, some recorders dropped, cleared or misled at random. Whatever is left, every
 * removal that is reported holds a true one within its bounds, and no outcome contradicts what
 * happened. AVOUCH_HISTORIES sets how many are tried (default 3000), AVOUCH_HISTORY one of them
 * alone. A history that fails is told without all that it fails without.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "analyzer/judge/judge.h"
#include "analyzer/judge/weighing.h"
#include "parsers/base/text.h"
#include "tests/unit/history_support.h"

/* -- the property --------------------------------------------------------------------------- */

/* What happened, for the message of a failure. */
static void tell(const struct history *h, uint64_t number, const char *problem, struct bound b)
{
	char x[INSTANT_TEXT_SIZE], y[INSTANT_TEXT_SIZE], z[INSTANT_TEXT_SIZE];

	print_message("history %llu: %s\n", (unsigned long long)number, problem);
	for (size_t i = 0; i < h->n; i++) {
		print_message("stay %s .. %s, restart %s\n", ticks_format(h->installed[i], x),
			      h->removed[i] ? ticks_format(h->removed[i], y) : "acquisition",
			      h->restart[i] ? ticks_format(h->restart[i], z) : "none");
		if (h->upgraded[i])
			print_message("  upgraded %s\n", ticks_format(h->upgraded[i], x));
	}
	if (h->wrong_by)
		print_message(
			"clock wrong by %lld s from %s to %s\n",
			(long long)(h->wrong_by / TICKS_PER_SECOND), ticks_format(h->wrong_from, x),
			h->wrong_until == INT64_MAX ? "the end" : ticks_format(h->wrong_until, y));
	for (size_t k = 0; k < h->n_snapshots; k++)
		print_message("shadow copy %s\n", ticks_format(h->snapshots[k], x));
	if (h->cleared)
		print_message("logs begin %s\n", ticks_format(h->cleared, x));
	print_message("acquired %s\nwith", ticks_format(h->acquired, x));
	for (int f = 0; f < FEATURE_COUNT; f++)
		if (h->has[f])
			print_message(" %s,", feature_names[f]);
	print_message("\nbound %s .. %s\n",
		      bound_has_start(b) ? ticks_format(b.not_before, x) : "open",
		      bound_has_end(b) ? ticks_format(b.not_after, y) : "open");
}

/* Parts go in the minutes before the installer reports. */
#define ACT (2 * TICKS_PER_MINUTE)

/* Some true removal, from its act to its completion, meets the bounds. */
static bool bound_is_true(const struct history *h, struct bound b)
{
	for (size_t i = 0; i < h->n; i++)
		if (h->removed[i] && completed(h, i) >= ticks_add(b.not_before, -ACT) &&
		    h->removed[i] <= ticks_add(b.not_after, ACT))
			return true;
	return false;
}

static bool there_at_or_after(const struct history *h, int64_t limit)
{
	return h->removed[h->n - 1] == 0 || completed(h, h->n - 1) >= limit;
}

/* Likewise, but that files waited for a restart counts only where the installer recorded it. */
static bool told_at_or_after(const struct history *h, int64_t limit)
{
	const size_t last = h->n - 1;

	if (h->has[FEATURE_INSTALLER] && h->removed[last] >= h->cleared)
		return there_at_or_after(h, limit);
	return h->removed[last] == 0 || h->removed[last] >= limit;
}

/* Whether the verdict says that a later stay might not show: then it may have missed one. */
static bool may_miss_a_stay(const struct verdict *v)
{
	const struct text words = TEXT("no log or journal covers");

	for (size_t i = 0; i < v->n_qualified; i++)
		if (v->qualified[i].size > words.size &&
		    memcmp(v->qualified[i].data, words.data, words.size) == 0)
			return true;
	return false;
}

static const char *contradiction(const struct history *h, const struct verdict *v)
{
	const bool stands = h->removed[h->n - 1] == 0;

	switch (v->outcome) {
	case OUTCOME_REMOVED_IN_TIME:
		return told_at_or_after(h, v->deadline) && !may_miss_a_stay(v) ?
			       "in time, but it was there" : NULL;
	case OUTCOME_NO_TRACE:
		return stands ? "no trace, but it stands" : NULL;
	case OUTCOME_NOT_REMOVED:
	case OUTCOME_NOT_YET_DUE:
		return stands ? NULL : "still there, but it is gone";
	case OUTCOME_REMOVED_LATE:
		return there_at_or_after(h, v->deadline) ? NULL : "late, but it was gone in time";
	case OUTCOME_REINSTALLED:
		return h->n > 1 && there_at_or_after(h, v->deadline) ? NULL : "it never came again";
	default:
		return NULL;
	}
}

/* What is wrong with a judgement; NULL when nothing is. */
static const char *check(const struct history *h, const struct judgement *j,
			 const struct milestone *m, struct bound *ret)
{
	*ret = bound_open();
	for (size_t i = 0; i < j->n_histories; i++) {
		const struct product_history *p = &j->histories[i];

		for (size_t e = 0; e < p->n_episodes; e++) {
			*ret = p->episodes[e].removal;
			if (p->episodes[e].removed && !bound_is_true(h, *ret))
				return "no true removal lies within the bounds";
		}
	}
	for (size_t i = 0; i < j->n_verdicts; i++) {
		const char *problem = j->verdicts[i].milestone == m ?
			contradiction(h, &j->verdicts[i]) : NULL;

		if (problem)
			return problem;
	}
	return NULL;
}

struct knowledge {
	const struct signature_set *signatures;
	const struct matcher *matcher;
	const struct mandate *mandate;
};

static struct instant utc(int64_t ticks)
{
	return (struct instant){ ticks, 1, INSTANT_SET, ZONE_UTC };
}

/* The spans of the logs and the journal that this history keeps. */
static size_t cover_logs(const struct history *h, int64_t begun, struct case_coverage *ret)
{
	const struct instant from = utc(begun), to = utc(shown(h, h->acquired - TICKS_PER_HOUR));
	size_t n = 0;

	if (h->has[FEATURE_SYSTEM_LOG])
		ret[n++] = (struct case_coverage){ SYSTEM_LOG, "event log System", from, to };
	if (h->has[FEATURE_INSTALLER])
		ret[n++] = (struct case_coverage){ APPLICATION, "event log Application", from, to };
	if (h->has[FEATURE_JOURNAL])
		ret[n++] = (struct case_coverage){ JOURNAL, "change journal", from, to };
	return n;
}

/* Draws the history of a number, without what the mask lacks, and judges what is left of it. */
static const char *judge_one(const struct knowledge *k, uint64_t number, uint64_t mask,
			     struct history *h, struct bound *ret)
{
	static const char *const paths[] = {
		"/Windows/System32/config/SOFTWARE", "/Windows/System32/config/SYSTEM", "/$MFT",
		"/Windows/System32/winevt/Logs/Application.evtx",
		"/Windows/System32/winevt/Logs/System.evtx", "/Windows/Prefetch/AVP.EXE-0.pf",
		"/Windows/System32/winevt/Logs/Kaspersky Event Log.evtx", "/$Extend/$UsnJrnl:$J" };
	static struct world w;
	CLEANUP(arena_free_p) struct arena *arena = arena_new((size_t)256 << 20);

	seed = UINT64_C(0x9e3779b97f4a7c15) * (number + 1);
	*h = draw(instant_parse(TEXT("2017-06-01T00:00:00Z")).ticks, mask);

	const int64_t begun = h->cleared ? h->cleared : h->installed[0] - 200 * TICKS_PER_DAY;
	const struct case_evidence evidence = { .id = 1, .path = "made", .format = "raw",
						.acquired = utc(h->acquired),
						.acquired_basis = "option" };
	struct case_volume volumes[1 + SNAPSHOTS_MAX] = {
		{ .id = 1, .evidence = 1, .filesystem = "ntfs", .reading = READING_READ } };
	struct case_source sources[SOURCES];
	const bool named = true;
	const struct judge_options options = { .mandates = &k->mandate, .n_mandates = 1,
					       .named = &named };
	struct case_coverage coverage[3];
	const size_t n_coverage = cover_logs(h, begun, coverage);
	struct judgement judgement;
	struct failure why = FAILURE_NONE;

	for (int i = 0; i < SOURCES; i++)
		sources[i] = (struct case_source){
			.id = i + 1, .path = paths[i < LIVE_SOURCES ? i : (i - LIVE_SOURCES) % 2],
			.volume = i < LIVE_SOURCES ? 1 : 2 + (i - LIVE_SOURCES) / 2,
			.reader = "made", .reading = READING_READ };
	for (size_t i = 0; i < h->n_snapshots; i++)
		volumes[1 + i] = (struct case_volume){
			.id = 2 + (int64_t)i, .evidence = 1, .filesystem = "ntfs",
			.snapshot_created = utc(shown(h, h->snapshots[i])), .snapshot_id = "made",
			.snapshot_of = 1, .reading = READING_READ };
	w = (struct world){ .arena = arena, .h = h };
	record_acts(&w);
	record_life(&w);
	if (h->has[FEATURE_SYSTEM_LOG])
		record_starts(&w);
	record_clock(&w);
	record_state(&w);

	const struct case_contents contents = { &evidence, 1, volumes, 1 + h->n_snapshots, sources,
						LIVE_SOURCES + 2 * h->n_snapshots, w.traces, w.n,
						coverage, n_coverage, NULL, 0, NULL, 0 };

	if (judge_run(arena, &contents, k->signatures, k->matcher, &options, &judgement, &why) < 0)
		fail_msg("%s", why.text);
	return check(h, &judgement, mandate_find_milestone(k->mandate, "m3"), ret);
}

/* Tells a failing history without all that it fails without. */
static void tell_shrunken(const struct knowledge *k, uint64_t number)
{
	uint64_t mask = UINT64_MAX;
	struct history h;
	struct bound b;

	for (int f = 0; f < FEATURE_COUNT; f++)
		if (judge_one(k, number, mask & ~(UINT64_C(1) << f), &h, &b))
			mask &= ~(UINT64_C(1) << f);

	const char *problem = judge_one(k, number, mask, &h, &b);

	tell(&h, number, problem, b);
}

/* Tries them all; false, and told, at the first that fails. */
static bool all_hold(void)
{
	CLEANUP(signature_set_free_p) struct signature_set *signatures = NULL;
	CLEANUP(matcher_free_p) struct matcher *matcher = NULL;
	CLEANUP(mandate_set_free_p) struct mandate_set *mandates = NULL;
	const char *asked = getenv("AVOUCH_HISTORIES"), *one = getenv("AVOUCH_HISTORY");
	const uint64_t first = one ? strtoull(one, NULL, 10) : 0;
	const uint64_t n = one ? first + 1 : asked ? strtoull(asked, NULL, 10) : 3000;
	struct failure why = FAILURE_NONE;

	if (signature_set_load(AVOUCH_SIGNATURES, &signatures, &why) < 0 ||
	    matcher_new(signatures, &matcher, &why) < 0 ||
	    mandate_set_load(AVOUCH_SIGNATURES, signatures, &mandates, &why) < 0)
		fail_msg("%s", why.text);

	const struct knowledge k = { signatures, matcher, mandate_find(mandates, "us-bod-17-01") };

	for (uint64_t i = first; i < n; i++) {
		struct history h;
		struct bound b;

		if (judge_one(&k, i, UINT64_MAX, &h, &b)) {
			tell_shrunken(&k, i);
			return false;
		}
	}
	return true;
}

static void true_removals_lie_within_the_bounds(void **state)
{
	(void)state;
	assert_true(all_hold());
}

/* The report is UTF-8; a path in a sentence may be as long as a folder's owner liked. */
static void a_sentence_that_is_cut_ends_with_a_whole_letter(void **state)
{
	struct text items[REASONS_MAX];
	struct notes notes = { arena_new(1 << 16), items, 0 };
	char path[1001] = { 0 };

	(void)state;
	assert_non_null(notes.arena);
	for (size_t i = 0; i + 1 < sizeof(path); i += 2)
		memcpy(path + i, "\xc3\xa4", 2);
	say(&notes, "%s", path);
	say(&notes, "-%s", path);
	assert_int_equal(notes.n, 2);
	assert_true(text_is_utf8(notes.items[0]) && text_is_utf8(notes.items[1]));
	arena_free(notes.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sentence_that_is_cut_ends_with_a_whole_letter),
		cmocka_unit_test(true_removals_lie_within_the_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
