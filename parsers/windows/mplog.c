/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The protection log of Microsoft Defender and its predecessors (Windows XP to 11): MPLog-*.log,
 * text in UTF-16LE. Its layout is known from a log of Windows 10 and from what is published of it
 * ("Mind the MPLog"). Lines with a time, and blocks without:
 *
 *   Microsoft Defender Antivirus (GUID) Service Log                   the service started anew
 *   ...Z [Mini-filter] Blocked file: FILE. Process: PROGRAM, Status: 0x0, ... Reason: OnOpen, ...
 *   ...Z [MpRtp] Engine VFZ lofi/sample/expensive: FILE. status=...
 *   ...Z Issuing SDN query for FILE (FILE) (sha1=..., sha2=...)
 *   ... [RTP] [Mini-filter] Blocked file(#4): FILE. ...               since about 2023
 *   BEGIN BM telemetry
 *   ProcessCreationTime:132914036645296064                            FILETIME
 *   ImagePath:C:\Windows\System32\cmd.exe
 *
 * Times are UTC, also those of newer versions that leave out the Z: in published lines of two
 * machines of other zones they agree with clocks outside of the log.
 *
 * A program ran whose process was created at that time, or was waiting for a file that it opened
 * (OnOpen). After it closed one (OnClose) the scan comes later, when the process may be gone.
 *
 * A file was there whose content the engine judged or took a digest of. Volumes are numbered, and
 * a scanned file may be one of a disk that was plugged in: it counts only if, until the service
 * started anew, a program ran from the Windows folder of the same volume, and if it was not of the
 * installation that Windows Setup set aside (Windows.old).
 *
 * Nothing else is taken: lists of performance name programs without a folder, and the slowest file
 * since a time that is not told; a scan that failed may have found the file gone; what a detection
 * lists may stand inside of other files or be of the past; a drive's letter tells no volume; other
 * times are local. The log's span is no coverage, for removals are not recorded in it.
 */
#include <stdio.h>

#include "parsers/base/text.h"
#include "parsers/parser.h"
#include "parsers/windows/log_lines.h"

enum { MAX_SIZE = 256 << 20, MIN_STAMP = 23 };

enum scan_field { SCAN_PATH, SCAN_TIME, SCAN_N_FIELDS };

static const struct trace_field run_fields[] = {
	[SCAN_PATH] = { "path", VALUE_TEXT, ASPECT_PATH, ASPECT_NONE, "Program" },
	[SCAN_TIME] = { "time", VALUE_INSTANT, ASPECT_NONE, ASPECT_NONE, "Ran" },
	[SCAN_N_FIELDS] = { NULL, VALUE_ABSENT, ASPECT_NONE, ASPECT_NONE, NULL },
};

static const struct trace_type run_type = {
	.name = "windows.mplog.run",
	.message = "Defender saw {path} run",
	.fields = run_fields,
};

static const struct trace_field file_fields[] = {
	[SCAN_PATH] = { "path", VALUE_TEXT, ASPECT_PATH, ASPECT_NONE, "File" },
	[SCAN_TIME] = { "time", VALUE_INSTANT, ASPECT_NONE, ASPECT_NONE, "Scanned" },
	[SCAN_N_FIELDS] = { NULL, VALUE_ABSENT, ASPECT_NONE, ASPECT_NONE, NULL },
};

static const struct trace_type file_type = {
	.name = "windows.mplog.file",
	.message = "Defender scanned {path}",
	.fields = file_fields,
};

struct reading {
	struct parse_context *ctx;
	struct text volume; /* of the system, since the service's last start; in ctx->arena */
	struct instant created;
	uint64_t created_at; /* offset of the line that says so */
	bool deleted;
};

/* From the first `head` in text up to `end`; {NULL, 0} when either is missing. */
static struct text between(struct text text, const char *head, const char *end)
{
	const struct text start = log_after(text, head), rest = log_after(start, end);

	if (!rest.data)
		return (struct text){ NULL, 0 };
	return (struct text){ start.data, (size_t)(rest.data - start.data) - strlen(end) };
}

static bool starts_folded(struct text text, struct text head)
{
	return text.size >= head.size &&
	       text_equal_folded((struct text){ text.data, head.size }, head);
}

/* "\Device\HarddiskVolume3" of a path; {NULL, 0} when it names no volume or a shadow copy. */
static struct text volume_of(struct text path)
{
	const struct text head = TEXT("\\Device\\HarddiskVolume");
	size_t size = head.size;

	if (!starts_folded(path, head))
		return (struct text){ NULL, 0 };
	while (size < path.size && path.data[size] >= '0' && path.data[size] <= '9')
		size++;
	if (size == head.size || size == path.size || path.data[size] != '\\')
		return (struct text){ NULL, 0 };
	return (struct text){ path.data, size };
}

static struct text behind_volume(struct text path, struct text volume)
{
	return volume.data ? (struct text){ path.data + volume.size, path.size - volume.size } :
			     (struct text){ NULL, 0 };
}

/* The program whose use of a file had it scanned; {NULL, 0} when it is not known. */
static struct text program_of(struct text line)
{
	const struct text program = between(log_after(line, "[Mini-filter] "), ". Process: ",
					    ", Status: ");

	return volume_of(program).data ? program : (struct text){ NULL, 0 };
}

/* The volume of a program that stands in the Windows folder; {NULL, 0} of others. */
static struct text volume_of_windows(struct text program)
{
	const struct text volume = volume_of(program);

	return starts_folded(behind_volume(program, volume), TEXT("\\Windows\\")) ?
		       volume :
		       (struct text){ NULL, 0 };
}

static bool starts_session(struct text line)
{
	static const char end[] = ") Service Log";
	const size_t size = sizeof(end) - 1;

	return line.size > size && memcmp(line.data + line.size - size, end, size) == 0;
}

/* The volume whose Windows folder programs run from, as far as the service ran on; or {NULL, 0}. */
static struct text find_volume(const struct reading *r, struct log_lines lines)
{
	CLEANUP(arena_free_p) struct arena *arena = arena_new(LIMIT_ARENA);
	struct log_line line;

	while (arena && log_lines_next(&lines, arena, &line) && line.text.data &&
	       !starts_session(line.text)) {
		const struct text volume = volume_of_windows(program_of(line.text));

		if (volume.data)
			return (struct text){ arena_text(r->ctx->arena, volume), volume.size };
		if (arena_used(arena) > LIMIT_TEXT)
			arena_reset(arena);
	}
	return (struct text){ NULL, 0 };
}

static enum status say(const struct reading *r, const struct trace_type *type, struct text path,
		       struct instant time, struct origin origin, struct failure *why)
{
	const struct value values[SCAN_N_FIELDS] = {
		[SCAN_PATH] = value_text(path),
		[SCAN_TIME] = value_instant(time),
	};
	const struct trace trace = {
		.type = type,
		.origin = origin,
		.recovery = r->deleted ? RECOVERY_DELETED : RECOVERY_ALLOCATED,
		.values = values,
	};

	return path.size && wants_path(r->ctx, path) ? emit(r->ctx, &trace, why) : STATUS_OK;
}

/* Whether a path on a volume is of what Windows Setup set aside: another installation's. */
static bool is_set_aside(struct text path)
{
	return starts_folded(path, TEXT("\\Windows.old")) ||
	       starts_folded(path, TEXT("\\$WINDOWS.~"));
}

/* The file whose content the engine read; {NULL, 0} when the line tells of none. */
static struct text file_of(struct text line)
{
	static const struct {
		const char *head, *from, *to;
	} forms[] = {
		{ "[Mini-filter] Blocked file", ": ", ". Process: " },
		{ "[MpRtp] Engine VFZ ", ": ", ". status=" },
		{ "Issuing SDN query for ", "for ", " (\\Device\\" },
	};

	(void)log_starts(line, "[RTP] ", &line);
	(void)log_starts(line, "Engine:", &line);
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
		if (log_starts(line, forms[i].head, NULL))
			return between(line, forms[i].from, forms[i].to);
	return (struct text){ NULL, 0 };
}

/* The time at the start of a line, which *ret_rest is behind; unset when there is none. */
static struct instant stamp_of(struct text line, struct text *ret_rest)
{
	const char *blank = memchr(line.data, ' ', line.size);
	const size_t size = blank ? (size_t)(blank - line.data) : 0;
	struct instant time = instant_parse((struct text){ line.data, size });

	if (size < MIN_STAMP || !instant_is_set(time))
		return (struct instant){ 0 };
	if (time.zone == ZONE_LOCAL)
		time.zone = ZONE_UTC;
	*ret_rest = log_trim((struct text){ line.data + size, line.size - size });
	return time;
}

static enum status read_stamped(const struct reading *r, const struct log_line *line,
				struct instant time, struct text text, struct failure *why)
{
	const struct text file = file_of(text), volume = volume_of(file);
	const struct origin origin = { line->offset, line->size, 0, { NULL, 0 } };
	enum status status = STATUS_OK;

	if (log_after(text, " Reason: OnOpen,").data)
		status = say(r, &run_type, program_of(text), time, origin, why);
	if (status == STATUS_OK && volume.data && text_equal_folded(volume, r->volume) &&
	    !is_set_aside(behind_volume(file, volume)))
		status = say(r, &file_type, file, time, origin, why);
	return status;
}

static enum status read_line(struct reading *r, const struct log_line *line,
			     const struct log_lines *behind, struct failure *why)
{
	struct text rest;
	const struct instant time = stamp_of(line->text, &rest);

	if (instant_is_set(time))
		return read_stamped(r, line, time, rest, why);
	if (starts_session(line->text)) {
		r->volume = find_volume(r, *behind);
	} else if (log_starts(line->text, "BEGIN BM telemetry", NULL)) {
		r->created = (struct instant){ 0 };
	} else if (log_starts(line->text, "ProcessCreationTime:", &rest)) {
		r->created = log_filetime(log_trim(rest));
		r->created_at = line->offset;
	} else if (log_starts(line->text, "ImagePath:", &rest) && instant_is_set(r->created)) {
		const struct origin origin = { r->created_at,
					       line->offset + line->size - r->created_at, 0,
					       { NULL, 0 } };

		return say(r, &run_type, log_trim(rest), r->created, origin, why);
	} else if (log_starts(line->text, "END BM telemetry", NULL)) {
		r->created = (struct instant){ 0 };
	}
	return STATUS_OK;
}

static enum status parse(struct parse_context *ctx, const struct source *source,
			 struct failure *why)
{
	CLEANUP(arena_free_p) struct arena *arena = arena_new(LIMIT_ARENA);
	struct reading reading = { .ctx = ctx, .deleted = source->deleted };
	struct log_lines lines;
	struct log_line line;
	struct span bytes;
	enum status status = stream_load(source->stream, ctx->arena, MAX_SIZE, &bytes, why);

	if (status < 0)
		return status;
	if (!arena)
		return failure_set(why, ERR_NO_MEMORY, "no memory for a log");
	log_lines_init(&lines, bytes);
	reading.volume = find_volume(&reading, lines);
	while (status == STATUS_OK && log_lines_next(&lines, arena, &line)) {
		if (!line.text.data)
			return failure_at(why, ERR_LIMIT, line.offset, "no memory for a line");
		status = read_line(&reading, &line, &lines, why);
		if (arena_used(arena) > LIMIT_TEXT)
			arena_reset(arena);
	}
	return status;
}

static const char *const paths[] = {
	"/ProgramData/Microsoft/Windows Defender/Support/MPLog-*.log",
	"/ProgramData/Microsoft/Microsoft Antimalware/Support/MPLog-*.log",
	"/Documents and Settings/All Users/Application Data/Microsoft/Microsoft Antimalware/"
	"Support/MPLog-*.log",
	NULL,
};
static const struct trace_type *const emits[] = { &run_type, &file_type, NULL };

const struct parser mplog_parser = {
	.name = "windows.mplog",
	.title = "Protection log of Microsoft Defender",
	.versions = "Windows XP to 11",
	.asserts = "The program ran, or the file was there and scanned, at this time.",
	.paths = paths,
	.emits = emits,
	.max_input = MAX_SIZE,
	.parse_file = parse,
};
