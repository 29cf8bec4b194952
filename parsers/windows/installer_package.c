/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The packages that Windows Installer keeps of what it installed (all versions of Windows since
 * 2000): Windows\Installer\<number>.msi, an OLE compound file read by libolecf. The copy goes with
 * the product's removal; one that stands says that the product is registered, as acquired. No time:
 * the dates inside are those of the package's making.
 *
 * Summary information (Microsoft, "Summary Information Stream"): 2 title, 3 subject, 4 author,
 * 9 revision: the package code. Database (layout as msitools' libmsi reads it): the name of a
 * table's stream is U+4840, then two letters of [0-9A-Za-z._] in each character from U+3800 on
 * (first + 64 * second), a last single one from U+4800 on.
 *
 *   _StringPool: 4 code page, top bit: references of 3 bytes instead of 2; then for each string
 *   2 size  2 uses; size 0 with uses: the next 4 bytes are the size. _StringData: the strings.
 *   Property: all references to names, then as many to values; reference 0 is no string.
 */
#include <stdio.h>

#include <libbfio.h>
#include <libolecf.h>

#include "parsers/base/cursor.h"
#include "parsers/base/text.h"
#include "parsers/parser.h"
#include "parsers/stream/library_stream.h"

enum {
	MAX_STREAM = 16 << 20, /* bytes of one table */
	MAX_SUMMARY_TEXT = 64 << 10,
	CODEPAGE_WESTERN = 1252,
};

/* Names of streams as libolecf gives them, in UTF-8; see above. */
#define NAME_PROPERTY "\u4840\u4559\u44f2\u4568\u4737"
#define NAME_STRING_POOL "\u4840\u3f3f\u4577\u446c\u3e6a\u44b2\u482f"
#define NAME_STRING_DATA "\u4840\u3f3f\u4577\u446c\u3b6a\u45e4\u4824"
#define NAME_SUMMARY "\005SummaryInformation"

enum package_field {
	PACKAGE_PATH,
	PACKAGE_NAME,
	PACKAGE_VERSION,
	PACKAGE_PUBLISHER,
	PACKAGE_CODE,
	PACKAGE_UPGRADE_CODE,
	PACKAGE_PACKAGE_CODE,
	PACKAGE_TITLE,
	PACKAGE_SUBJECT,
	PACKAGE_N_FIELDS,
};

static const struct trace_field package_fields[] = {
	[PACKAGE_PATH] = { "path", VALUE_TEXT, ASPECT_PATH, ASPECT_NONE, "Package" },
	[PACKAGE_NAME] = { "name", VALUE_TEXT, ASPECT_PROGRAM, ASPECT_NONE, "Product" },
	[PACKAGE_VERSION] = { "version", VALUE_TEXT, ASPECT_VERSION, ASPECT_NONE, "Version" },
	[PACKAGE_PUBLISHER] = { "publisher", VALUE_TEXT, ASPECT_PUBLISHER, ASPECT_NONE,
				"Publisher" },
	[PACKAGE_CODE] = { "code", VALUE_TEXT, ASPECT_PRODUCT_CODE, ASPECT_NONE, "Product code" },
	[PACKAGE_UPGRADE_CODE] = { "upgrade_code", VALUE_TEXT, ASPECT_UPGRADE_CODE, ASPECT_NONE,
				   "Upgrade code" },
	[PACKAGE_PACKAGE_CODE] = { "package_code", VALUE_TEXT, ASPECT_NONE, ASPECT_NONE,
				   "Package code" },
	[PACKAGE_TITLE] = { "title", VALUE_TEXT, ASPECT_NONE, ASPECT_NONE, "Title" },
	[PACKAGE_SUBJECT] = { "subject", VALUE_TEXT, ASPECT_NONE, ASPECT_NONE, "Subject" },
	[PACKAGE_N_FIELDS] = { NULL, VALUE_ABSENT, ASPECT_NONE, ASPECT_NONE, NULL },
};

static const struct trace_type package_type = {
	.name = "windows.msi.package",
	.message = "Windows Installer keeps the package of {name} {version} ({code})",
	.fields = package_fields,
};

struct package {
	struct parse_context *ctx;
	const struct source *source;
	library_handle *bfio, *file, *root;
	struct value values[PACKAGE_N_FIELDS];
};

/* The content of a stream in the arena; STATUS_END when there is no such stream. */
static enum status read_stream(const struct package *p, const char *name, struct span *ret,
			       struct failure *why)
{
	library_handle *item = NULL, *error = NULL;
	uint32_t size = 0;
	uint8_t *data = NULL;
	const int found = libolecf_item_get_sub_item_by_utf8_name(
		p->root, (const uint8_t *)name, strlen(name), &item, &error);
	enum status status = STATUS_OK;

	if (found == 0)
		return STATUS_END;
	if (found < 0 || libolecf_item_get_size(item, &size, &error) != 1)
		status = failure_from_library(why, ERR_FORMAT, &error, "find a table");
	else if (size > MAX_STREAM)
		status = failure_set(why, ERR_LIMIT, "table of %u bytes", size);
	else if (!(data = arena_alloc(p->ctx->arena, (size_t)size + 1)))
		status = failure_set(why, ERR_LIMIT, "no memory for a table of %u bytes", size);
	else if (size && libolecf_stream_read_buffer(item, data, size, &error) != (ssize_t)size)
		status = failure_from_library(why, ERR_FORMAT, &error, "read a table");
	if (item)
		(void)libolecf_item_free(&item, NULL);
	libolecf_error_free(&error); /* libolecf sets one where it succeeds after all */
	*ret = span_of(data, size);
	return status;
}

/* The strings of the database; number 0 is none. */
struct strings {
	struct span *items;
	size_t n;
	size_t reference; /* bytes */
	uint32_t codepage;
};

static enum status split_strings(struct arena *arena, struct span pool, struct span data,
				 struct strings *ret, struct failure *why)
{
	size_t offset = 0;

	*ret = (struct strings){ .items = arena_array(arena, pool.size / 4, sizeof(struct span)),
				 .n = 1,
				 .reference = span_u32le(pool, 0) >> 31 ? 3 : 2,
				 .codepage = span_u32le(pool, 0) & 0x7fffffff };
	if (pool.size < 4)
		return failure_set(why, ERR_TRUNCATED, "string pool of %zu bytes", pool.size);
	if (!ret->items)
		return failure_set(why, ERR_LIMIT, "no memory for the strings");
	for (size_t at = 4; at + 4 <= pool.size; at += 4) {
		size_t size = span_u16le(pool, at);

		if (size == 0 && span_u16le(pool, at + 2) > 0) {
			at += 4;
			size = span_u32le(pool, at);
		}
		ret->items[ret->n++] = span_part(data, offset, size);
		if (size > data.size - offset)
			return failure_set(why, ERR_TRUNCATED, "string %zu of %zu bytes", ret->n - 1,
					   size);
		offset += size;
	}
	return STATUS_OK;
}

static struct span find_string(const struct strings *strings, uint32_t number)
{
	return number < strings->n ? strings->items[number] : span_of(NULL, 0);
}

/* Letters of a code page that is not read become U+FFFD: never another letter. */
static struct text string_text(struct arena *arena, const struct strings *strings, struct span bytes)
{
	return strings->codepage == CODEPAGE_WESTERN ? text_from_latin1(arena, bytes) :
						       text_from_utf8(arena, bytes, NULL);
}

static uint32_t reference_at(struct span table, size_t index, size_t size)
{
	const size_t at = index * size;

	return span_u16le(table, at) | (size == 3 ? (uint32_t)table.data[at + 2] << 16 : 0);
}

static void keep_property(struct package *p, const struct strings *strings, struct span name,
			  uint32_t value)
{
	static const struct {
		const char *name;
		enum package_field field;
	} kept[] = {
		{ "ProductName", PACKAGE_NAME },	 { "ProductVersion", PACKAGE_VERSION },
		{ "Manufacturer", PACKAGE_PUBLISHER },	 { "ProductCode", PACKAGE_CODE },
		{ "UpgradeCode", PACKAGE_UPGRADE_CODE },
	};

	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
		if (name.size == strlen(kept[i].name) &&
		    memcmp(name.data, kept[i].name, name.size) == 0) {
			const struct span bytes = find_string(strings, value);

			if (bytes.size)
				p->values[kept[i].field] =
					value_text(string_text(p->ctx->arena, strings, bytes));
		}
}

static enum status read_properties(struct package *p, struct failure *why)
{
	struct span pool, data, table;
	struct strings strings;
	enum status status = read_stream(p, NAME_STRING_POOL, &pool, why);

	if (status == STATUS_OK)
		status = read_stream(p, NAME_STRING_DATA, &data, why);
	if (status == STATUS_OK)
		status = read_stream(p, NAME_PROPERTY, &table, why);
	if (status == STATUS_OK)
		status = split_strings(p->ctx->arena, pool, data, &strings, why);
	if (status != STATUS_OK)
		return status;

	const size_t n = table.size / strings.reference / 2;

	for (size_t i = 0; i < n; i++) {
		const struct span name =
			find_string(&strings, reference_at(table, i, strings.reference));

		if (name.size)
			keep_property(p, &strings, name,
				      reference_at(table, n + i, strings.reference));
	}
	return STATUS_OK;
}

/* The text of a property of the summary; absent when there is none. */
static struct value summary_text(struct arena *arena, library_handle *value)
{
	size_t size = 0;
	uint8_t *data;

	if (libolecf_property_value_get_data_as_utf8_string_size(value, &size, NULL) != 1 ||
	    size < 2 || size > MAX_SUMMARY_TEXT)
		return (struct value){ 0 };
	data = arena_alloc(arena, size);
	if (!data ||
	    libolecf_property_value_get_data_as_utf8_string(value, data, size, NULL) != 1)
		return (struct value){ 0 };
	return value_text(text_from_utf8(arena, span_of(data, size - 1), NULL));
}

static void keep_summary(struct package *p, library_handle *section)
{
	static const struct {
		uint32_t id;
		enum package_field field;
	} kept[] = {
		{ 2, PACKAGE_TITLE },
		{ 3, PACKAGE_SUBJECT },
		{ 4, PACKAGE_PUBLISHER }, /* where the table of properties does not say */
		{ 9, PACKAGE_PACKAGE_CODE },
	};

	for (int i = 0, n = 0; i < 256; i++) {
		library_handle *value = NULL;
		uint32_t id = 0;

		if (libolecf_property_section_get_number_of_properties(section, &n, NULL) != 1 ||
		    i >= n ||
		    libolecf_property_section_get_property_by_index(section, i, &value, NULL) != 1)
			break;
		(void)libolecf_property_value_get_identifier(value, &id, NULL);
		for (size_t k = 0; k < sizeof(kept) / sizeof(*kept); k++)
			if (kept[k].id == id && p->values[kept[k].field].kind == VALUE_ABSENT)
				p->values[kept[k].field] = summary_text(p->ctx->arena, value);
		(void)libolecf_property_value_free(&value, NULL);
	}
}

static void read_summary(struct package *p)
{
	library_handle *item = NULL, *set = NULL, *section = NULL;

	if (libolecf_item_get_sub_item_by_utf8_name(p->root, (const uint8_t *)NAME_SUMMARY,
						    sizeof(NAME_SUMMARY) - 1, &item, NULL) == 1 &&
	    libolecf_property_set_stream_get_set(item, &set, NULL) == 1 &&
	    libolecf_property_set_get_section_by_index(set, 0, &section, NULL) == 1)
		keep_summary(p, section);
	else
		note(p->ctx, FAILURE_NO_OFFSET, "no summary information in the package");
	if (section)
		(void)libolecf_property_section_free(&section, NULL);
	if (set)
		(void)libolecf_property_set_free(&set, NULL);
	if (item)
		(void)libolecf_item_free(&item, NULL);
}

static enum status emit_package(struct package *p, struct failure *why)
{
	bool any = false;

	for (size_t i = 0; i < PACKAGE_N_FIELDS; i++)
		any |= p->values[i].kind != VALUE_ABSENT;
	if (!any)
		return STATUS_OK;
	p->values[PACKAGE_PATH] = value_text(text_of(p->source->path));

	const struct trace trace = {
		.type = &package_type,
		/* Streams are scattered over sectors: the whole file is named. */
		.origin = { 0, p->source->stream->size, 0, TEXT("table Property") },
		.recovery = p->source->deleted ? RECOVERY_DELETED : RECOVERY_ALLOCATED,
		.values = p->values,
	};
	return emit(p->ctx, &trace, why);
}

static enum status read_package(struct package *p, struct failure *why)
{
	library_handle *error = NULL;
	enum status status = bfio_over_stream(p->source->stream, &p->bfio, why);

	if (status < 0)
		return status;
	if (libolecf_file_initialize(&p->file, &error) != 1 ||
	    libolecf_file_open_file_io_handle(p->file, p->bfio, LIBOLECF_OPEN_READ, &error) != 1 ||
	    libolecf_file_get_root_item(p->file, &p->root, &error) != 1)
		return failure_from_library(why, ERR_FORMAT, &error, "open the package");
	libolecf_error_free(&error); /* libolecf sets one where it succeeds after all */
	status = read_properties(p, why);
	if (status < 0)
		lost(p->ctx, FAILURE_NO_OFFSET, "table Property: %s", why->text);
	else if (status == STATUS_END)
		note(p->ctx, FAILURE_NO_OFFSET, "no table Property in the package");
	read_summary(p);
	return emit_package(p, why);
}

static enum status parse(struct parse_context *ctx, const struct source *source,
			 struct failure *why)
{
	static const uint8_t signature[8] = { 0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1 };
	struct package package = { .ctx = ctx, .source = source };
	uint8_t head[30] = { 0 };
	enum status status;

	if (source->stream->size < sizeof(head))
		return STATUS_DECLINED;
	status = stream_read(source->stream, 0, head, sizeof(head), why);
	if (status < 0)
		return status;
	/* At 28 the mark of byte order. */
	if (memcmp(head, signature, sizeof(signature)) != 0 || head[28] != 0xfe || head[29] != 0xff)
		return STATUS_DECLINED;
	status = read_package(&package, why);
	if (package.root)
		(void)libolecf_item_free(&package.root, NULL);
	if (package.file)
		(void)libolecf_file_free(&package.file, NULL);
	bfio_free(package.bfio);
	return status;
}

static const char *const paths[] = { "/Windows/Installer/*.msi", "/WINNT/Installer/*.msi", NULL };
static const struct trace_type *const emits[] = { &package_type, NULL };

const struct parser installer_package_parser = {
	.name = "windows.msi",
	.title = "Packages kept by Windows Installer",
	.versions = "Windows 2000 to 11",
	.asserts = "The package is registered, as acquired; no time.",
	.paths = paths,
	.emits = emits,
	.max_input = UINT32_MAX,
	.parse_file = parse,
};
