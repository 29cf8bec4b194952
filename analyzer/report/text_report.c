/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/report/document.h"

/* The string of a member, or what stands for its absence. */
static const char *str(const json_t *object, const char *key, const char *absent)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : absent;
}

static bool is_true(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

static const json_t *by_id(const json_t *array, const char *id)
{
	size_t i;
	json_t *item;

	json_array_foreach(array, i, item)
		if (strcmp(str(item, "id", ""), id) == 0)
			return item;
	return NULL;
}

static void write_list(FILE *out, const json_t *array, const char *before)
{
	size_t i;
	json_t *item;

	json_array_foreach(array, i, item)
		fprintf(out, "%s%s\n", before, json_string_value(item));
}

const char *report_assertion_words(const char *assertion)
{
	return strcmp(assertion, "residue") == 0 ? "stands" : assertion;
}

/* What each outcome means, in words that claim no more than was seen. */
static const char *meaning(const char *outcome)
{
	static const struct {
		const char *outcome, *words;
	} meanings[] = {
		{ "not-applicable", "the mandate does not cover this system" },
		{ "noted", "facts are given; the duty has no date to judge by" },
		{ "installed-after", "an installation at or after the limit is proved" },
		{ "not-yet-due", "the evidence was acquired before the limit" },
		{ "reinstalled", "removed before the limit and there again after it" },
		{ "not-removed", "still installed when the evidence was acquired" },
		{ "residue", "removed, but parts that would still load remain" },
		{ "removed-late", "the removal lies at or after the limit" },
		{ "removed-in-time", "the removal lies before the limit" },
		{ "no-trace", "read completely, and nothing asserts that a product in scope was ever installed" },
		{ "indeterminate", "the evidence does not decide" },
	};

	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (strcmp(meanings[i].outcome, outcome) == 0)
			return meanings[i].words;
	return "";
}

/* Outcomes that rest on when a product went, or on what logs do not say. */
static bool needs_logs(const char *outcome)
{
	static const char *const outcomes[] = { "removed-late", "removed-in-time", "no-trace",
						"indeterminate" };

	for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++)
		if (strcmp(outcomes[i], outcome) == 0)
			return true;
	return false;
}

/* Which recorders reach over the limit; without any, logs cannot judge it. */
static void write_covered(FILE *out, const json_t *recorders, const char *outcome)
{
	size_t i;
	json_t *recorder;

	if (!json_is_array(recorders))
		return;
	if (json_array_size(recorders) == 0)
		fprintf(out, "  coverage   no log or journal reaches over the limit%s\n",
			needs_logs(outcome) ? ": it cannot be judged from logs" : "");
	json_array_foreach(recorders, i, recorder)
		fprintf(out, "  %-10s %s reaches over the limit\n", i ? "" : "coverage",
			json_string_value(recorder));
}

static bool is_judged(const json_t *verdict)
{
	const char *outcome = str(verdict, "outcome", "");

	return strcmp(outcome, "noted") != 0 && strcmp(outcome, "not-applicable") != 0;
}

static void write_verdict(FILE *out, const json_t *document, const json_t *v)
{
	const json_t *system = by_id(json_object_get(document, "systems"), str(v, "system", ""));
	size_t i;
	json_t *p;

	fprintf(out, "%s%s: %s - %s\n", str(v, "outcome", ""),
		is_true(v, "qualified") ? " (qualified)" : "", str(v, "title", ""),
		meaning(str(v, "outcome", "")));
	fprintf(out, "  system     %s (%s)\n", system ? str(system, "hostname", "unnamed") : "none",
		system ? str(system, "os", "unknown system") : "no system found");
	fprintf(out, "  mandate    %s, milestone %s, duty %s%s\n", str(v, "mandate", ""),
		str(v, "milestone", ""), str(v, "duty", ""),
		is_true(v, "conditional") ? ", if this act applies to the machine" : "");
	fprintf(out, "  limit      %s\n", str(v, "deadline", "none"));
	write_covered(out, json_object_get(v, "limit_covered_by"), str(v, "outcome", ""));
	json_array_foreach(json_object_get(v, "products"), i, p) {
		fprintf(out, "  %-10s %s: %s\n", i ? "" : "products", str(p, "product", ""),
			str(p, "outcome", ""));
		write_list(out, json_object_get(p, "reasons"), "             - ");
	}
	if (json_array_size(json_object_get(v, "products")) == 0)
		write_list(out, json_object_get(v, "reasons"), "  because    ");
	write_list(out, json_object_get(v, "qualifications"), "  qualified  ");
	json_array_foreach(json_object_get(v, "witnesses"), i, p)
		fprintf(out, "  %-10s %s\n", i ? "" : "witnesses", json_string_value(p));
	fputc('\n', out);
}

/* What of a product stood at acquisition; leftovers that load nothing are no part of a verdict. */
const char *report_state_words(const json_t *p)
{
	const char *state = str(p, "state", "");
	const bool loads = is_true(p, "residue_counts");

	if (strcmp(state, "residue") == 0)
		return loads ? "not installed, but parts that would still load remain" :
			       "not installed; leftovers that load nothing remain";
	if (strcmp(state, "unknown") == 0)
		return "not known";
	return loads && strcmp(state, "installed") != 0 ?
		       "absent, but parts that would still load remain" :
		       state;
}

/* Whether a reading lies outside a bound, by its whole seconds: the clock that gave it was wrong. */
static bool is_outside(const json_t *bound, const char *time)
{
	enum { TO_SECONDS = 19 };
	const char *first = str(bound, "not_before", NULL), *last = str(bound, "not_after", NULL);

	return (first && strncmp(time, first, TO_SECONDS) < 0) ||
	       (last && strncmp(time, last, TO_SECONDS) > 0);
}

static void write_product(FILE *out, const json_t *p)
{
	const bool stands = strcmp(str(p, "state", ""), "installed") == 0;
	const size_t n = json_array_size(json_object_get(p, "episodes"));
	size_t i;
	json_t *e;

	fprintf(out, "%s on %s, when the evidence was acquired: %s%s\n", str(p, "name", ""),
		str(p, "system", ""), report_state_words(p),
		is_true(p, "tentative") ? " (only signatures of low confidence know it)" : "");
	json_array_foreach(json_object_get(p, "episodes"), i, e) {
		const json_t *in = json_object_get(e, "installed");
		const json_t *gone = json_object_get(e, "removed");

		fprintf(out, "  stay %zu  %s %s\n", i + 1, str(e, "name", ""),
			str(e, "version", "version unknown"));
		fprintf(out, "    installed  not before %s, not after %s\n",
			str(in, "not_before", "unknown"), str(in, "not_after", "unknown"));
		if (json_is_object(gone))
			fprintf(out, "    removed    not before %s, not after %s\n",
				str(gone, "not_before", "unknown"),
				str(gone, "not_after", "unknown"));
		else
			fprintf(out, "    removed    %s\n",
				stands && i + 1 == n ? "no: it stood when the evidence was acquired" :
						       "not known: no end of this stay was found");
		if (json_is_string(json_object_get(e, "removal_recorded_at")))
			fprintf(out, "    recorded   the installer finished the removal at %s%s%s\n",
				str(e, "removal_recorded_at", ""),
				is_outside(gone, str(e, "removal_recorded_at", "")) ?
					", by a clock that is suspect" : "",
				is_true(e, "restart_pending") ?
					"; files waited for the restart, which ends it" : "");
		write_list(out, json_object_get(e, "qualified"), "    qualified  ");
	}
	fputc('\n', out);
}

/* What stood when a product had gone, or came after it; both times are UTC in one form. */
static void write_successor(FILE *out, const char *gone, const json_t *next)
{
	const char *from = str(next, "from", "unknown");

	if (!json_is_object(next))
		fprintf(out, " to %s; then no other is known\n", gone);
	else
		fprintf(out, " to %s; then %s, %s %s\n", gone, str(next, "product", ""),
			strcmp(from, gone) < 0 ? "which was there already, from" : "from", from);
}

/* Which products protected the system when, and what followed each. */
static void write_protection(FILE *out, const json_t *system)
{
	size_t i;
	json_t *stay;

	json_array_foreach(json_object_get(system, "protection"), i, stay) {
		const json_t *removed = json_object_get(stay, "removed");
		const json_t *next = json_object_get(stay, "followed_by");

		fprintf(out, "%s  %s registered from %s", str(system, "id", ""), str(stay, "product", ""),
			str(json_object_get(stay, "installed"), "not_after", "unknown"));
		if (!json_is_object(removed))
			fputs(", still there\n", out);
		else
			write_successor(out, str(removed, "not_before", "unknown"), next);
	}
}

/* Stretches for which no protection is known. */
static void write_unprotected(FILE *out, const json_t *system)
{
	size_t i;
	json_t *gap;

	json_array_foreach(json_object_get(system, "unprotected"), i, gap)
		fprintf(out, "%s  no protecting product is known from %s to %s\n", str(system, "id", ""),
			str(gap, "from", "unknown"), str(gap, "to", "the acquisition"));
}

/* A time that bears no Z is the machine's own local time. */
static bool is_local(const char *time)
{
	return *time && time[strlen(time) - 1] != 'Z';
}

static void write_span(FILE *out, const json_t *span)
{
	const char *from = str(span, "from", ""), *to = str(span, "to", "");

	fprintf(out, "%s  %s: ", str(span, "system", "-"), str(span, "source", ""));
	if (!*from && !*to)
		fputs("no record that has a time", out);
	else
		fprintf(out, "%s .. %s%s", *from ? from : "unknown", *to ? to : "unknown",
			is_local(from) || is_local(to) ? " (local time of the machine)" : "");
	fprintf(out, ", %s %s\n", str(span, "volume", "-"), str(span, "file", ""));
}

/* The span of each recorder, and why some say nothing. */
static void write_coverage(FILE *out, const json_t *document)
{
	size_t i;
	json_t *item;

	json_array_foreach(json_object_get(document, "coverage"), i, item)
		write_span(out, item);
	json_array_foreach(json_object_get(document, "gaps"), i, item)
		fprintf(out, "%s  %s\n", str(item, "system", ""), str(item, "text", ""));
}

/* What is wrong with the clocks, and where that is recorded. */
static void write_clock(FILE *out, const json_t *problem)
{
	const json_t *l = json_object_get(problem, "locator");

	fprintf(out, "%s  %s\n    %s, %s, %s\n", str(problem, "system", ""), str(problem, "text", ""),
		str(l, "file", ""), str(l, "address", "whole file"), str(l, "recovery", "allocated"));
}

/* A place in the evidence: the witness's own, or its container's. */
static void write_place(FILE *out, const json_t *place)
{
	const json_t *offset = json_object_get(place, "offset");

	fputs(str(place, "file", ""), out);
	if (json_is_integer(offset))
		fprintf(out, ", bytes %lld+%lld", (long long)json_integer_value(offset),
			(long long)json_integer_value(json_object_get(place, "size")));
	fprintf(out, ", %s, %s\n", str(place, "address", "whole file"),
		str(place, "recovery", "allocated"));
}

static void write_witness(FILE *out, const json_t *w)
{
	const json_t *l = json_object_get(w, "locator");
	const json_t *container = json_object_get(l, "container");

	fprintf(out, "%s  %-8s ", str(w, "id", ""),
		report_assertion_words(str(w, "assertion", "")));
	if (json_is_string(json_object_get(w, "not_before")) ||
	    json_is_string(json_object_get(w, "not_after")))
		fprintf(out, "%s .. %s\n", str(w, "not_before", "unknown"),
			str(w, "not_after", "unknown"));
	else if (strcmp(str(w, "assertion", ""), "residue") == 0)
		fputs("when the evidence was acquired\n", out);
	else
		fputs("at an unknown time\n", out);
	fprintf(out, "    %s\n", str(w, "text", ""));
	fprintf(out, "    %s %s, volume at byte %lld, ", str(l, "evidence", ""), str(l, "volume", ""),
		(long long)json_integer_value(json_object_get(l, "volume_offset")));
	write_place(out, l);
	if (json_is_object(container)) {
		fputs("    bounded by what held it: ", out);
		write_place(out, container);
	}
}

/* Witnesses that a verdict or an episode names; the JSON report has them all. */
static bool is_cited(const json_t *document, const char *id)
{
	static const char *const lists[] = { "verdicts", "products" };

	for (int k = 0; k < 2; k++) {
		size_t i, n, m;
		json_t *item, *inner, *w;

		json_array_foreach(json_object_get(document, lists[k]), i, item) {
			json_t *inners =
				json_object_get(item, k == 0 ? "products" : "episodes");

			json_array_foreach(json_object_get(item, "witnesses"), m, w)
				if (strcmp(json_string_value(w), id) == 0)
					return true;
			json_array_foreach(inners, n, inner)
				json_array_foreach(json_object_get(inner, "witnesses"), m, w)
					if (strcmp(json_string_value(w), id) == 0)
						return true;
		}
	}
	return false;
}

static const char *verification(const json_t *e)
{
	const json_t *verified = json_object_get(e, "verified");
	const bool computed = json_is_string(json_object_get(e, "sha256"));
	const bool stored = json_is_string(json_object_get(e, "stored_md5")) ||
			    json_is_string(json_object_get(e, "stored_sha1"));

	if (json_is_true(verified))
		return "stored hashes verified";
	if (json_is_false(verified))
		return computed ? "stored hashes DO NOT MATCH" :
				  "NOT VERIFIED: the digests could not be computed";
	if (!stored)
		return computed ? "no stored hash to compare the digests with" : "no stored hash";
	return "stored hashes not checked";
}

static void write_unreadable(FILE *out, const json_t *ranges)
{
	enum { RANGES_LISTED = 20 };
	const size_t n = json_array_size(ranges);

	for (size_t i = 0; i < n && i < RANGES_LISTED; i++)
		fprintf(out, "%s%s", i ? ", " : "    unreadable (offset+size): ",
			json_string_value(json_array_get(ranges, i)));
	if (n > RANGES_LISTED)
		fprintf(out, " and %zu more", n - RANGES_LISTED);
	if (n)
		fputc('\n', out);
}

static void write_evidence(FILE *out, const json_t *e)
{
	const json_t *acquired = json_object_get(e, "acquired");

	fprintf(out, "%s  %s (%s, %lld bytes)\n", str(e, "id", ""), str(e, "path", ""),
		str(e, "format", ""), (long long)json_integer_value(json_object_get(e, "size")));
	fprintf(out, "    acquired %s (%s); %s\n", str(acquired, "at", "unknown"),
		str(acquired, "basis", "no basis"), verification(e));
	write_unreadable(out, json_object_get(e, "unreadable"));
}

static void write_problem(FILE *out, const json_t *problem)
{
	const json_t *offset = json_object_get(problem, "offset");

	fprintf(out, "%s  %s", str(problem, "volume", "-"), str(problem, "where", ""));
	if (json_is_integer(offset))
		fprintf(out, ", byte %lld", (long long)json_integer_value(offset));
	fprintf(out, ": %s\n", str(problem, "what", ""));
}

/* "UTC-05:00" */
static void write_utc_offset(FILE *out, const json_t *minutes)
{
	const long long n = json_integer_value(minutes), size = n < 0 ? -n : n;

	fprintf(out, "UTC%c%02lld:%02lld", n < 0 ? '-' : '+', size / 60, size % 60);
}

static void write_zone(FILE *out, const json_t *system)
{
	const json_t *offsets = json_object_get(system, "utc_offset_minutes");
	const json_t *standard = json_object_get(offsets, "standard");
	const json_t *daylight = json_object_get(offsets, "daylight");
	const char *tzdata = str(system, "timezone_tzdata", "");

	fprintf(out, "    local time %s%s%s%s", str(system, "timezone", "of a zone without a name"),
		*tzdata ? " (" : "", tzdata, *tzdata ? ")" : "");
	if (!standard) {
		fputs("; its distance from UTC is not known: a local time may be off by 14 h each "
		      "way\n", out);
		return;
	}
	fputs(", ", out);
	write_utc_offset(out, standard);
	if (json_is_integer(daylight)) {
		fputs(", in daylight time ", out);
		write_utc_offset(out, daylight);
	}
	fputc('\n', out);
}

static void write_system(FILE *out, const json_t *system)
{
	fprintf(out, "%s  %s (%s %s), on %s\n", str(system, "id", ""),
		str(system, "hostname", "unnamed"), str(system, "os", "unknown system"),
		str(system, "version", "of unknown version"), str(system, "volume", ""));
	fprintf(out, "    installed %s; last activity %s\n", str(system, "installed_at", "unknown"),
		str(system, "last_activity", "unknown"));
	write_zone(out, system);
}

static void write_volume(FILE *out, const json_t *volume)
{
	const char *created = str(json_object_get(volume, "snapshot"), "created", "");

	fprintf(out, "%s  %s at byte %lld of %s, %lld bytes", str(volume, "id", ""),
		*created ? "shadow copy of the volume" : "volume",
		(long long)json_integer_value(json_object_get(volume, "offset")),
		str(volume, "evidence", ""),
		(long long)json_integer_value(json_object_get(volume, "size")));
	if (*created)
		fprintf(out, ", made %s", created);
	fprintf(out, " (%s): %s\n", str(volume, "filesystem", "no file system known"),
		str(volume, "status", ""));
}

void report_write_text(const json_t *document, FILE *out)
{
	const json_t *tool = json_object_get(document, "tool");
	size_t i;
	json_t *item;

	fprintf(out, "Avouch %s, signatures %.16s\n\n", str(tool, "version", ""),
		str(tool, "signatures_sha256", ""));
	fputs("Times are UTC unless they are said to be local. A limit is exclusive: what lies before "
	      "it is in time.\n\n", out);
	fputs("VERDICTS\n\n", out);
	for (int judged = 1; judged >= 0; judged--) /* what judges first, then what gives facts */
		json_array_foreach(json_object_get(document, "verdicts"), i, item)
			if (is_judged(item) == (judged == 1))
				write_verdict(out, document, item);
	fputs("SYSTEMS\n\n", out);
	json_array_foreach(json_object_get(document, "systems"), i, item)
		write_system(out, item);
	fputs("\nPRODUCTS\n\n", out);
	json_array_foreach(json_object_get(document, "products"), i, item)
		write_product(out, item);
	fputs("PROTECTION PRODUCTS AND WHEN THEY WERE REGISTERED, IN ORDER OF TIME\n\n", out);
	json_array_foreach(json_object_get(document, "systems"), i, item)
		write_protection(out, item);
	json_array_foreach(json_object_get(document, "systems"), i, item)
		write_unprotected(out, item);
	fputs("\nCOVERAGE\n\n", out);
	write_coverage(out, document);
	fputs("\nEVIDENCE\n\n", out);
	json_array_foreach(json_object_get(document, "evidence"), i, item)
		write_evidence(out, item);
	json_array_foreach(json_object_get(document, "volumes"), i, item)
		write_volume(out, item);
	fputs("\nCLOCK AND PROBLEMS\n\n", out);
	json_array_foreach(json_object_get(json_object_get(document, "clock"), "problems"), i, item)
		write_clock(out, item);
	json_array_foreach(json_object_get(document, "problems"), i, item)
		write_problem(out, item);
	fputs("\nWITNESSES (those cited above; the JSON report lists all)\n\n", out);
	json_array_foreach(json_object_get(document, "witnesses"), i, item)
		if (is_cited(document, str(item, "id", "")))
			write_witness(out, item);
}
