/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Driver packages that were added to Windows (2000 to 11): Windows\INF\oem<n>.inf, the copy of the
 * package's INF file. Microsoft, "INF Version Section" and "INF Strings Section":
 *
 *   [Version]  Provider=%Name%  Class=...  DriverVer=MM/DD/YYYY,a.b.c.d  CatalogFile=...
 *   [Strings]  Name="..."
 *
 * The copy goes with the package, so one that stands is a leftover, as acquired. DriverVer is of
 * the build. The first section of strings is taken, whatever its language.
 */
#include <stdio.h>

#include "parsers/base/text.h"
#include "parsers/parser.h"
#include "parsers/windows/log_lines.h"

enum { MAX_SIZE = 16 << 20, MAX_STRINGS = 4096 };

enum package_field {
	PACKAGE_PATH,
	PACKAGE_PROVIDER,
	PACKAGE_CLASS,
	PACKAGE_VERSION,
	PACKAGE_CATALOG,
	PACKAGE_N_FIELDS,
};

static const struct trace_field package_fields[] = {
	[PACKAGE_PATH] = { "path", VALUE_TEXT, ASPECT_PATH, ASPECT_NONE, "INF file" },
	[PACKAGE_PROVIDER] = { "provider", VALUE_TEXT, ASPECT_PUBLISHER, ASPECT_NONE, "Provider" },
	[PACKAGE_CLASS] = { "class", VALUE_TEXT, ASPECT_NONE, ASPECT_NONE, "Class" },
	[PACKAGE_VERSION] = { "version", VALUE_TEXT, ASPECT_NONE, ASPECT_NONE,
			      "Date and version of the build" },
	[PACKAGE_CATALOG] = { "catalog", VALUE_TEXT, ASPECT_NONE, ASPECT_NONE, "Catalog" },
	[PACKAGE_N_FIELDS] = { NULL, VALUE_ABSENT, ASPECT_NONE, ASPECT_NONE, NULL },
};

static const struct trace_type package_type = {
	.name = "windows.driver-package",
	.message = "{path} is a driver package of {provider} ({catalog})",
	.fields = package_fields,
};

static const struct {
	const char *name;
	enum package_field field;
} kept[] = {
	{ "Provider", PACKAGE_PROVIDER },
	{ "Class", PACKAGE_CLASS },
	{ "DriverVer", PACKAGE_VERSION },
	{ "CatalogFile", PACKAGE_CATALOG },
	{ "CatalogFile.NT", PACKAGE_CATALOG },
	{ "CatalogFile.NTx86", PACKAGE_CATALOG },
	{ "CatalogFile.NTamd64", PACKAGE_CATALOG },
};

struct entry {
	struct text name, value;
};

struct package {
	struct entry strings[MAX_STRINGS];
	size_t n_strings;
	struct text values[PACKAGE_N_FIELDS]; /* as written */
};

enum section { SECTION_OTHER, SECTION_VERSION, SECTION_STRINGS };

/* The part before a comment; a semicolon in quotes starts none. */
static struct text without_comment(struct text line)
{
	bool quoted = false;

	for (size_t i = 0; i < line.size; i++) {
		quoted ^= line.data[i] == '"';
		if (line.data[i] == ';' && !quoted)
			line.size = i;
	}
	return log_trim(line);
}

static struct text without_quotes(struct text text)
{
	if (text.size >= 2 && text.data[0] == '"' && text.data[text.size - 1] == '"')
		return (struct text){ text.data + 1, text.size - 2 };
	return text;
}

/* "name = value"; false when the line is none. */
static bool split_entry(struct text line, struct entry *ret)
{
	const char *equals = memchr(line.data, '=', line.size);

	if (!equals)
		return false;
	ret->name = log_trim((struct text){ line.data, (size_t)(equals - line.data) });
	ret->value = without_quotes(log_trim(
		(struct text){ equals + 1, line.size - (size_t)(equals - line.data) - 1 }));
	return ret->name.size > 0;
}

static enum section section_of(struct text line)
{
	const struct text name = { line.data + 1, line.size - 2 };

	if (text_equal_folded(name, TEXT("Version")))
		return SECTION_VERSION;
	/* [Strings.0409] is the same in another language. */
	if (name.size >= 7 && text_equal_folded((struct text){ name.data, 7 }, TEXT("Strings")))
		return SECTION_STRINGS;
	return SECTION_OTHER;
}

static void keep_entry(struct package *p, enum section section, const struct entry *entry)
{
	if (section == SECTION_STRINGS && p->n_strings < MAX_STRINGS)
		p->strings[p->n_strings++] = *entry;
	for (size_t i = 0; section == SECTION_VERSION && i < sizeof(kept) / sizeof(*kept); i++)
		if (text_equal_folded(entry->name, text_of(kept[i].name)) &&
		    !p->values[kept[i].field].data)
			p->values[kept[i].field] = entry->value;
}

/* "%Name%" is what the strings give for Name. */
static struct text resolve(const struct package *p, struct text value)
{
	if (value.size < 3 || value.data[0] != '%' || value.data[value.size - 1] != '%')
		return value;

	const struct text name = { value.data + 1, value.size - 2 };

	for (size_t i = 0; i < p->n_strings; i++)
		if (text_equal_folded(p->strings[i].name, name))
			return p->strings[i].value;
	return value;
}

static enum status read_lines(struct parse_context *ctx, struct span bytes, struct package *p,
			      struct failure *why)
{
	enum section section = SECTION_OTHER;
	struct log_lines lines;
	struct log_line line;
	struct entry entry;

	log_lines_init(&lines, bytes);
	while (log_lines_next(&lines, ctx->arena, &line)) {
		if (!line.text.data)
			return failure_at(why, ERR_LIMIT, line.offset, "no memory for a line");

		const struct text text = without_comment(line.text);

		if (text.size >= 2 && text.data[0] == '[' && text.data[text.size - 1] == ']')
			section = section_of(text);
		else if (section != SECTION_OTHER && split_entry(text, &entry))
			keep_entry(p, section, &entry);
	}
	return STATUS_OK;
}

static enum status parse(struct parse_context *ctx, const struct source *source,
			 struct failure *why)
{
	struct package *p = arena_alloc(ctx->arena, sizeof(*p));
	struct value values[PACKAGE_N_FIELDS] = { 0 };
	struct span bytes;
	enum status status = stream_load(source->stream, ctx->arena, MAX_SIZE, &bytes, why);

	if (status == STATUS_OK && !p)
		status = failure_set(why, ERR_LIMIT, "no memory for a driver package");
	if (status == STATUS_OK)
		status = read_lines(ctx, bytes, p, why);
	if (status < 0)
		return status;
	if (!p->values[PACKAGE_PROVIDER].size)
		return STATUS_DECLINED;
	for (size_t i = 0; i < PACKAGE_N_FIELDS; i++)
		values[i] = value_text(resolve(p, p->values[i]));
	values[PACKAGE_PATH] = value_text(text_of(source->path));

	const struct trace trace = {
		.type = &package_type,
		.origin = { 0, bytes.size, 0, { NULL, 0 } },
		.recovery = source->deleted ? RECOVERY_DELETED : RECOVERY_ALLOCATED,
		.values = values,
	};
	return emit(ctx, &trace, why);
}

static const char *const paths[] = { "/Windows/INF/oem*.inf", "/WINNT/INF/oem*.inf", NULL };
static const struct trace_type *const emits[] = { &package_type, NULL };

const struct parser driver_package_parser = {
	.name = "windows.driver-package",
	.title = "Driver packages added to Windows",
	.versions = "Windows 2000 to 11",
	.asserts = "A driver package of this provider stands.",
	.paths = paths,
	.emits = emits,
	.max_input = MAX_SIZE,
	.parse_file = parse,
};
