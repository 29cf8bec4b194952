/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_TESTS_UNIT_HISTORY_SUPPORT_H
#define AVOUCH_TESTS_UNIT_HISTORY_SUPPORT_H

/*
 * Random histories of one product on one machine, and what each recorder would have kept of them.
 * For the property test of the judgement; include after cmocka.h.
 */
#include "analyzer/judge/judge.h"
#include "parsers/parser.h"

enum { STAYS_MAX = 3, TRACES_MAX = 1200, FIELDS = TRACE_MAX_FIELDS, SNAPSHOTS_MAX = 3 };

/* What may befall a history or its recorders; a failing one is tried again without each. */
enum feature {
	FEATURE_INSTALLER,  /* MsiInstaller records */
	FEATURE_INVENTORY,
	FEATURE_RUNS,       /* prefetch */
	FEATURE_RECORDS,    /* the product's own log */
	FEATURE_DELETED,    /* freed registry cells */
	FEATURE_JOURNAL,
	FEATURE_SYSTEM_LOG, /* starts of the system and of the service, changes of the clock */
	FEATURE_UPGRADES,
	FEATURE_RESTARTS,   /* removals that wait for one */
	FEATURE_EXCURSION,  /* the clock is wrong for a time */
	FEATURE_STANDING,   /* and stays so */
	FEATURE_UNLOGGED,   /* only the order of records shows it */
	FEATURE_CLEARED,    /* the logs begin anew at some time */
	FEATURE_SNAPSHOTS,
	FEATURE_COUNT,
};

static const char *const feature_names[FEATURE_COUNT] = {
	"installer", "inventory", "runs",      "records",  "deleted keys", "journal", "system log",
	"upgrades",  "restarts",  "excursion", "standing", "unlogged",     "cleared", "snapshots",
};

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

static int64_t within(int64_t ticks)
{
	return (int64_t)chance((uint64_t)ticks);
}

/* True times. */
struct history {
	int64_t installed[STAYS_MAX], removed[STAYS_MAX]; /* removed 0: still there */
	int64_t restart[STAYS_MAX];  /* the start that completes a removal, or 0 */
	int64_t upgraded[STAYS_MAX]; /* or 0 */
	size_t n;
	int64_t acquired;
	int64_t wrong_from, wrong_until, wrong_by; /* the clock: wrong_by 0 means never */
	bool wrong_logged;
	int64_t cleared; /* logs hold nothing before; 0: they reach back to the start */
	int64_t snapshots[SNAPSHOTS_MAX];
	size_t n_snapshots;
	bool has[FEATURE_COUNT];
};

/* What the machine's clock showed. */
static int64_t shown(const struct history *h, int64_t at)
{
	return h->wrong_by && at >= h->wrong_from && at < h->wrong_until ? at + h->wrong_by : at;
}

/* When a removal was complete. */
static int64_t completed(const struct history *h, size_t i)
{
	return h->restart[i] ? h->restart[i] : h->removed[i];
}

static bool there_at(const struct history *h, int64_t at)
{
	for (size_t i = 0; i < h->n; i++)
		if (at >= h->installed[i] && (!h->removed[i] || at < h->removed[i]))
			return true;
	return false;
}

/* -- drawing one ---------------------------------------------------------------------------- */

static void draw_stays(struct history *h, int64_t base)
{
	int64_t at = base + (int64_t)chance(100) * TICKS_PER_DAY;

	h->n = 1 + chance(STAYS_MAX);
	for (size_t i = 0; i < h->n; i++) {
		h->installed[i] = at + within(TICKS_PER_DAY);
		h->removed[i] = h->installed[i] + TICKS_PER_DAY + within(90 * TICKS_PER_DAY);
		if (h->has[FEATURE_UPGRADES] && likely(50))
			h->upgraded[i] = h->installed[i] + TICKS_PER_HOUR +
					 within(h->removed[i] - h->installed[i] -
						2 * TICKS_PER_HOUR);
		if (h->has[FEATURE_RESTARTS] && likely(50))
			h->restart[i] = h->removed[i] + TICKS_PER_MINUTE +
					within(20 * TICKS_PER_HOUR);
		at = h->removed[i] + TICKS_PER_DAY + (int64_t)chance(60) * TICKS_PER_DAY;
	}
	if (likely(30))
		h->removed[h->n - 1] = h->restart[h->n - 1] = 0;
	h->acquired = at + TICKS_PER_DAY + (int64_t)chance(60) * TICKS_PER_DAY;
}

/* The clock is set wrong, mostly for the occasion of a removal. */
static void draw_clock(struct history *h)
{
	const size_t i = chance(h->n);
	const int64_t at = h->removed[i] && likely(70) ? h->removed[i] : h->installed[0] +
		within(h->acquired - h->installed[0]);

	h->wrong_from = at - TICKS_PER_MINUTE - within(2 * TICKS_PER_HOUR);
	h->wrong_until = at + TICKS_PER_MINUTE + within(5 * TICKS_PER_DAY);
	h->wrong_by = (likely(50) ? 1 : -1) * (TICKS_PER_DAY + within(60 * TICKS_PER_DAY));
	h->wrong_logged = h->has[FEATURE_SYSTEM_LOG] && !h->has[FEATURE_UNLOGGED];
	if (h->wrong_logged && likely(30)) /* years out */
		h->wrong_by += (h->wrong_by < 0 ? -1 : 1) * 1000 * TICKS_PER_DAY;
	/* A wrong clock that nobody recorded and nothing took back leaves no sign. */
	if (h->has[FEATURE_STANDING] && h->wrong_logged)
		h->wrong_until = INT64_MAX;
	if (h->wrong_until > h->acquired && h->wrong_until != INT64_MAX)
		h->wrong_until = h->acquired - 1;
}

static struct history draw(int64_t base, uint64_t mask)
{
	static const unsigned percent[FEATURE_COUNT] = { 60, 50, 60, 60, 50, 50, 70,
							 30, 30, 40, 30, 40, 25, 30 };
	struct history h = { .n = 0 };

	for (int f = 0; f < FEATURE_COUNT; f++)
		h.has[f] = likely(percent[f]) && (mask >> f & 1);
	draw_stays(&h, base);
	if (h.has[FEATURE_EXCURSION])
		draw_clock(&h);
	if (h.has[FEATURE_CLEARED]) /* never what shows that the clock was wrong */
		h.cleared = h.installed[0] +
			    within((h.wrong_by ? h.wrong_from : h.acquired) - h.installed[0]);
	for (size_t i = 0; h.has[FEATURE_SNAPSHOTS] && i < SNAPSHOTS_MAX; i++)
		h.snapshots[h.n_snapshots++] =
			h.installed[0] - 10 * TICKS_PER_DAY +
			within(h.acquired - h.installed[0] + 9 * TICKS_PER_DAY);
	return h;
}

/* -- what the recorders keep ---------------------------------------------------------------- */

enum {
	SOFTWARE = 1, SYSTEM, MFT, APPLICATION, SYSTEM_LOG, PREFETCH, VENDOR_LOG, JOURNAL,
	LIVE_SOURCES = JOURNAL,
	SOURCES = LIVE_SOURCES + 2 * SNAPSHOTS_MAX,
};

struct world {
	struct arena *arena;
	const struct history *h;
	struct case_trace traces[TRACES_MAX];
	size_t n;
};

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

static void set_ticks(struct case_trace *t, const char *name, int64_t ticks)
{
	*field(t, name) = value_instant((struct instant){ ticks, 1, INSTANT_SET, ZONE_UTC });
}

/* A true time, as the clock showed it. */
static void set_time(const struct world *w, struct case_trace *t, const char *name, int64_t at)
{
	set_ticks(t, name, shown(w->h, at));
}

/* A record of an event log at a true time; NULL when the log does not reach back to it. */
static struct case_trace *log_record(struct world *w, int64_t source, const char *type, uint64_t id,
			      int64_t at)
{
	if (at < w->h->cleared && source != VENDOR_LOG)
		return NULL;

	struct case_trace *t = add(w, source, type);

	*field(t, "event_id") = value_uint(id);
	*field(t, "record") = value_uint((uint64_t)(at / TICKS_PER_SECOND));
	set_time(w, t, "time", at);
	return t;
}

static const char *const name = "Kaspersky Internet Security";
static const char *const old_code = "{6F6E8D2B-3A61-4C1E-9B77-2D0C8A4E1F93}";
static const char *const code = "{7F6E8D2B-3A61-4C1E-9B77-2D0C8A4E1F93}";
static const char *const program =
	"/Program Files (x86)/Kaspersky Lab/Kaspersky Internet Security 18.0.0/avp.exe";

static void msi(struct world *w, uint64_t id, int64_t at, const char *product_code, uint64_t status)
{
	struct case_trace *t = log_record(w, APPLICATION, "windows.event.msi", id, at);

	if (!t)
		return;
	*field(t, "status") = value_uint(status);
	if (id != 1040 && id != 1042)
		set_text(t, "product", name);
	set_text(t, "code", product_code);
}

/* A change of the program file: created 0x100, deleted 0x200. */
static void change(struct world *w, uint64_t reasons, int64_t at)
{
	struct case_trace *t = add(w, JOURNAL, "ntfs.usn");

	set_text(t, "path", program);
	*field(t, "reasons") = value_uint(reasons);
	set_time(w, t, "time", at);
}

static void record_acts(struct world *w)
{
	const struct history *h = w->h;

	for (size_t i = 0; i < h->n; i++) {
		const char *first = h->upgraded[i] ? old_code : code;

		if (h->has[FEATURE_INSTALLER]) {
			msi(w, 1033, h->installed[i], first, 0);
			if (h->upgraded[i]) {
				msi(w, 1040, h->upgraded[i] - 4 * TICKS_PER_MINUTE, code, 0);
				msi(w, 1034, h->upgraded[i] - 2 * TICKS_PER_MINUTE, old_code, 0);
				msi(w, 1033, h->upgraded[i], code, 0);
				msi(w, 1042, h->upgraded[i] + TICKS_PER_SECOND, code, 0);
			}
			if (h->removed[i])
				msi(w, 1034, h->removed[i], code, h->restart[i] ? 3010 : 0);
		}
		if (h->has[FEATURE_INVENTORY] && h->removed[i]) {
			struct case_trace *t = log_record(w, APPLICATION, "windows.event.inventory", 908,
						   h->removed[i] + within(TICKS_PER_HOUR));

			if (t)
				set_text(t, "name", name);
		}
		if (h->has[FEATURE_JOURNAL])
			change(w, 0x100, h->installed[i] - TICKS_PER_MINUTE / 2);
		if (h->has[FEATURE_JOURNAL] && h->removed[i])
			change(w, 0x200, h->removed[i] - TICKS_PER_MINUTE / 2);
	}
}

static void record_life(struct world *w)
{
	const struct history *h = w->h;

	for (size_t i = 0; i < h->n; i++) {
		const int64_t end = h->removed[i] ? h->removed[i] : h->acquired;

		for (int k = 0; k < 6; k++) {
			const int64_t at = h->installed[i] + TICKS_PER_HOUR +
					   within(end - h->installed[i] - 2 * TICKS_PER_HOUR);
			struct case_trace *t;

			if (h->has[FEATURE_RUNS]) {
				t = add(w, PREFETCH, "windows.prefetch.run");
				set_text(t, "executable", "AVP.EXE");
				set_text(t, "path", program);
				set_time(w, t, "run", at);
			}
			if (h->has[FEATURE_RECORDS]) {
				t = log_record(w, VENDOR_LOG, "windows.event.record", 203, at);
				set_text(t, "channel", "Kaspersky Event Log");
				set_text(t, "provider", "avp");
			}
		}
	}
}

/* Starts of the system, every few days and where a removal waits for one. */
static void record_starts(struct world *w)
{
	const struct history *h = w->h;

	for (int64_t at = h->installed[0] - 5 * TICKS_PER_DAY; at < h->acquired;
	     at += TICKS_PER_DAY + within(9 * TICKS_PER_DAY)) {
		bool waits = false;

		/* None falls between a removal and the start it waits for. */
		for (size_t i = 0; i < h->n; i++)
			waits |= h->restart[i] && at >= h->removed[i] && at <= h->restart[i];
		if (!waits)
			(void)log_record(w, SYSTEM_LOG, "windows.event.boot", 6005, at);
		if (!waits && there_at(h, at + TICKS_PER_MINUTE)) {
			struct case_trace *t = log_record(w, SYSTEM_LOG, "windows.event.service-state",
						   7036, at + TICKS_PER_MINUTE);

			if (t)
				set_text(t, "service", "Kaspersky Anti-Virus Service 18.0.0");
		}
	}
	for (size_t i = 0; i < h->n; i++)
		if (h->restart[i])
			(void)log_record(w, SYSTEM_LOG, "windows.event.boot", 6005, h->restart[i]);
}

static void record_change(struct world *w, int64_t at, int64_t before, int64_t after)
{
	struct case_trace *t = add(w, SYSTEM_LOG, "windows.event.time-change");

	*field(t, "record") = value_uint((uint64_t)(at / TICKS_PER_SECOND));
	*field(t, "reason") = value_uint(1);
	set_ticks(t, "old_time", before);
	set_ticks(t, "new_time", after);
	set_ticks(t, "time", after);
}

/* A log that gets a record every hour shows where its times fall. */
static void record_fall(struct world *w, int64_t at, int64_t before, int64_t after)
{
	struct case_trace *t = add(w, APPLICATION, "windows.event.time-jump");

	assert_true(after < before);

	set_text(t, "channel", "Application");
	*field(t, "record_before") = value_uint((uint64_t)(at / TICKS_PER_SECOND) - 1);
	*field(t, "record_after") = value_uint((uint64_t)(at / TICKS_PER_SECOND));
	set_ticks(t, "time_before", before - within(TICKS_PER_MINUTE));
	set_ticks(t, "time_after", after + within(TICKS_PER_MINUTE));
}

static void record_clock(struct world *w)
{
	const struct history *h = w->h;
	const int64_t from = h->wrong_from, until = h->wrong_until, by = h->wrong_by;

	if (by == 0)
		return;
	if (h->wrong_logged) {
		record_change(w, from, from, from + by);
		if (until != INT64_MAX)
			record_change(w, until, until + by, until);
	}
	if (h->wrong_logged && !h->has[FEATURE_INSTALLER])
		return;
	if (by < 0) {
		record_fall(w, from, from, from + by);
	} else if (until != INT64_MAX) {
		record_fall(w, until, until + by, until);
	}
}

static void record_program(struct world *w, int64_t software, int64_t system, int64_t installed)
{
	struct case_trace *t = add(w, software, "windows.registry.uninstall");

	set_text(t, "name", name);
	set_text(t, "publisher", "Kaspersky Lab");
	set_text(t, "code", code);
	set_time(w, t, "key_last_written", installed);
	t = add(w, system, "windows.registry.service");
	set_text(t, "name", "AVP18.0.0");
	set_text(t, "image_path", program);
	*field(t, "start") = value_uint(2);
	*field(t, "current") = value_uint(1);
	set_time(w, t, "key_last_written", installed);
}

/* What the registry and the file system hold at acquisition, and did in each shadow copy. */
static void record_state(struct world *w)
{
	const struct history *h = w->h;
	const size_t last = h->n - 1;
	struct case_trace *t;

	/* The hives are written until the end, as the logs are. */
	t = add(w, SOFTWARE, "windows.system.version");
	set_time(w, t, "key_last_written", h->acquired - 2 * TICKS_PER_HOUR);
	for (size_t k = 0; k < h->n_snapshots; k++)
		for (size_t i = 0; i < h->n; i++)
			if (h->snapshots[k] >= h->installed[i] &&
			    (!h->removed[i] || h->snapshots[k] < h->removed[i]))
				record_program(w, LIVE_SOURCES + 1 + 2 * (int64_t)k,
					       LIVE_SOURCES + 2 + 2 * (int64_t)k, h->installed[i]);
	if (h->removed[last] == 0) {
		record_program(w, SOFTWARE, SYSTEM, h->installed[last]);
		t = add(w, MFT, "filesystem.file");
		set_text(t, "path", program);
		set_text(t, "kind", "file");
		set_time(w, t, "name_created", h->installed[last] - TICKS_PER_MINUTE);
	} else if (h->has[FEATURE_DELETED]) {
		t = add(w, SOFTWARE, "windows.registry.uninstall");
		set_text(t, "name", name);
		set_text(t, "publisher", "Kaspersky Lab");
		set_text(t, "code", code);
		set_time(w, t, "key_last_written", h->installed[last]);
		t->trace.recovery = RECOVERY_DELETED;
		*field(t, "path_sure") = value_uint(1);
		set_time(w, t, "container_last_written",
			 h->removed[last] + within(h->acquired - h->removed[last]));
	}
}

#endif
