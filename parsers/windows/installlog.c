/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logs that installers and removers leave in the Temp folders, read without knowing whose they
 * are: only files whose path some signature names. Three forms of lines, wall-clock times of the
 * machine:
 *
 *   name-YYYY-MM-DD-hh-mm-ss.log with lines "hh:mm:ss text": the day is that of the file's name;
 *                                  a time more than half a day earlier is of the next day
 *   "YYYY-MM-DD hh:mm:ss text", "YYYY/MM/DD ...", "DD.MM.YYYY ..."
 *   Windows Installer's own (Microsoft, "Windows Installer Logging"; UTF-16LE as a rule):
 *     "=== Verbose logging started: D/M/YYYY  hh:mm:ss ..." in the order of the user's locale
 *     "MSI (s) (C8:F4) [hh:mm:ss:mmm]: Product: X -- Removal completed successfully."
 *     "Property(S): ProductCode = {GUID}"
 *   whose day is taken only where one number can be no month; else the time stays unset.
 */
#include <inttypes.h>
#include <stdio.h>

#include "parsers/base/text.h"
#include "parsers/parser.h"
#include "parsers/windows/log_lines.h"

enum {
	MAX_SIZE = 64 << 20,
	MAX_TRACES = 2000, /* lines of one log; a further one is only counted */
	STAMP_SIZE = 19,   /* YYYY-MM-DD-hh-mm-ss */
	GUID_SIZE = 38,
};

enum line_field { LINE_TEXT, LINE_TIME, LINE_CODE, LINE_FILE, LINE_NUMBER, LINE_N_FIELDS };

static const struct trace_field line_fields[] = {
	[LINE_TEXT] = { "text", VALUE_TEXT, ASPECT_PROGRAM, ASPECT_NONE, "Text" },
	[LINE_TIME] = { "time", VALUE_INSTANT, ASPECT_NONE, ASPECT_NONE, "Logged" },
	[LINE_CODE] = { "code", VALUE_TEXT, ASPECT_PRODUCT_CODE, ASPECT_NONE, "Product code" },
	[LINE_FILE] = { "file", VALUE_TEXT, ASPECT_PATH, ASPECT_NONE, "Log file" },
	[LINE_NUMBER] = { "line", VALUE_UINT, ASPECT_NONE, ASPECT_NONE, "Line" },
	[LINE_N_FIELDS] = { NULL, VALUE_ABSENT, ASPECT_NONE, ASPECT_NONE, NULL },
};

static const struct trace_type line_type = {
	.name = "windows.log.install",
	.message = "{text}",
	.fields = line_fields,
};

struct reading {
	struct parse_context *ctx;
	const struct source *source;
	struct arena *arena, *previous_arena;
	int64_t days, last_ticks; /* of the clock-only forms; days -1 unknown */
	bool msi;
	uint64_t number, n_traces;
	struct text previous;
	struct instant first, last;
};

/* The stamp in a file's name: the day, -1 without one. */
static int64_t day_of_name(struct text path, int64_t *ret_ticks)
{
	int64_t precision;
	struct text rest;

	for (size_t i = 0; i + STAMP_SIZE <= path.size; i++) {
		const struct text part = { path.data + i, STAMP_SIZE };
		const int64_t days = log_date(part, &rest);

		if (days < 0 || rest.size < 9 ||
		    (i && path.data[i - 1] >= '0' && path.data[i - 1] <= '9'))
			continue;
		*ret_ticks = log_time((struct text){ rest.data + 1, rest.size - 1 }, &precision,
				      &rest);
		return days;
	}
	return -1;
}

/* A number of one to four digits at *pos; -1 without one. */
static int number_at(struct text text, size_t *pos)
{
	int n = -1;

	for (int i = 0; i < 4 && *pos < text.size; i++, ++*pos) {
		const char c = text.data[*pos];

		if (c < '0' || c > '9')
			break;
		n = (n < 0 ? 0 : n) * 10 + (c - '0');
	}
	return n;
}

/* "D/M/YYYY" or "M/D/YYYY": only where it can be read one way. */
static int64_t day_of_locale(struct text text)
{
	size_t pos = 0;
	int part[3];

	for (int i = 0; i < 3; i++) {
		part[i] = number_at(text, &pos);
		if (part[i] < 0 || (i < 2 && (pos >= text.size || !strchr("/.-", text.data[pos]))))
			return -1;
		pos += i < 2;
	}

	const bool year_first = part[0] > 31;
	const int year = year_first ? part[0] : part[2];
	int month = year_first ? part[1] : part[0], day = year_first ? part[2] : part[1];

	if (!year_first && part[0] > 12) {
		month = part[1];
		day = part[0];
	} else if (!year_first && part[1] <= 12 && part[0] != part[1]) {
		return -1;
	}
	if (!instant_is_set(instant_from_civil(year, month, day, 0, 0, 0, 0, 1, ZONE_LOCAL)))
		return -1;
	return days_from_civil(year, month, day);
}

/* A clock reading without date, carried over midnight. */
static struct instant place_clock(struct reading *r, int64_t ticks, int64_t precision)
{
	if (r->days >= 0 && r->last_ticks - ticks > TICKS_PER_DAY / 2)
		r->days++;
	r->last_ticks = ticks;
	return log_instant(r->days, ticks, precision);
}

/* Takes the time off a line; *text is then what was logged. False: no timed line. */
static bool read_time(struct reading *r, struct text *text, struct instant *ret)
{
	int64_t precision = TICKS_PER_SECOND;
	struct text rest = *text, after;

	if (rest.size && rest.data[0] == '[')
		rest = (struct text){ rest.data + 1, rest.size - 1 };

	const int64_t days = log_date(rest, &after);

	if (days >= 0 && after.size && strchr(" T\t-", after.data[0]))
		rest = (struct text){ after.data + 1, after.size - 1 };

	const int64_t ticks = log_time(rest, &precision, &after);

	if (ticks < 0)
		return false;
	*ret = days >= 0 ? log_instant(days, ticks, precision) :
			   place_clock(r, ticks, precision);
	while (after.size && strchr("] \t:-", after.data[0]))
		after = (struct text){ after.data + 1, after.size - 1 };
	*text = log_trim(after);
	return text->size > 0;
}

static void read_msi_start(struct reading *r, struct text line)
{
	const struct text rest = log_trim(log_after(line, "logging started: "));
	int64_t precision;
	struct text after;
	size_t pos = 0;

	if (!rest.data)
		return;
	r->msi = true;
	r->days = day_of_locale(rest);
	while (pos < rest.size && rest.data[pos] != ' ')
		pos++;
	r->last_ticks = log_time(log_trim((struct text){ rest.data + pos, rest.size - pos }),
				 &precision, &after);
	if (r->days < 0)
		note(r->ctx, 0, "the day of this log can be read two ways: times stay unset");
}

/* Lines of Windows Installer that say what became of which product. */
static bool is_telling(struct text line)
{
	return log_after(line, "]: product: ").data || log_after(line, "productcode = {").data ||
	       log_after(line, "logging started").data || log_after(line, "logging stopped").data ||
	       log_after(line, "productname = ").data ||
	       log_after(line, "removed the product").data ||
	       log_after(line, "installed the product").data;
}

/* Takes "MSI (s) (C8:F4) [hh:mm:ss:mmm]: " off a line. */
static bool read_msi_time(struct reading *r, struct text *text, struct instant *ret)
{
	int64_t precision = TICKS_PER_SECOND, ticks;
	struct text rest, after;

	if (log_starts(*text, "MSI (", &rest)) {
		rest = log_after(rest, ") [");
		ticks = rest.data ? log_time(rest, &precision, &after) : -1;
		if (ticks >= 0) {
			*ret = place_clock(r, ticks, precision);
			rest = log_after(after, "]: ");
			if (rest.data)
				*text = log_trim(rest);
		}
	}
	return true;
}

/* The first GUID in braces; {NULL, 0} without one. */
static struct text find_code(struct text text)
{
	for (size_t i = 0; i + GUID_SIZE <= text.size; i++)
		if (text.data[i] == '{' && text.data[i + GUID_SIZE - 1] == '}' &&
		    text.data[i + 9] == '-' && text.data[i + 14] == '-' &&
		    text.data[i + 19] == '-' && text.data[i + 24] == '-')
			return (struct text){ text.data + i, GUID_SIZE };
	return (struct text){ NULL, 0 };
}

static void widen(struct reading *r, struct instant time)
{
	if (!instant_is_set(time))
		return;
	if (!instant_is_set(r->first) || time.ticks < r->first.ticks)
		r->first = time;
	if (!instant_is_set(r->last) || time.ticks > r->last.ticks)
		r->last = time;
}

/* Upper case, as product codes are written everywhere else. */
static struct text upper_code(struct reading *r, struct text code)
{
	char *copy = code.data ? arena_text(r->arena, code) : NULL;

	for (size_t i = 0; copy && i < code.size; i++)
		if (copy[i] >= 'a' && copy[i] <= 'f')
			copy[i] = (char)(copy[i] - 32);
	return (struct text){ copy, copy ? code.size : 0 };
}

static enum status emit_line(struct reading *r, const struct log_line *line, struct text text,
			     struct instant time, struct failure *why)
{
	struct value values[LINE_N_FIELDS] = { 0 };
	char address[32];

	widen(r, time);
	if (r->previous.data && text_equal(r->previous, text))
		return STATUS_OK; /* said again at once */
	if (++r->n_traces > MAX_TRACES)
		return STATUS_OK;
	arena_reset(r->previous_arena);
	r->previous = (struct text){ arena_text(r->previous_arena, text), text.size };
	(void)snprintf(address, sizeof(address), "line %" PRIu64, r->number);
	values[LINE_TEXT] = value_text(text);
	values[LINE_TIME] = value_instant(time);
	values[LINE_CODE] = value_text(upper_code(r, find_code(text)));
	values[LINE_FILE] = value_text(text_of(r->source->path));
	values[LINE_NUMBER] = value_uint(r->number);

	const struct trace trace = {
		.type = &line_type,
		.origin = { line->offset, line->size, 0, text_of(address) },
		.recovery = r->source->deleted ? RECOVERY_DELETED : RECOVERY_ALLOCATED,
		.values = values,
	};
	return emit(r->ctx, &trace, why);
}

static enum status read_line(struct reading *r, const struct log_line *line, struct failure *why)
{
	struct text text = log_trim(line->text);
	struct instant time = { 0 };

	r->number++;
	if (r->number <= 4 && log_starts(text, "===", NULL))
		read_msi_start(r, text);
	if (r->msi ? is_telling(text) && read_msi_time(r, &text, &time) :
		     read_time(r, &text, &time))
		return emit_line(r, line, text, time, why);
	return STATUS_OK;
}

static enum status read_lines(struct reading *r, struct span bytes, struct failure *why)
{
	struct log_lines lines;
	struct log_line line;
	enum status status = STATUS_OK;

	log_lines_init(&lines, bytes);
	while (status == STATUS_OK && log_lines_next(&lines, r->arena, &line)) {
		if (!line.text.data)
			return failure_set(why, ERR_LIMIT, "no memory for a line");
		status = read_line(r, &line, why);
		if (arena_used(r->arena) > LIMIT_TEXT)
			arena_reset(r->arena);
	}
	if (r->n_traces > MAX_TRACES)
		lost(r->ctx, FAILURE_NO_OFFSET, "%" PRIu64 " lines beyond the first %d",
		     r->n_traces - MAX_TRACES, MAX_TRACES);
	if (instant_is_set(r->first))
		cover(r->ctx, "installer log", r->first, r->last);
	return status;
}

static enum status parse(struct parse_context *ctx, const struct source *source,
			 struct failure *why)
{
	CLEANUP(arena_free_p) struct arena *arena = arena_new(LIMIT_ARENA);
	CLEANUP(arena_free_p) struct arena *previous = arena_new(LIMIT_ARENA);
	struct reading reading = { .ctx = ctx, .source = source, .arena = arena,
				   .previous_arena = previous };
	struct span bytes;
	enum status status;

	if (!arena || !previous)
		return failure_set(why, ERR_NO_MEMORY, "no memory for a log");
	reading.days = day_of_name(text_of(source->path), &reading.last_ticks);
	status = stream_load(source->stream, ctx->arena, MAX_SIZE, &bytes, why);
	return status == STATUS_OK ? read_lines(&reading, bytes, why) : status;
}

static const char *const paths[] = {
	"/Users/*/AppData/Local/Temp/*.log", "/Users/*/AppData/Local/Temp/*/*.log",
	"/Documents and Settings/*/Local Settings/Temp/*.log", "/Windows/Temp/*.log",
	"/Windows/Temp/*/*.log", NULL
};
static const struct trace_type *const emits[] = { &line_type, NULL };

const struct parser installlog_parser = {
	.name = "windows.installlog",
	.title = "Logs of installers and removers",
	.versions = "Windows XP to 11",
	.asserts = "An installer or remover named in a signature wrote this at this local time.",
	.paths = paths,
	.named_only = true,
	.emits = emits,
	.max_input = MAX_SIZE,
	.parse_file = parse,
};
