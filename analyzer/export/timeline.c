/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/export/timeline.h"

#include <inttypes.h>
#include <jansson.h>

/* One time of one trace. */
struct row {
	const struct case_trace *trace;
	size_t field;
	struct instant at;
};

struct line {
	const struct row *row;
	struct text message;
	const char *path;    /* of the source */
	const char *label;   /* what the time is */
	const char *at;      /* RFC 3339 */
	const char *host;
	const char *type;
	const char *state;   /* recovery */
	uint64_t entry;
};

struct timeline_format {
	const char *name;
	const char *heading; /* NULL: none */
	void (*write)(const struct line *line, FILE *out);
};

static void put_text(FILE *out, struct text t)
{
	fwrite(t.data, 1, t.size, out);
}

static void write_text(const struct line *l, FILE *out)
{
	fprintf(out, "%-28s %-22s %s: ", l->at, l->type, l->label);
	put_text(out, l->message);
	fprintf(out, " [%s, %s]\n", l->path, l->state);
}

/* RFC 4180: quotes doubled, every field quoted; a leading '=' or the like gets an apostrophe. */
static void put_csv(FILE *out, const char *data, size_t size, bool last)
{
	fputc('"', out);
	if (size && strchr("=+-@", data[0]))
		fputc('\'', out);
	for (size_t i = 0; i < size; i++) {
		if (data[i] == '"')
			fputc('"', out);
		fputc(data[i] == '\n' || data[i] == '\r' ? ' ' : data[i], out);
	}
	fputs(last ? "\"\n" : "\",", out);
}

static void put_csv_string(FILE *out, const char *string, bool last)
{
	put_csv(out, string, strlen(string), last);
}

static void write_csv(const struct line *l, FILE *out)
{
	put_csv_string(out, l->at, false);
	put_csv_string(out, l->label, false);
	put_csv_string(out, l->type, false);
	put_csv(out, l->message.data, l->message.size, false);
	put_csv_string(out, l->host, false);
	put_csv_string(out, l->path, false);
	put_csv(out, l->row->trace->trace.origin.address.data ?
			     l->row->trace->trace.origin.address.data : "",
		l->row->trace->trace.origin.address.size, false);
	put_csv_string(out, l->state, true);
}

static int64_t microseconds(struct instant at)
{
	return (at.ticks - TICKS_UNIX_EPOCH) / 10;
}

static int64_t seconds(struct instant at)
{
	return (at.ticks - TICKS_UNIX_EPOCH) / TICKS_PER_SECOND;
}

/* What Timesketch asks of JSON lines: message, datetime, timestamp_desc; the rest are extras. */
static void write_jsonl(const struct line *l, FILE *out)
{
	const struct origin *o = &l->row->trace->trace.origin;
	json_t *object = json_pack(
		"{s:s#,s:s,s:s,s:I,s:s,s:s,s:s,s:s,s:I,s:I,s:I}", "message", l->message.data,
		(int)l->message.size, "datetime", l->at, "timestamp_desc", l->label, "timestamp",
		(json_int_t)microseconds(l->row->at), "data_type", l->type, "hostname", l->host,
		"source_path", l->path, "recovery", l->state, "offset", (json_int_t)o->offset,
		"size", (json_int_t)o->size, "entry", (json_int_t)l->entry);

	if (object && o->address.size)
		json_object_set_new(object, "address",
				    json_stringn(o->address.data, o->address.size));
	if (object && json_dumpf(object, out, JSON_COMPACT | JSON_SORT_KEYS) == 0)
		fputc('\n', out);
	json_decref(object);
}

/* Names may hold the field separator: written as an escape so that a row stays a row. */
static void put_piped(FILE *out, struct text t)
{
	for (size_t i = 0; i < t.size; i++) {
		if (t.data[i] == '|')
			fputs("%7C", out);
		else
			fputc(t.data[i] == '\n' || t.data[i] == '\r' ? ' ' : t.data[i], out);
	}
}

/* bodyfile 3: MD5|name|inode|mode|UID|GID|size|atime|mtime|ctime|crtime; one time, as mtime. */
static void write_bodyfile(const struct line *l, FILE *out)
{
	fputs("0|", out);
	put_piped(out, l->message);
	fprintf(out, " (%s)|%" PRIu64 "|0|0|0|0|-1|%" PRId64 "|-1|-1\n", l->label, l->entry,
		seconds(l->row->at));
}

static void write_tln(const struct line *l, FILE *out)
{
	fprintf(out, "%" PRId64 "|%s|%s||", seconds(l->row->at), l->type, l->host);
	put_piped(out, l->message);
	fprintf(out, " (%s)\n", l->label);
}

/* The 17 columns of log2timeline's old CSV. */
static void write_l2tcsv(const struct line *l, FILE *out)
{
	const struct civil c = civil_from_ticks(l->row->at.ticks);

	fprintf(out, "%02d/%02d/%04d,%02d:%02d:%02d,%s,....,AVOUCH,", c.month, c.day, c.year, c.hour,
		c.minute, c.second, l->row->at.zone == ZONE_LOCAL ? "local" : "UTC");
	put_csv_string(out, l->type, false);
	put_csv_string(out, l->label, false);
	put_csv_string(out, "-", false);
	put_csv_string(out, l->host, false);
	put_csv(out, l->message.data, l->message.size, false);
	put_csv(out, l->message.data, l->message.size, false);
	fputs("2,", out);
	put_csv_string(out, l->path, false);
	fprintf(out, "%" PRIu64 ",-,avouch,", l->entry);
	put_csv_string(out, l->state, true);
}

static const struct timeline_format formats[] = {
	{ "text", NULL, write_text },
	{ "csv", "datetime,timestamp_desc,type,message,host,source,address,recovery", write_csv },
	{ "jsonl", NULL, write_jsonl },
	{ "timesketch", NULL, write_jsonl },
	{ "bodyfile", NULL, write_bodyfile },
	{ "tln", NULL, write_tln },
	{ "l2tcsv", "date,time,timezone,MACB,source,sourcetype,type,user,host,short,desc,version,"
		    "filename,inode,notes,format,extra", write_l2tcsv },
};

const struct timeline_format *timeline_format_find(const char *name)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (strcmp(formats[i].name, name) == 0)
			return &formats[i];
	return NULL;
}

static int in_order(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->at.ticks != y->at.ticks)
		return x->at.ticks < y->at.ticks ? -1 : 1;
	if (x->trace->id != y->trace->id)
		return x->trace->id < y->trace->id ? -1 : 1;
	return (x->field > y->field) - (x->field < y->field);
}

static size_t rows_of(const struct case_trace *trace, struct row *rows)
{
	size_t n = 0;

	for (size_t f = 0; trace->trace.type->fields[f].name; f++) {
		const struct value *v = &trace->trace.values[f];

		if (v->kind != VALUE_INSTANT || !instant_is_set(v->instant))
			continue;
		if (rows)
			rows[n] = (struct row){ trace, f, v->instant };
		n++;
	}
	return n;
}

/* What the time is. No format but one has a column for a zone: a local time says so here. */
static const char *label_of(struct arena *arena, const struct row *row)
{
	const char *label = row->trace->trace.type->fields[row->field].label;

	return row->at.zone == ZONE_LOCAL ? arena_printf(arena, "%s, local time", label) : label;
}

static const struct case_source *source_of(const struct case_contents *c, int64_t id)
{
	for (size_t i = 0; i < c->n_sources; i++)
		if (c->sources[i].id == id)
			return &c->sources[i];
	return NULL;
}

/*
 * The name of the system on a volume, by the hive with the shortest path: others are copies of it, or
 * of a Windows that was there before. NULL when none is known.
 */
static const char *host_on(struct arena *arena, const struct case_contents *c, int64_t volume)
{
	struct text name = { NULL, 0 };
	size_t shortest = SIZE_MAX;

	for (size_t i = 0; i < c->n_traces; i++) {
		const struct trace *t = &c->traces[i].trace;
		const struct case_source *source;

		if (strcmp(t->type->name, "windows.system.name") != 0 ||
		    trace_text(t, "hostname").size == 0)
			continue;
		source = source_of(c, c->traces[i].source);
		if (!source || source->volume != volume || strlen(source->path) >= shortest)
			continue;
		shortest = strlen(source->path);
		name = trace_text(t, "hostname");
	}
	return name.size ? arena_text(arena, name) : NULL;
}

/*
 * For each volume of the case the name of the system it belongs to: the one on it, or on the volume
 * that it is a shadow copy of, or the only one there is.
 */
static const char **hosts_of(struct arena *arena, const struct case_contents *c)
{
	const char **hosts = arena_array(arena, c->n_volumes + 1, sizeof(*hosts));
	const char *only = NULL;
	bool several = false;

	for (size_t i = 0; hosts && i < c->n_volumes; i++) {
		const struct case_volume *v = &c->volumes[i];

		hosts[i] = host_on(arena, c, v->snapshot_of ? v->snapshot_of : v->id);
		several |= only && hosts[i] && strcmp(only, hosts[i]) != 0;
		only = only ? only : hosts[i];
	}
	for (size_t i = 0; hosts && i < c->n_volumes; i++)
		if (!hosts[i])
			hosts[i] = only && !several ? only : "-";
	return hosts;
}

static const char *host_of(const char **hosts, const struct case_contents *c, int64_t volume)
{
	for (size_t i = 0; i < c->n_volumes; i++)
		if (c->volumes[i].id == volume)
			return hosts[i];
	return "-";
}

enum status timeline_write(struct arena *arena, const struct case_contents *contents,
			   const struct timeline_format *format, FILE *out, struct failure *why)
{
	const char **hosts = hosts_of(arena, contents);
	size_t n = 0, used = 0;

	for (size_t i = 0; i < contents->n_traces; i++)
		n += rows_of(&contents->traces[i], NULL);

	struct row *rows = arena_array(arena, n + 1, sizeof(*rows));

	if (!rows || !hosts)
		return failure_set(why, ERR_NO_MEMORY, "%zu rows", n);
	for (size_t i = 0; i < contents->n_traces; i++)
		used += rows_of(&contents->traces[i], &rows[used]);
	qsort(rows, used, sizeof(*rows), in_order);
	if (format->heading)
		fprintf(out, "%s\n", format->heading);
	for (size_t i = 0; i < used; i++) {
		const struct case_source *source = source_of(contents, rows[i].trace->source);
		char at[INSTANT_TEXT_SIZE];
		const struct line line = {
			.row = &rows[i],
			.message = trace_message(arena, &rows[i].trace->trace),
			.path = source ? source->path : "-",
			.label = label_of(arena, &rows[i]),
			.at = instant_format(rows[i].at, at),
			.host = source ? host_of(hosts, contents, source->volume) : "-",
			.type = rows[i].trace->trace.type->name,
			.state = recovery_name(rows[i].trace->trace.recovery),
			.entry = source ? source->entry : 0,
		};

		if (!line.message.data || !line.label)
			return failure_set(why, ERR_NO_MEMORY, "row %zu", i);
		format->write(&line, out);
	}
	return ferror(out) ? failure_set(why, ERR_IO, "writing the timeline") : STATUS_OK;
}
