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
		{ "removed-late", "the removal lies after the limit" },
		{ "removed-in-time", "the removal lies before the limit" },
		{ "no-trace", "read completely, and nothing asserts that it was ever installed" },
		{ "indeterminate", "the evidence does not decide" },
	};

	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (strcmp(meanings[i].outcome, outcome) == 0)
			return meanings[i].words;
	return "";
}

/* Which recorders reach over the limit; without any, logs cannot judge it. */
static void write_covered(FILE *out, const json_t *recorders)
{
	size_t i;
	json_t *recorder;

	if (!json_is_array(recorders))
		return;
	if (json_array_size(recorders) == 0)
		fputs("  coverage   no log or journal reaches over the limit: it cannot be judged "
		      "from logs\n", out);
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
	write_covered(out, json_object_get(v, "limit_covered_by"));
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

static void write_product(FILE *out, const json_t *p)
{
	size_t i;
	json_t *e;

	fprintf(out, "%s on %s: %s%s%s\n", str(p, "name", ""), str(p, "system", ""),
		str(p, "state", ""),
		is_true(p, "residue_counts") ? ", and parts that would still load remain" : "",
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
			fputs("    removed    no\n", out);
		if (json_is_string(json_object_get(e, "removal_recorded_at")))
			fprintf(out, "    recorded   the installer finished the removal at %s%s\n",
				str(e, "removal_recorded_at", ""),
				is_true(e, "restart_pending") ?
					"; files waited for the restart, which ends it" : "");
		write_list(out, json_object_get(e, "qualified"), "    qualified  ");
	}
	fputc('\n', out);
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
			fprintf(out, " to %s; then %s%s%s\n", str(removed, "not_before", "unknown"),
				json_is_object(next) ? str(next, "product", "") :
						       "no other is known",
				json_is_object(next) ? " from " : "",
				json_is_object(next) ? str(next, "from", "unknown") : "");
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

/* The span of each recorder, and why some say nothing. */
static void write_coverage(FILE *out, const json_t *document)
{
	size_t i;
	json_t *item;

	json_array_foreach(json_object_get(document, "coverage"), i, item)
		fprintf(out, "%s  %s: %s .. %s\n", str(item, "system", "-"), str(item, "source", ""),
			str(item, "from", "unknown"), str(item, "to", "unknown"));
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

	fprintf(out, "%s  %-8s %s .. %s\n", str(w, "id", ""), str(w, "assertion", ""),
		str(w, "not_before", "?"), str(w, "not_after", "?"));
	fprintf(out, "    %s\n", str(w, "text", ""));
	fprintf(out, "    %s %s, volume at %lld, ", str(l, "evidence", ""), str(l, "volume", ""),
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

void report_write_text(const json_t *document, FILE *out)
{
	const json_t *tool = json_object_get(document, "tool");
	size_t i;
	json_t *item;

	fprintf(out, "Avouch %s, signatures %.16s\n\n", str(tool, "version", ""),
		str(tool, "signatures_sha256", ""));
	fputs("VERDICTS\n\n", out);
	for (int judged = 1; judged >= 0; judged--) /* what judges first, then what gives facts */
		json_array_foreach(json_object_get(document, "verdicts"), i, item)
			if (is_judged(item) == (judged == 1))
				write_verdict(out, document, item);
	fputs("PRODUCTS\n\n", out);
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
	fputs("\nCLOCK AND PROBLEMS\n\n", out);
	json_array_foreach(json_object_get(json_object_get(document, "clock"), "problems"), i, item)
		write_clock(out, item);
	json_array_foreach(json_object_get(document, "problems"), i, item)
		fprintf(out, "%s: %s\n", str(item, "where", ""), str(item, "what", ""));
	fputs("\nWITNESSES (those cited above; the JSON report lists all)\n\n", out);
	json_array_foreach(json_object_get(document, "witnesses"), i, item)
		if (is_cited(document, str(item, "id", "")))
			write_witness(out, item);
}
