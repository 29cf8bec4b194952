/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/judge/system.h"

#include <stdio.h>

#include "parsers/base/text.h"

const struct case_volume *find_volume(const struct case_contents *contents, int64_t id)
{
	for (size_t i = 0; i < contents->n_volumes; i++)
		if (contents->volumes[i].id == id)
			return &contents->volumes[i];
	return NULL;
}

/* Sources are in id order. */
const struct case_source *find_source(const struct case_contents *contents, int64_t id)
{
	size_t low = 0, high = contents->n_sources;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (contents->sources[middle].id == id)
			return &contents->sources[middle];
		if (contents->sources[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static bool type_is(const struct case_trace *trace, const char *name)
{
	return strcmp(trace->trace.type->name, name) == 0;
}

bool is_set_aside(struct text path)
{
	return path_fits("/Windows.old**", path) || path_fits("/$WINDOWS.~BT**", path);
}

enum sample sample_of_source(const struct case_contents *contents,
			     const struct case_source *source)
{
	const struct case_volume *volume = find_volume(contents, source->volume);
	const struct text path = text_of(source->path);

	if (is_set_aside(path))
		return SAMPLE_FORMER;
	if (path_fits("/Windows/System32/config/RegBack/*", path) ||
	    path_fits("/Win*/repair/*", path) ||
	    (strchr(source->path, '{') && path_fits("**/_restore{*}/**", path)))
		return SAMPLE_BACKUP;
	if (volume && volume->snapshot_of)
		return SAMPLE_SNAPSHOT;
	return SAMPLE_LIVE;
}

static bool is_system_hive(const struct case_source *source, const char *name)
{
	char glob[64];
	const struct text path = text_of(source->path);

	(void)snprintf(glob, sizeof(glob), "/Win*/System32/config/%s", name);
	return path_fits(glob, path) && !source->deleted &&
	       !path_fits("/Windows.old/**", path);
}

static const struct case_source *live_hive(const struct case_contents *contents, int64_t volume,
					   const char *name)
{
	for (size_t i = 0; i < contents->n_sources; i++)
		if (contents->sources[i].volume == volume &&
		    is_system_hive(&contents->sources[i], name))
			return &contents->sources[i];
	return NULL;
}

size_t system_of_source(const struct case_contents *contents, const struct system *systems,
			size_t n_systems, const struct case_source *source)
{
	const struct case_volume *volume = find_volume(contents, source->volume);

	if (!volume)
		return NO_SYSTEM;

	const int64_t live = volume->snapshot_of ? volume->snapshot_of : volume->id;

	for (size_t i = 0; i < n_systems; i++)
		if (systems[i].volume == live)
			return i;
	return n_systems == 1 ? 0 : NO_SYSTEM;
}

bool collected_for(const struct case_contents *contents, const struct signature_set *signatures)
{
	for (size_t i = 0; i < contents->n_facts; i++)
		if (strcmp(contents->facts[i].key, "collection.wanted") == 0)
			return strcmp(contents->facts[i].value, signatures->wanted_sha256) == 0;
	return true;
}

int64_t acquisition_time(const struct case_contents *contents, const char **ret_basis)
{
	int64_t latest = 0;

	for (size_t i = 0; i < contents->n_evidence; i++) {
		const struct case_evidence *e = &contents->evidence[i];

		if (!instant_is_set(e->acquired))
			continue;
		if (latest == 0 || e->acquired.ticks > latest) {
			latest = e->acquired.ticks;
			*ret_basis = e->acquired_basis ? e->acquired_basis : "image-header";
		}
	}
	return latest;
}

/* -- facts of one system ------------------------------------------------------------------ */

static struct text first_set(struct text a, struct text b)
{
	return a.data ? a : b;
}

static void earlier(int64_t *at, struct instant i)
{
	if (instant_is_set(i) && i.ticks > TICKS_UNIX_EPOCH && (*at == 0 || i.ticks < *at))
		*at = i.ticks;
}

static bool is_live(const struct case_contents *contents, const struct case_trace *t,
		    int64_t volume)
{
	const struct case_source *source = find_source(contents, t->source);

	return source && source->volume == volume &&
	       (t->trace.recovery == RECOVERY_ALLOCATED ||
		t->trace.recovery == RECOVERY_LOG_REPLAYED) &&
	       sample_of_source(contents, source) == SAMPLE_LIVE;
}

/* Windows 11 calls itself Windows 10 in the registry; its builds begin with 22000. */
static struct text os_name(const struct trace *t, struct arena *arena)
{
	const struct text name = trace_text(t, "product_name"), build = trace_text(t, "build");
	const struct text ten = TEXT("Windows 10");

	if (build.size != 5 || memcmp(build.data, "22000", 5) < 0 || name.size < ten.size ||
	    memcmp(name.data, ten.data, ten.size) != 0)
		return name;
	return text_of(arena_printf(arena, "Windows 11%.*s", (int)(name.size - ten.size),
				    name.data + ten.size));
}

static void take_version(struct system *s, const struct trace *t, struct arena *arena)
{
	const struct text display = trace_text(t, "display_version");
	const struct text build = trace_text(t, "build");

	s->os = first_set(os_name(t, arena), s->os);
	if (display.data || build.data)
		s->version = text_of(arena_printf(arena, "%.*s%s%.*s", (int)display.size,
						  display.data ? display.data : "",
						  display.data && build.data ? " build " : "",
						  (int)build.size, build.data ? build.data : ""));
	const struct text root = trace_text(t, "system_root");

	s->installation_type = first_set(trace_text(t, "installation_type"), s->installation_type);
	if (root.size > 1 && root.data[1] == ':')
		s->drive = (char)(root.data[0] | 0x20);
	earlier(&s->installed_at, trace_instant(t, "installed"));
}

/* TIME_ZONE_INFORMATION biases may be absent (0) or signed. */
static int32_t minutes_of(const struct trace *t, const char *field)
{
	const struct value *v = trace_get(t, field);
	const int64_t n = v->kind == VALUE_INT ? v->sint :
			  v->kind == VALUE_UINT ? (int32_t)(uint32_t)v->uint :
						  0;

	return n > -1440 && n < 1440 ? (int32_t)n : 0;
}

static void date_of(const struct trace *t, const char *field, uint8_t date[16])
{
	const struct value *v = trace_get(t, field);

	memset(date, 0, 16);
	if (v->kind == VALUE_BYTES && v->bytes.size >= 16)
		memcpy(date, v->bytes.data, 16);
}

static struct zone_year zone_year_of(const struct trace *t, int year)
{
	struct zone_year z = { .year = year,
			       .bias = minutes_of(t, "bias"),
			       .standard_bias = minutes_of(t, "standard_bias"),
			       .daylight_bias = minutes_of(t, "daylight_bias") };

	date_of(t, "standard_date", z.standard_date);
	date_of(t, "daylight_date", z.daylight_date);
	return z;
}

/* The registry's zone and, unless Dynamic DST is off, the rules it keeps for single years. */
static enum status take_zone(struct arena *arena, const struct case_contents *contents,
			     struct system *s, struct failure *why)
{
	const struct trace *zone = NULL;
	size_t n = 0;

	for (size_t i = 0; i < contents->n_traces; i++) {
		const struct case_trace *t = &contents->traces[i];

		if (type_is(t, "windows.system.zone") && is_live(contents, t, s->volume) &&
		    (!zone || trace_uint(&t->trace, "current")))
			zone = &t->trace;
		n += type_is(t, "windows.system.zone-rule");
	}
	if (!zone)
		return STATUS_OK;

	struct zone_year *years = arena_array(arena, n + 1, sizeof(*years));
	struct zone_rules *rules = arena_alloc(arena, sizeof(*rules));

	if (!years || !rules)
		return failure_set(why, ERR_NO_MEMORY, "zone rules");
	s->timezone = first_set(trace_text(zone, "key_name"), trace_text(zone, "standard_name"));
	rules->years = years;
	years[rules->n_years++] = zone_year_of(zone, 0);
	for (size_t i = 0; i < contents->n_traces && !trace_uint(zone, "dynamic_disabled"); i++) {
		const struct case_trace *t = &contents->traces[i];

		if (!type_is(t, "windows.system.zone-rule") || !is_live(contents, t, s->volume))
			continue;

		const uint64_t year = trace_uint(&t->trace, "year");

		if (year > 1970 && year < 3000 &&
		    text_equal_folded(trace_text(&t->trace, "zone"), s->timezone))
			years[rules->n_years++] = zone_year_of(&t->trace, (int)year);
	}
	/* Without its distance from UTC the zone is not known, whatever its name. */
	s->zone = trace_get(zone, "bias")->kind == VALUE_ABSENT ? NULL : rules;
	return STATUS_OK;
}

/* The latest clearing of a log counts: it took most. */
static void take_clearing(struct system *s, const struct case_trace *t)
{
	const struct instant at = trace_instant(&t->trace, "time");

	if (s->logs_cleared_by && (!instant_is_set(at) || at.ticks <= s->logs_cleared_at))
		return;
	s->logs_cleared_by = t;
	s->logs_cleared_at = at.ticks;
}

static bool is_event_log(const struct case_source *source)
{
	return path_fits("/Win*/System32/winevt/Logs/*.evtx", text_of(source->path)) ||
	       path_fits("/Win*/System32/config/*.evt", text_of(source->path));
}

/* Sources of the live system: which hold more than could be read, and whether a log is among them. */
static void look_at_sources(const struct case_contents *contents, struct system *s)
{
	for (size_t i = 0; i < contents->n_sources; i++) {
		const struct case_source *source = &contents->sources[i];

		if (source->volume != s->volume || source->deleted)
			continue;
		s->logs_stand |= is_event_log(source);
		if (source->reading == READING_READ || source->reading == READING_SKIPPED ||
		    sample_of_source(contents, source) != SAMPLE_LIVE)
			continue;
		if (s->n_partly_read++ == 0)
			s->partly_read = source;
	}
}

/* Event logs of a domain's member name it with its domain. */
static struct text without_domain(struct text computer)
{
	const char *dot = computer.size ? memchr(computer.data, '.', computer.size) : NULL;

	return dot ? (struct text){ computer.data, (size_t)(dot - computer.data) } : computer;
}

static void take_traces(struct arena *arena, const struct case_contents *contents,
			struct system *s)
{
	struct text computer = { NULL, 0 }; /* as the logs call it */

	for (size_t i = 0; i < contents->n_traces; i++) {
		const struct case_trace *t = &contents->traces[i];

		if (!is_live(contents, t, s->volume))
			continue;
		if (type_is(t, "windows.system.version"))
			take_version(s, &t->trace, arena);
		else if (type_is(t, "windows.system.source-os"))
			earlier(&s->installed_at, trace_instant(&t->trace, "installed"));
		else if (type_is(t, "windows.system.name"))
			s->hostname = first_set(s->hostname, trace_text(&t->trace, "hostname"));
		else if (type_is(t, "windows.event.log-cleared"))
			take_clearing(s, t);
		if (strncmp(t->trace.type->name, "windows.event.", 14) == 0 &&
		    trace_text(&t->trace, "computer").size)
			computer = trace_text(&t->trace, "computer");
	}
	s->hostname = first_set(s->hostname, without_domain(computer));
}

/* Logs and journals only: the span of single facts is no coverage. */
static void take_coverage(const struct case_contents *contents, struct system *systems,
			  size_t n_systems, size_t index)
{
	struct system *s = &systems[index];

	for (size_t i = 0; i < contents->n_coverage; i++) {
		const struct case_coverage *c = &contents->coverage[i];
		const struct case_source *source = find_source(contents, c->source);

		if (!source || system_of_source(contents, systems, n_systems, source) != index ||
		    sample_of_source(contents, source) == SAMPLE_FORMER)
			continue;
		if (instant_is_set(c->from) && c->from.zone != ZONE_LOCAL &&
		    (!s->coverage_from || c->from.ticks < s->coverage_from))
			s->coverage_from = c->from.ticks;
		if (instant_is_set(c->to) && c->to.zone != ZONE_LOCAL &&
		    c->to.ticks > s->coverage_to)
			s->coverage_to = c->to.ticks;
	}
}

/* -- last activity ------------------------------------------------------------------------ */

/* Who keeps times of its own: two of these agree independently, two files of one do not. */
enum recorder { RECORDER_LOGS, RECORDER_JOURNAL, RECORDER_RUNS, RECORDER_REGISTRY, RECORDER_OTHER };

struct recorded {
	int64_t at;
	enum recorder by;
};

static enum recorder recorder_of(const char *name)
{
	if (strncmp(name, "event log", strlen("event log")) == 0)
		return RECORDER_LOGS;
	return strcmp(name, "change journal") == 0 ? RECORDER_JOURNAL : RECORDER_OTHER;
}

/* The time at which a trace of the running system was written; unset for all others. */
static struct instant written_at(const struct case_trace *t, enum recorder *ret)
{
	*ret = RECORDER_RUNS;
	if (type_is(t, "windows.prefetch.run"))
		return trace_instant(&t->trace, "run");
	*ret = RECORDER_REGISTRY;
	if (type_is(t, "windows.system.shutdown"))
		return trace_instant(&t->trace, "time");
	return trace_instant(&t->trace, "key_last_written");
}

/* The plausible times that each recorder gives: none is later than the acquisition. */
static size_t recorder_ends(const struct case_contents *contents, const struct system *systems,
			    size_t n_systems, size_t index, int64_t acquired, struct recorded *ends,
			    bool *ret_ahead)
{
	const int64_t limit = acquired ? acquired + TICKS_PER_DAY : INT64_MAX;
	size_t n = 0;

	*ret_ahead = false;
	for (size_t i = 0; i < contents->n_coverage; i++) {
		const struct case_coverage *c = &contents->coverage[i];
		const struct case_source *source = find_source(contents, c->source);

		if (!source || system_of_source(contents, systems, n_systems, source) != index ||
		    !instant_is_set(c->to) || c->to.zone == ZONE_LOCAL)
			continue;
		if (c->to.ticks <= limit)
			ends[n++] = (struct recorded){ c->to.ticks, recorder_of(c->recorder) };
		*ret_ahead |= c->to.ticks > limit;
	}
	for (size_t i = 0; i < contents->n_traces; i++) {
		const struct case_trace *t = &contents->traces[i];
		enum recorder by;
		const struct instant at = written_at(t, &by);

		if (instant_is_set(at) && at.ticks <= limit &&
		    is_live(contents, t, systems[index].volume))
			ends[n++] = (struct recorded){ at.ticks, by };
	}
	return n;
}

static int later_first(const void *a, const void *b)
{
	const struct recorded *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? 1 : -1;
	return (x->by > y->by) - (x->by < y->by);
}

/*
 * The latest time that two independent recorders agree on within a day: no single stray time
 * decides. Where none agree it is the latest of all, for what was found was so by then.
 */
static int64_t agreed_end(struct recorded *ends, size_t n)
{
	size_t other = n; /* the next entry that is another recorder's */

	if (n == 0)
		return 0;
	qsort(ends, n, sizeof(*ends), later_first);

	int64_t agreed = 0;

	for (size_t i = n - 1; i-- > 0;) {
		if (ends[i].by != ends[i + 1].by)
			other = i + 1;
		if (other == n)
			continue;
		if (ends[i].at - ends[other].at <= TICKS_PER_DAY)
			agreed = ends[i].at;
	}
	return agreed ? agreed : ends[0].at;
}

static enum status last_activity(struct arena *arena, const struct case_contents *contents,
				 struct system *systems, size_t n_systems, size_t index,
				 int64_t acquired, struct failure *why)
{
	struct recorded *ends = arena_array(arena, contents->n_coverage + contents->n_traces + 1,
					    sizeof(*ends));

	if (!ends)
		return failure_set(why, ERR_NO_MEMORY, "recorders");

	const size_t n = recorder_ends(contents, systems, n_systems, index, acquired, ends,
				       &systems[index].ran_ahead);

	systems[index].last_activity = agreed_end(ends, n);
	systems[index].last_reading = n ? ends[0].at : 0; /* agreed_end() put the latest first */
	for (size_t i = 1; i < n; i++)
		systems[index].several_recorders |= ends[i].by != ends[0].by;
	return STATUS_OK;
}

/* -- finding them ------------------------------------------------------------------------- */

static bool files_whole(const struct case_contents *contents, int64_t volume)
{
	const struct case_volume *v = find_volume(contents, volume);

	return v && v->reading == READING_READ;
}

static struct system system_on(const struct case_contents *contents, int64_t volume,
			       const struct case_source *software,
			       const struct case_source *system)
{
	struct system s = { .volume = volume,
			    .root = "",
			    .drive = 'c',
			    .software = software,
			    .system = system,
			    .hives_found = software && system,
			    .files_whole = files_whole(contents, volume) };

	s.hives_whole = software && system && software->reading == READING_READ &&
			system->reading == READING_READ;
	return s;
}

/* Whether files that only a running Windows keeps stand there, though its hives do not. */
static bool holds_windows(const struct case_contents *contents, int64_t volume)
{
	for (size_t i = 0; i < contents->n_sources; i++)
		if (contents->sources[i].volume == volume && !contents->sources[i].deleted &&
		    is_event_log(&contents->sources[i]))
			return true;
	return false;
}

enum status systems_find(struct arena *arena, const struct case_contents *contents,
			 int64_t acquired, struct system **ret, size_t *ret_n,
			 struct failure *why)
{
	struct system *systems =
		arena_array(arena, contents->n_volumes + 1, sizeof(*systems));
	size_t n = 0;

	if (!systems)
		return failure_set(why, ERR_NO_MEMORY, "systems");
	for (size_t i = 0; i < contents->n_volumes; i++) {
		const struct case_volume *v = &contents->volumes[i];
		const struct case_source *software = live_hive(contents, v->id, "SOFTWARE");
		const struct case_source *system = live_hive(contents, v->id, "SYSTEM");

		if (v->snapshot_of == 0 && (software || system || holds_windows(contents, v->id)))
			systems[n++] = system_on(contents, v->id, software, system);
	}
	for (size_t i = 0; i < n; i++) {
		enum status status = take_zone(arena, contents, &systems[i], why);

		if (status < 0)
			return status;
		take_traces(arena, contents, &systems[i]);
		look_at_sources(contents, &systems[i]);
		take_coverage(contents, systems, n, i);
		status = last_activity(arena, contents, systems, n, i, acquired, why);
		if (status < 0)
			return status;
	}
	*ret = systems;
	*ret_n = n;
	return STATUS_OK;
}
