/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/judge/witness.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>

#include "parsers/base/text.h"

enum status witness_add(struct witness_list *list, const struct witness *witness,
			struct failure *why)
{
	if (list->n == list->room) {
		const size_t room = list->room ? list->room * 2 : 256;
		struct witness *items = arena_array(list->arena, room, sizeof(*items));

		if (!items)
			return failure_set(why, ERR_NO_MEMORY, "witnesses");
		if (list->n)
			memcpy(items, list->items, list->n * sizeof(*items));
		list->items = items;
		list->room = room;
	}
	list->items[list->n++] = *witness;
	return STATUS_OK;
}

static void hash_text(EVP_MD_CTX *hash, const char *text, size_t size)
{
	(void)EVP_DigestUpdate(hash, text, size);
	(void)EVP_DigestUpdate(hash, "\n", 1);
}

static void hash_number(EVP_MD_CTX *hash, uint64_t number)
{
	char text[24];
	const int size = snprintf(text, sizeof(text), "%" PRIu64, number);

	hash_text(hash, text, (size_t)size);
}

void witness_name(const struct case_contents *contents, struct witness *w)
{
	const struct case_volume *volume = find_volume(contents, w->source->volume);
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned size = 0;
	EVP_MD_CTX *hash = EVP_MD_CTX_new();

	if (!hash || !EVP_DigestInit_ex(hash, EVP_sha256(), NULL)) {
		EVP_MD_CTX_free(hash);
		(void)snprintf(w->id, sizeof(w->id), "W-unnamed");
		return;
	}
	hash_number(hash, volume ? volume->offset : 0);
	if (volume && volume->snapshot_id)
		hash_text(hash, volume->snapshot_id, strlen(volume->snapshot_id));
	hash_text(hash, w->source->path, strlen(w->source->path));
	hash_text(hash, assertion_name(w->assertion), strlen(assertion_name(w->assertion)));
	hash_number(hash, w->product);
	hash_number(hash, (uint64_t)w->when.not_before);
	hash_number(hash, (uint64_t)w->when.not_after);
	if (w->trace) {
		const struct origin *o = &w->trace->trace.origin;

		hash_number(hash, o->companion);
		hash_number(hash, o->offset);
		hash_number(hash, o->size);
		hash_text(hash, o->address.data ? o->address.data : "", o->address.size);
		hash_text(hash, w->trace->trace.type->name, strlen(w->trace->trace.type->name));
	}
	(void)EVP_DigestFinal_ex(hash, digest, &size);
	EVP_MD_CTX_free(hash);
	(void)snprintf(w->id, sizeof(w->id), "W-%02x%02x%02x%02x%02x%02x", digest[0], digest[1],
		       digest[2], digest[3], digest[4], digest[5]);
}

/* -- matching ----------------------------------------------------------------------------- */

/* A service that runs another program is not that of the product whose name it bears. */
static void drop_foreign_services(struct judging *j, const struct case_trace *t,
				  struct match_of *match)
{
	struct match_hit *hits = match->n ? arena_array(j->arena, match->n, sizeof(*hits)) : NULL;
	size_t n = 0;

	if (strcmp(t->trace.type->name, "windows.registry.service") != 0 &&
	    strcmp(t->trace.type->name, "windows.event.service-installed") != 0)
		return;
	for (size_t h = 0; hits && h < match->n; h++) {
		const struct match_hit *hit = &match->hits[h];

		if (j->signatures->products[hit->product].components[hit->component].role !=
			    ROLE_PROTECTION ||
		    service_runs_its_program(j, t, match, hit->product))
			hits[n++] = *hit;
	}
	if (!hits)
		return;
	match->hits = hits;
	match->n = n;
}

static enum status match_all(struct judging *j, struct match_of **ret, struct failure *why)
{
	struct match_of *all = arena_array(j->arena, j->contents->n_traces + 1, sizeof(*all));

	if (!all)
		return failure_set(why, ERR_NO_MEMORY, "matches");
	for (size_t i = 0; i < j->contents->n_traces; i++) {
		const struct case_trace *t = &j->contents->traces[i];
		const struct case_source *source = find_source(j->contents, t->source);
		enum status status = matcher_match_trace(j->matcher, &t->trace, j->arena,
							 &all[i].hits, &all[i].n, why);

		if (status == ERR_LIMIT)
			j->limit_hits++;
		else if (status < 0)
			return status;
		if (status >= 0 || status == ERR_LIMIT)
			drop_foreign_services(j, t, &all[i]);
		all[i].system = source ? system_of_source(j->contents, j->systems, j->n_systems,
							  source) :
					 NO_SYSTEM;
	}
	*ret = all;
	return STATUS_OK;
}

/* Roles whose match says that the product itself, not its packaging or remains, was here. */
static bool identifies(const struct product *product, const struct component *component)
{
	return !product->fallback && !component->shared &&
	       (component->role == ROLE_PROTECTION || component->role == ROLE_REGISTRATION ||
		component->role == ROLE_ACTIVITY);
}

static bool runs_on(const struct judging *j, size_t product, const struct case_trace *trace);

static bool *identified_on(struct judging *j, const struct match_of *all, size_t system)
{
	bool *identified = arena_array(j->arena, j->signatures->n_products + 1, sizeof(bool));

	if (!identified)
		return NULL;
	for (size_t i = 0; i < j->contents->n_traces; i++) {
		for (size_t h = 0; all[i].system == system && h < all[i].n; h++) {
			const struct product *p = &j->signatures->products[all[i].hits[h].product];

			if (identifies(p, &p->components[all[i].hits[h].component]) &&
			    runs_on(j, all[i].hits[h].product, &j->contents->traces[i]))
				identified[all[i].hits[h].product] = true;
		}
	}
	return identified;
}

/* -- one trace ---------------------------------------------------------------------------- */

static struct text sentence(struct judging *j, const struct case_trace *t)
{
	struct text message = trace_message(j->arena, &t->trace);

	if (message.data && trace_uint(&t->trace, "unsound"))
		message = text_of(arena_printf(j->arena, "%.*s [among damaged records]",
					       (int)message.size, message.data));
	if (t->trace.recovery == RECOVERY_ALLOCATED || !message.data)
		return message;
	return text_of(arena_printf(j->arena, "%.*s [%s]", (int)message.size, message.data,
				    recovery_name(t->trace.recovery)));
}

/* Whether a computer's name, perhaps with a domain, is the system's. */
static bool is_host(const struct system *s, struct text computer)
{
	const struct text host = s->hostname;
	const struct text head = { computer.data, host.size };

	return computer.size >= host.size && text_equal_folded(head, host) &&
	       (computer.size == host.size || computer.data[host.size] == '.');
}

/*
 * What is found in free clusters may be left from whoever had the disk before: older than this
 * system, or under another computer's name, it is nothing to this one.
 */
static bool is_of_another(const struct system *s, const struct case_trace *t,
			  const struct witness *w)
{
	const struct text computer = trace_text(&t->trace, "computer");

	if (t->trace.recovery != RECOVERY_CARVED)
		return false;
	if (!s->installed_at || (bound_has_start(w->when) && w->when.not_before < s->installed_at))
		return true;
	return computer.size && s->hostname.size && !is_host(s, computer);
}

static enum status finish(struct judging *j, struct witness_list *list, struct witness *w,
			  const struct case_trace *t, const struct case_source *source,
			  size_t system, size_t product, struct failure *why)
{
	const struct system *s = &j->systems[system];

	if (is_of_another(s, t, w))
		return STATUS_OK;
	w->trace = t;
	w->container = w->by_container ? container_of(j->contents, t) : NULL;
	w->source = source;
	w->system = system;
	w->product = product;
	w->text = sentence(j, t);
	w->code = trace_text(&t->trace, "code");
	w->clock_suspect = doubts_apply(j->doubts, j->n_doubts, system, t, &w->when);
	if (t->trace.recovery == RECOVERY_CARVED && !w->qualified)
		w->qualified = "found in free clusters, which do not tell which system wrote it";
	/* What is older than the system may come with the image it was made from. */
	if (w->assertion == ASSERTS_BEGIN && s->installed_at && bound_has_end(w->when) &&
	    w->when.not_after < s->installed_at) {
		w->assertion = ASSERTS_PRESENT;
		w->qualified = "older than the installation of the operating system";
	}
	witness_name(j->contents, w);
	return witness_add(list, w, why);
}

static enum status witnesses_of_hit(struct judging *j, struct witness_list *list, size_t index,
				    size_t system, const struct match_hit *hit,
				    struct failure *why)
{
	const struct case_trace *t = &j->contents->traces[index];
	const struct case_source *source = find_source(j->contents, t->source);
	const struct product *product = &j->signatures->products[hit->product];
	const struct component *component = &product->components[hit->component];
	struct witness said[SEMANTICS_MAX];
	const size_t n = semantics_of(j, &j->systems[system], source, &t->trace, component->role,
				      said, SEMANTICS_MAX);

	for (size_t i = 0; i < n; i++) {
		said[i].component = component;
		said[i].role = component->role;
		said[i].weak = component->confidence < CONFIDENCE_MEDIUM;

		enum status status =
			finish(j, list, &said[i], t, source, system, hit->product, why);

		if (status < 0)
			return status;
	}
	return STATUS_OK;
}

/* -- facts: registry values that the product writes of itself ------------------------------ */

static struct instant instant_auto(uint64_t number)
{
	/* Below 2^33 it is seconds since 1970 (until 2242), above a FILETIME. */
	return number < UINT64_C(1) << 33 ? instant_from_unix((int64_t)number) :
					    instant_from_filetime(number);
}

/* "dd-MM-yyyy HH-mm-ss", UTC. */
static struct instant instant_dmy(struct text t)
{
	int part[6] = { 0 }, n = 0;

	for (size_t i = 0; i < t.size && n < 6; i++) {
		if (t.data[i] >= '0' && t.data[i] <= '9')
			part[n] = part[n] < 10000 ? part[n] * 10 + (t.data[i] - '0') : part[n];
		else
			n++;
	}
	return instant_from_civil(part[2], part[1], part[0], part[3], part[4], part[5], 0,
				  TICKS_PER_SECOND, ZONE_UTC);
}

static struct instant fact_instant(const struct fact *fact, const struct trace *t)
{
	const struct value *number = trace_get(t, "number");
	const uint64_t n = number->kind == VALUE_UINT ? number->uint : 0;

	switch (fact->encoding) {
	case ENCODING_UNIX:
		return n <= INT64_MAX ? instant_from_unix((int64_t)n) :
					(struct instant){ .state = INSTANT_INVALID };
	case ENCODING_FILETIME:
		return instant_from_filetime(n);
	case ENCODING_AUTO:
		return instant_auto(n);
	case ENCODING_TEXT_DMY:
		return instant_dmy(trace_text(t, "text"));
	case ENCODING_TEXT:
		break;
	}
	return (struct instant){ .state = INSTANT_UNSET };
}

static bool fact_asserts(enum fact_meaning meaning, enum assertion *ret)
{
	switch (meaning) {
	case FACT_INSTALLED_AT:
		*ret = ASSERTS_BEGIN;
		return true;
	case FACT_LAST_START:
	case FACT_LAST_UPDATE:
	case FACT_ALIVE_AT:
		*ret = ASSERTS_PRESENT;
		return true;
	case FACT_ACCEPTED_AT:
	case FACT_PRODUCT_CODE:
	case FACT_VERSION:
	case FACT_PRODUCT_NAME:
	case FACT_INSTALL_FOLDER:
		break;
	}
	return false;
}

/* A branch that products of a vendor share tells of the one that is here, of any where none is known. */
static bool fact_counts(const struct judging *j, size_t product, const bool *identified)
{
	const char *vendor = j->signatures->products[product].vendor;

	if (identified[product])
		return true;
	for (size_t i = 0; i < j->signatures->n_products; i++)
		if (identified[i] && strcmp(j->signatures->products[i].vendor, vendor) == 0)
			return false;
	return true;
}

static enum status witnesses_of_facts(struct judging *j, struct witness_list *list, size_t index,
				      size_t system, const bool *identified, struct failure *why)
{
	enum { MAX = 8 };
	const struct case_trace *t = &j->contents->traces[index];
	const struct case_source *source = find_source(j->contents, t->source);
	struct fact_hit hits[MAX];
	const size_t n = matcher_facts(j->matcher, trace_text(&t->trace, "key"),
				       trace_text(&t->trace, "name"), hits, MAX);

	for (size_t i = 0; i < n; i++) {
		const struct fact *fact =
			&j->signatures->products[hits[i].product].facts[hits[i].fact];
		const struct instant at = fact_instant(fact, &t->trace);
		struct witness w = { .family = FAMILY_PRODUCT, .role = ROLE_KEY };

		if (!fact_counts(j, hits[i].product, identified) || !instant_is_set(at) || !fact_asserts(fact->is, &w.assertion))
			continue;
		w.when = bound_of_instant(NULL, at);
		w.use = w.assertion == ASSERTS_PRESENT;
		w.weak = fact->confidence < CONFIDENCE_MEDIUM;

		enum status status =
			finish(j, list, &w, t, source, system, hits[i].product, why);

		if (status < 0)
			return status;
	}
	return STATUS_OK;
}

/* A product of another platform cannot be what left a trace of this one. */
static bool runs_on(const struct judging *j, size_t product, const struct case_trace *trace)
{
	const unsigned platforms = j->signatures->products[product].platforms;

	if (strncmp(trace->trace.type->name, "windows.", 8) == 0 ||
	    strncmp(trace->trace.type->name, "ntfs.", 5) == 0)
		return (platforms & PLATFORM_WINDOWS) != 0;
	return true;
}

/* -- all of them -------------------------------------------------------------------------- */

static int64_t sort_time(const struct witness *w)
{
	return bound_has_start(w->when) ? w->when.not_before : w->when.not_after;
}

static int in_order(const void *a, const void *b)
{
	const struct witness *x = a, *y = b;

	if (x->system != y->system)
		return x->system < y->system ? -1 : 1;
	if (x->product != y->product)
		return x->product < y->product ? -1 : 1;
	if (sort_time(x) != sort_time(y))
		return sort_time(x) < sort_time(y) ? -1 : 1;
	if (strcmp(x->id, y->id) != 0)
		return strcmp(x->id, y->id);
	return (x->role > y->role) - (x->role < y->role); /* the weightier role is kept */
}

static enum status witnesses_on(struct judging *j, const struct match_of *all, size_t system,
				struct witness_list *list, struct failure *why)
{
	const bool *identified = identified_on(j, all, system);

	if (!identified)
		return failure_set(why, ERR_NO_MEMORY, "products identified");
	for (size_t i = 0; i < j->contents->n_traces; i++) {
		enum status status = STATUS_OK;

		if (all[i].system != system)
			continue;
		for (size_t h = 0; h < all[i].n && status >= 0; h++)
			if (runs_on(j, all[i].hits[h].product, &j->contents->traces[i]) &&
			    signature_hit_counts(j->signatures, all[i].hits[h].product,
						 all[i].hits[h].component, identified))
				status = witnesses_of_hit(j, list, i, system, &all[i].hits[h], why);
		if (status >= 0 &&
		    strcmp(j->contents->traces[i].trace.type->name, "windows.registry.value") == 0)
			status = witnesses_of_facts(j, list, i, system, identified, why);
		if (status < 0)
			return status;
	}
	return STATUS_OK;
}

static int by_trace(const void *a, const void *b)
{
	const struct witness *x = *(const struct witness *const *)a;
	const struct witness *y = *(const struct witness *const *)b;

	if (x->trace != y->trace)
		return x->trace < y->trace ? -1 : 1;
	return (x->product > y->product) - (x->product < y->product);
}

/*
 * A trace that several products would leave alike proves that one of them was here, not which. A
 * record of activity decides nothing for any where several are here.
 */
static enum status mark_ambiguous(struct witness_list *list, struct failure *why)
{
	struct witness **shared = arena_array(list->arena, list->n + 1, sizeof(struct witness *));
	size_t n = 0;

	if (!shared)
		return failure_set(why, ERR_NO_MEMORY, "shared records");
	for (size_t i = 0; i < list->n; i++)
		if (list->items[i].component && list->items[i].component->shared)
			shared[n++] = &list->items[i];
	qsort(shared, n, sizeof(struct witness *), by_trace);
	for (size_t first = 0, end; first < n; first = end) {
		for (end = first; end < n && shared[end]->trace == shared[first]->trace;)
			end++;

		const bool ambiguous = shared[first]->product != shared[end - 1]->product;

		for (size_t i = first; i < end && ambiguous; i++) {
			shared[i]->ambiguous = true;
			shared[i]->weak |= shared[i]->role == ROLE_ACTIVITY;
		}
	}
	return STATUS_OK;
}

enum status witnesses_find(struct judging *j, struct witness_list *ret, struct failure *why)
{
	struct match_of *all = NULL;
	enum status status = match_all(j, &all, why);
	size_t kept = 0;

	*ret = (struct witness_list){ .arena = j->arena };
	if (status >= 0)
		status = match_by_code(j, all, why);
	for (size_t s = 0; s < j->n_systems && status >= 0; s++)
		status = witnesses_on(j, all, s, ret, why);
	if (status < 0)
		return status;
	if (ret->n)
		qsort(ret->items, ret->n, sizeof(*ret->items), in_order);
	for (size_t i = 0; i < ret->n; i++) /* two components may say the same by the same bytes */
		if (i == 0 || strcmp(ret->items[i].id, ret->items[kept - 1].id) != 0)
			ret->items[kept++] = ret->items[i];
	ret->n = kept;
	status = mark_ambiguous(ret, why);
	if (status >= 0) {
		engines_take_from_hosts(j, ret);
		attempts_take_back(j, ret);
	}
	return status;
}
