/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log of device and driver installation: setupapi.dev.log and setupapi.app.log (Vista to 11)
 * and setupapi.log (2000, XP, 2003). Wall-clock times of the machine.
 *
 *   >>>  [Device Install (DiInstallDriver) - C:\...\x.inf]       Microsoft, "SetupAPI Text Logs:
 *   >>>  Section start 2017/06/14 11:22:00.403                  Format of a Text Log Section"
 *        cmd: "C:\...\setup.exe"
 *        inf: Provider: ...
 *   <<<  Section end 2017/06/14 11:22:01.303
 *   <<<  [Exit status: SUCCESS]
 *
 * Of a section that names several packages (updates of Windows itself) the first is told.
 *
 *   [2004/08/10 12:34:56 1234.567 Driver Install]                XP
 *   #-198 Command line processed: C:\...\setup.exe
 *   #I023 Actual install section: ...
 */
#include "parsers/base/text.h"
#include "parsers/parser.h"
#include "parsers/windows/log_lines.h"

enum { MAX_SIZE = 256 << 20 };

enum section_field {
	SECTION_TITLE,
	SECTION_INF,
	SECTION_COMMAND,
	SECTION_PUBLISHER,
	SECTION_DRIVER,
	SECTION_START,
	SECTION_END,
	SECTION_STATUS,
	SECTION_ACTION,
	SECTION_N_FIELDS,
};

static const struct trace_field section_fields[] = {
	[SECTION_TITLE] = { "title", VALUE_TEXT, ASPECT_NONE, ASPECT_NONE, "Section" },
	[SECTION_INF] = { "inf", VALUE_TEXT, ASPECT_PATH, ASPECT_NONE, "INF file" },
	[SECTION_COMMAND] = { "command", VALUE_TEXT, ASPECT_PATH, ASPECT_NONE, "Command" },
	[SECTION_PUBLISHER] = { "publisher", VALUE_TEXT, ASPECT_PUBLISHER, ASPECT_NONE,
				"Provider" },
	[SECTION_DRIVER] = { "driver", VALUE_TEXT, ASPECT_DRIVER, ASPECT_NONE, "Driver" },
	[SECTION_START] = { "start", VALUE_INSTANT, ASPECT_NONE, ASPECT_NONE, "Started" },
	[SECTION_END] = { "end", VALUE_INSTANT, ASPECT_NONE, ASPECT_NONE, "Ended" },
	[SECTION_STATUS] = { "status", VALUE_TEXT, ASPECT_NONE, ASPECT_NONE, "Exit status" },
	[SECTION_ACTION] = { "action", VALUE_TEXT, ASPECT_NONE, ASPECT_NONE, "Action" },
	[SECTION_N_FIELDS] = { NULL, VALUE_ABSENT, ASPECT_NONE, ASPECT_NONE, NULL },
};

static const struct trace_type section_type = {
	.name = "windows.setupapi.section",
	.message = "{title}: {status}",
	.fields = section_fields,
};

struct section {
	bool open, old_form;
	uint64_t offset, end;
	struct value values[SECTION_N_FIELDS];
};

struct reading {
	struct parse_context *ctx;
	struct arena *arena, *next; /* of the section, and of the one that starts */
	struct section section;
	struct instant first, last;
	bool deleted;
};

static bool is_set(const struct reading *r, enum section_field field)
{
	return r->section.values[field].kind != VALUE_ABSENT;
}

static void set_text(struct reading *r, enum section_field field, struct text text)
{
	text = log_trim(text);
	if (text.size == 0 || is_set(r, field))
		return;
	r->section.values[field] =
		value_text((struct text){ arena_text(r->arena, text), text.size });
}

static struct instant read_when(struct text text)
{
	int64_t precision = TICKS_PER_SECOND;
	struct text rest;
	const int64_t days = log_date(log_trim(text), &rest);

	if (days < 0)
		return (struct instant){ 0 };

	const int64_t ticks = log_time(log_trim(rest), &precision, &rest);

	return log_instant(days, ticks, precision);
}

/* By the words before " - ", behind which the name of a file or device stands. */
static const char *action_of(struct text title)
{
	static const struct {
		const char *word, *action;
	} words[] = {
		{ "delete", "delete" },	   { "uninstall", "delete" },
		{ "remove", "delete" },	   { "unstage", "delete" },
		{ "able device install", "other" }, /* the service is stopped or let go on */
		{ "install", "install" },  { "import", "install" },
		{ "update", "install" },   { "stage", "install" },
	};
	const struct text name = log_after(title, " - ");

	if (name.data)
		title.size = (size_t)(name.data - title.data);
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (log_after(title, words[i].word).data)
			return words[i].action;
	return "other";
}

static enum status finish(struct reading *r, struct failure *why)
{
	struct section *section = &r->section;
	enum status status = STATUS_OK;

	if (section->open) {
		const struct text title = section->values[SECTION_TITLE].text;

		section->values[SECTION_ACTION] = value_text(text_of(action_of(title)));

		const struct trace trace = {
			.type = &section_type,
			.origin = { section->offset, section->end - section->offset, 0, title },
			.recovery = r->deleted ? RECOVERY_DELETED : RECOVERY_ALLOCATED,
			.values = section->values,
		};

		status = emit(r->ctx, &trace, why);
	}
	*section = (struct section){ 0 };
	if (arena_used(r->arena) > LIMIT_TEXT)
		arena_reset(r->arena);
	return status;
}

/* Ends with suffix, case folded. */
static bool ends_with(struct text text, const char *suffix)
{
	const size_t size = strlen(suffix);

	return text.size > size &&
	       text_equal_folded((struct text){ text.data + text.size - size, size },
				 text_of(suffix));
}

/* Longer file names are cut in front: a line that is all names must not be read over and over. */
enum { MAX_NAME = 1024 };

/*
 * The file name that ends there: all of what stands in quotes, else from the drive's letter on
 * ("{Stage Driver Package: C:\Program Files\x.inf}"), else the last word.
 */
static struct text name_before(struct text line, size_t end)
{
	const size_t first = end > MAX_NAME ? end - MAX_NAME : 0;
	size_t start = end, blank = end;

	while (start > first && !strchr("'\"{}[]=,", line.data[start - 1]))
		start--;
	if (start && strchr("'\"", line.data[start - 1]))
		return (struct text){ line.data + start, end - start };
	for (size_t i = end; i >= start + 3; i--)
		if (line.data[i - 1] == '\\' && line.data[i - 2] == ':')
			return (struct text){ line.data + i - 3, end - i + 3 };
	while (blank > start && line.data[blank - 1] != ' ' && line.data[blank - 1] != '\t')
		blank--;
	return (struct text){ line.data + blank, end - blank };
}

static struct text base_of(struct text name)
{
	size_t base = name.size;

	while (base && name.data[base - 1] != '\\')
		base--;
	return (struct text){ name.data + base, name.size - base };
}

/* The file names of drivers and INF files in a line. */
static void read_names(struct reading *r, struct text line)
{
	for (size_t end = 4; end <= line.size; end++) {
		const struct text head = { line.data, end };

		if (end < line.size && !strchr(" \t'\"{}[]=,", line.data[end]))
			continue;
		if (ends_with(head, ".inf"))
			set_text(r, SECTION_INF, name_before(line, end));
		if (ends_with(head, ".sys"))
			set_text(r, SECTION_DRIVER, base_of(name_before(line, end)));
	}
}

/* "Provider: X", "{Provider = X}": the publisher of the INF file. */
static void read_provider(struct reading *r, struct text line)
{
	struct text rest = log_trim(log_after(line, "provider"));

	if (rest.size == 0 || !strchr(":=", rest.data[0]))
		return;
	rest = log_trim((struct text){ rest.data + 1, rest.size - 1 });
	while (rest.size && strchr("}\"", rest.data[rest.size - 1]))
		rest.size--;
	while (rest.size && rest.data[0] == '"')
		rest = (struct text){ rest.data + 1, rest.size - 1 };
	set_text(r, SECTION_PUBLISHER, rest);
}

static void read_body(struct reading *r, struct text line)
{
	struct text rest;

	line = log_trim(line);
	if (log_starts(line, "cmd:", &rest)) {
		set_text(r, SECTION_COMMAND, rest);
		return;
	}
	if (r->section.old_form)
		set_text(r, SECTION_COMMAND, log_after(line, "command line processed: "));
	read_provider(r, line);
	read_names(r, line);
}

static enum status open_section(struct reading *r, const struct log_line *line, struct text title,
				bool old_form, struct failure *why)
{
	const enum status status = finish(r, why);
	const struct text path = log_after(title, " - ");

	if (title.size && title.data[title.size - 1] == ']')
		title.size--;
	r->section.open = true;
	r->section.old_form = old_form;
	r->section.offset = line->offset;
	set_text(r, SECTION_TITLE, title);
	if (!is_set(r, SECTION_TITLE))
		r->section.values[SECTION_TITLE] = value_text(TEXT("(no title)"));
	if (path.data && ends_with(title, ".inf"))
		set_text(r, SECTION_INF,
			 (struct text){ path.data,
					title.size - (size_t)(path.data - title.data) });
	return status;
}

static void set_time(struct reading *r, enum section_field field, struct text text)
{
	const struct instant when = read_when(text);

	if (!instant_is_set(when))
		return;
	r->section.values[field] = value_instant(when);
	if (!instant_is_set(r->first) || when.ticks < r->first.ticks)
		r->first = when;
	if (!instant_is_set(r->last) || when.ticks > r->last.ticks)
		r->last = when;
}

static enum status read_line(struct reading *r, const struct log_line *line, struct failure *why)
{
	const struct text text = line->text;
	struct text rest, after;
	enum status status = STATUS_OK;

	if (log_starts(text, ">>>", &rest)) {
		rest = log_trim(rest);
		if (log_starts(rest, "[", &after))
			status = open_section(r, line, after, false, why);
		else if (log_starts(rest, "Section start", &after))
			set_time(r, SECTION_START, after);
	} else if (log_starts(text, "<<<", &rest)) {
		rest = log_trim(rest);
		if (log_starts(rest, "Section end", &after))
			set_time(r, SECTION_END, after);
		else if (log_starts(rest, "[Exit status:", &after) && after.size)
			set_text(r, SECTION_STATUS, (struct text){ after.data, after.size - 1 });
	} else if (log_starts(text, "[", &rest) && log_date(rest, &after) >= 0) {
		/* XP: date, time, process and thread, title */
		status = open_section(r, line, rest, true, why);
		set_time(r, SECTION_START, rest);
	} else if (r->section.open && text.size) {
		read_body(r, text);
	}
	if (r->section.open && text.size)
		r->section.end = line->offset + line->size;
	return status;
}

static enum status read_lines(struct reading *r, struct span bytes, struct failure *why)
{
	struct log_lines lines;
	struct log_line line;
	enum status status = STATUS_OK;

	log_lines_init(&lines, bytes);
	while (status == STATUS_OK && log_lines_next(&lines, r->next, &line)) {
		if (!line.text.data)
			return failure_set(why, ERR_LIMIT, "no memory for a line");
		status = read_line(r, &line, why);
		if (arena_used(r->next) > LIMIT_TEXT)
			arena_reset(r->next);
	}
	if (status == STATUS_OK)
		status = finish(r, why);
	cover(r->ctx, "device installation log", r->first, r->last);
	return status;
}

static enum status parse(struct parse_context *ctx, const struct source *source,
			 struct failure *why)
{
	CLEANUP(arena_free_p) struct arena *arena = arena_new(LIMIT_ARENA);
	CLEANUP(arena_free_p) struct arena *next = arena_new(LIMIT_ARENA);
	struct reading reading = { .ctx = ctx, .arena = arena, .next = next,
				   .deleted = source->deleted };
	struct span bytes;
	enum status status;

	if (!arena || !next)
		return failure_set(why, ERR_NO_MEMORY, "no memory for a log");
	status = stream_load(source->stream, ctx->arena, MAX_SIZE, &bytes, why);
	return status == STATUS_OK ? read_lines(&reading, bytes, why) : status;
}

static const char *const paths[] = { "/Windows/INF/setupapi.*.log", "/Windows/setupapi.log",
				     "/WINNT/setupapi.log", NULL };
static const struct trace_type *const emits[] = { &section_type, NULL };

const struct parser setupapi_parser = {
	.name = "windows.setupapi",
	.title = "Device installation log",
	.versions = "Windows 2000 to 11",
	.asserts = "A driver package was installed or deleted at this local time.",
	.paths = paths,
	.emits = emits,
	.max_input = MAX_SIZE,
	.parse_file = parse,
};
