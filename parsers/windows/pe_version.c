/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What programs and drivers that signatures name say of themselves (all Windows versions): the
 * strings of the version resource, and whose certificate signs the file. Microsoft, "PE Format"
 * (headers, .rsrc section, attribute certificate table) and VS_VERSIONINFO (verrsrc.h).
 *
 *  60 4 offset of "PE\0\0", then the file header:  6 2 count of sections  20 2 size of the
 *  optional header; at 24 that header: magic 0x10b (directories from 96) or 0x20b (from 112)
 *  Directory 2 (address, size): resources. Directory 4 (file offset, size): certificates.
 *  Section, 40 bytes:  8 4 size in memory  12 4 address  16 4 size in the file  20 4 offset there
 *  Resource directory:  12 2 entries by name  14 2 by number, then 8 bytes each: number, and an
 *  offset whose top bit says directory; type 16, first name, first language, then 4 4 bytes:
 *  address, size of VS_VERSIONINFO: nested blocks, each 2 size 2 size of its value 2 kind, name
 *  in UTF-16LE, value and inner blocks on 4 byte borders.
 *  Certificate: 4 size  2 revision  2 type (2: PKCS #7 SignedData), then its bytes.
 *
 * State as acquired, no time: the link time in the header is that of the build. The signature is
 * not verified: the signer is who the file names. A file without a version resource says nothing,
 * nor does one that Windows keeps compressed by its overlay filter (CompactOS): it reads as zeros.
 */
#include <stdio.h>

#include "parsers/base/cursor.h"
#include "parsers/base/text.h"
#include "parsers/parser.h"
#include "parsers/windows/signer.h"

enum {
	HEADER_OFFSET = 60,
	FILE_HEADER = 24, /* with the signature before it */
	SECTION = 40,
	MAX_SECTIONS = 96,
	DIRECTORY_RESOURCE = 2,
	DIRECTORY_CERTIFICATE = 4,
	TYPE_VERSION = 16, /* RT_VERSION */
	MAX_RESOURCE_ENTRIES = 4096,
	MAX_VERSION = 64 << 10,
	MAX_CERTIFICATE = 1 << 20,
	CERTIFICATE_HEADER = 8,
	CERTIFICATE_PKCS7 = 2,
};

enum version_field {
	VERSION_PATH,
	VERSION_PRODUCT,
	VERSION_COMPANY,
	VERSION_PRODUCT_VERSION,
	VERSION_FILE_VERSION,
	VERSION_DESCRIPTION,
	VERSION_ORIGINAL_NAME,
	VERSION_FIXED,
	VERSION_SIGNER,
	VERSION_N_FIELDS,
};

static const struct trace_field version_fields[] = {
	[VERSION_PATH] = { "path", VALUE_TEXT, ASPECT_PATH, ASPECT_NONE, "File" },
	[VERSION_PRODUCT] = { "product", VALUE_TEXT, ASPECT_FILE_PRODUCT, ASPECT_NONE, "Product" },
	[VERSION_COMPANY] = { "company", VALUE_TEXT, ASPECT_FILE_COMPANY, ASPECT_NONE, "Company" },
	[VERSION_PRODUCT_VERSION] = { "version", VALUE_TEXT, ASPECT_VERSION, ASPECT_NONE,
				      "Version of the product" },
	[VERSION_FILE_VERSION] = { "file_version", VALUE_TEXT, ASPECT_NONE, ASPECT_NONE,
				   "Version of the file" },
	[VERSION_DESCRIPTION] = { "description", VALUE_TEXT, ASPECT_NONE, ASPECT_NONE,
				  "Description" },
	[VERSION_ORIGINAL_NAME] = { "original_name", VALUE_TEXT, ASPECT_NONE, ASPECT_NONE,
				    "Name at the build" },
	[VERSION_FIXED] = { "fixed_version", VALUE_TEXT, ASPECT_NONE, ASPECT_NONE,
			    "Version in numbers" },
	[VERSION_SIGNER] = { "signer", VALUE_TEXT, ASPECT_CERTIFICATE, ASPECT_NONE,
			     "Signer named (not verified)" },
	[VERSION_N_FIELDS] = { NULL, VALUE_ABSENT, ASPECT_NONE, ASPECT_NONE, NULL },
};

static const struct trace_type version_type = {
	.name = "windows.pe.version",
	.message = "{path} states product \"{product}\", version \"{version}\", company \"{company}\", "
		   "signer \"{signer}\"",
	.fields = version_fields,
};

/* The names of strings that are kept. */
static const struct {
	const char *name;
	enum version_field field;
} kept[] = {
	{ "ProductName", VERSION_PRODUCT },
	{ "CompanyName", VERSION_COMPANY },
	{ "ProductVersion", VERSION_PRODUCT_VERSION },
	{ "FileVersion", VERSION_FILE_VERSION },
	{ "FileDescription", VERSION_DESCRIPTION },
	{ "OriginalFilename", VERSION_ORIGINAL_NAME },
};

struct program {
	struct parse_context *ctx;
	const struct source *source;
	struct span sections;
	struct span resources, certificates; /* their directory entries: 8 bytes or none */
	struct value values[VERSION_N_FIELDS];
	uint64_t offset, size; /* of the bytes that say it */
};

static enum status read_part(const struct program *p, uint64_t offset, size_t size,
			     struct span *ret, struct failure *why)
{
	uint8_t *data = arena_alloc(p->ctx->arena, size + 1);

	*ret = span_of(NULL, 0);
	if (!data)
		return failure_set(why, ERR_LIMIT, "no memory for %zu bytes", size);
	*ret = span_of(data, size);
	return stream_read(p->source->stream, offset, data, size, why);
}

/* Headers, up to the table of sections. STATUS_DECLINED: no PE file. */
static enum status read_headers(struct program *p, struct failure *why)
{
	struct span dos, file, optional;
	enum status status;

	if (p->source->stream->size < HEADER_OFFSET + 4)
		return STATUS_DECLINED;
	status = read_part(p, 0, HEADER_OFFSET + 4, &dos, why);
	if (status < 0)
		return status;

	const uint64_t at = span_u32le(dos, HEADER_OFFSET);

	if (memcmp(dos.data, "MZ", 2) != 0 || at + FILE_HEADER > p->source->stream->size)
		return STATUS_DECLINED;
	status = read_part(p, at, FILE_HEADER, &file, why);
	if (status < 0)
		return status;

	const size_t n_sections = span_u16le(file, 6);

	if (memcmp(file.data, "PE\0\0", 4) != 0)
		return STATUS_DECLINED;
	if (n_sections > MAX_SECTIONS)
		return STATUS_DECLINED; /* Windows loads no such file */

	const uint64_t optional_at = at + FILE_HEADER;
	const size_t optional_size = span_u16le(file, 20);

	status = read_part(p, optional_at, optional_size, &optional, why);
	if (status == STATUS_OK)
		status = read_part(p, optional_at + optional_size, n_sections * SECTION,
				   &p->sections, why);
	if (status < 0) /* headers that pass the end: a stub or an emptied file, nothing runs it */
		return status == ERR_TRUNCATED ? STATUS_DECLINED : status;

	const uint16_t magic = span_u16le(optional, 0);
	const size_t directories = magic == 0x20b ? 112 : 96;

	if (magic != 0x10b && magic != 0x20b)
		return STATUS_DECLINED;

	const uint32_t n = span_u32le(optional, directories - 4);

	if (n > DIRECTORY_RESOURCE)
		p->resources = span_part(optional, directories + 8 * DIRECTORY_RESOURCE, 8);
	if (n > DIRECTORY_CERTIFICATE)
		p->certificates = span_part(optional, directories + 8 * DIRECTORY_CERTIFICATE, 8);
	return STATUS_OK;
}

/* Where the file keeps what stands at an address in memory; 0: nowhere. */
static uint64_t offset_of(const struct program *p, uint64_t address)
{
	for (size_t at = 0; at + SECTION <= p->sections.size; at += SECTION) {
		const uint64_t start = span_u32le(p->sections, at + 12);
		const uint64_t size = span_u32le(p->sections, at + 16);

		if (address >= start && address - start < size)
			return span_u32le(p->sections, at + 20) + (address - start);
	}
	return 0;
}

/*
 * The entry of a resource directory of this number, or its first one (number 0): its offset from
 * the start of the resources, with the top bit. STATUS_END when there is none.
 */
static enum status find_entry(const struct program *p, uint64_t directory, uint32_t number,
			      uint32_t *ret, struct failure *why)
{
	struct span head, entries;
	enum status status = read_part(p, directory, 16, &head, why);

	if (status < 0)
		return status;

	const size_t n_named = span_u16le(head, 12), n = n_named + span_u16le(head, 14);

	if (n > MAX_RESOURCE_ENTRIES)
		return failure_at(why, ERR_LIMIT, directory, "%zu resources", n);
	status = read_part(p, directory + 16, n * 8, &entries, why);
	for (size_t i = number ? n_named : 0; status == STATUS_OK && i < n; i++) {
		if (number && span_u32le(entries, i * 8) != number)
			continue;
		*ret = span_u32le(entries, i * 8 + 4);
		return STATUS_OK;
	}
	return status < 0 ? status : STATUS_END;
}

/* The bytes of the version resource. STATUS_END when there is none. */
static enum status find_version(struct program *p, struct span *ret, struct failure *why)
{
	const uint32_t is_directory = UINT32_C(1) << 31;
	const uint64_t root = offset_of(p, span_u32le(p->resources, 0));
	static const uint32_t numbers[] = { TYPE_VERSION, 0, 0 };
	struct span data;
	uint32_t entry = is_directory;

	if (!root)
		return STATUS_END;
	for (size_t level = 0; level < 3; level++) {
		if (!(entry & is_directory))
			return failure_at(why, ERR_FORMAT, root, "resources of %zu levels", level);

		const enum status status =
			find_entry(p, root + (entry & ~is_directory), numbers[level], &entry, why);

		if (status != STATUS_OK)
			return status;
	}
	if (entry & is_directory)
		return failure_at(why, ERR_FORMAT, root, "resources of more than 3 levels");

	enum status status = read_part(p, root + entry, 16, &data, why);

	if (status < 0)
		return status;
	p->offset = offset_of(p, span_u32le(data, 0));
	p->size = span_u32le(data, 4);
	if (!p->offset || p->size > MAX_VERSION)
		return failure_at(why, ERR_FORMAT, root + entry, "version resource at 0x%x",
				  span_u32le(data, 0));
	return read_part(p, p->offset, (size_t)p->size, ret, why);
}

/* One block of VS_VERSIONINFO. */
struct block {
	struct text name;
	struct span value; /* from behind the name to the end of the block */
};

static size_t up_to_4(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

/* Bytes of the UTF-16 letters before the first NUL. */
static size_t wide_length(struct span s)
{
	size_t n = 0;

	while (s.size - n >= 2 && (s.data[n] || s.data[n + 1]))
		n += 2;
	return n;
}

/* The block at the start of *rest, which moves on; false at the end and where sizes are wrong. */
static bool take_block(struct arena *arena, struct span *rest, struct block *ret)
{
	const size_t size = span_u16le(*rest, 0);
	const struct span whole = span_part(*rest, 0, size);

	if (size < 8 || !whole.data)
		return false;

	const size_t name = wide_length(span_part(whole, 6, size - 6));
	const size_t value = up_to_4(6 + name + 2);
	const size_t next = up_to_4(size);

	ret->name = text_from_utf16le(arena, span_part(whole, 6, name), NULL);
	ret->value = value < size ? span_part(whole, value, size - value) : span_of(NULL, 0);
	*rest = next < rest->size ? span_part(*rest, next, rest->size - next) : span_of(NULL, 0);
	return ret->name.data != NULL;
}

static void keep_string(struct program *p, const struct block *string)
{
	const struct span letters = span_part(string->value, 0, wide_length(string->value));

	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
		if (letters.size && p->values[kept[i].field].kind == VALUE_ABSENT &&
		    text_equal(string->name, text_of(kept[i].name)))
			p->values[kept[i].field] =
				value_text(text_from_utf16le(p->ctx->arena, letters, NULL));
}

/* VS_FIXEDFILEINFO: 8 4 and 12 4 hold the file's version, 16 bits each. */
static void keep_numbers(struct program *p, struct span fixed)
{
	if (span_u32le(fixed, 0) == 0xfeef04bd && fixed.size >= 16)
		p->values[VERSION_FIXED] = value_text(text_of(
			arena_printf(p->ctx->arena, "%u.%u.%u.%u", span_u16le(fixed, 10),
				     span_u16le(fixed, 8), span_u16le(fixed, 14),
				     span_u16le(fixed, 12))));
}

/* The first table that has a string gives it: tables are languages. */
static void read_strings(struct program *p, struct span tables)
{
	struct block table, string;

	while (take_block(p->ctx->arena, &tables, &table))
		while (take_block(p->ctx->arena, &table.value, &string))
			keep_string(p, &string);
}

static void read_version(struct program *p, struct span resource)
{
	struct block info, part;

	if (!take_block(p->ctx->arena, &resource, &info) ||
	    !text_equal(info.name, TEXT("VS_VERSION_INFO"))) {
		note(p->ctx, p->offset, "no VS_VERSION_INFO in the version resource");
		return;
	}
	keep_numbers(p, info.value);

	/* The size of the fixed part is that which the block gives, before the inner blocks. */
	const size_t fixed = up_to_4(span_u32le(info.value, 0) == 0xfeef04bd ? 52 : 0);
	struct span rest = fixed < info.value.size ?
				   span_part(info.value, fixed, info.value.size - fixed) :
				   span_of(NULL, 0);

	while (take_block(p->ctx->arena, &rest, &part))
		if (text_equal(part.name, TEXT("StringFileInfo")))
			read_strings(p, part.value);
}

static enum status read_signer(struct program *p, struct failure *why)
{
	const uint64_t offset = span_u32le(p->certificates, 0);
	const uint64_t size = span_u32le(p->certificates, 4);
	struct span certificate;

	if (!p->certificates.data || offset == 0 || size <= CERTIFICATE_HEADER ||
	    offset + size > p->source->stream->size)
		return STATUS_OK;
	if (size > MAX_CERTIFICATE)
		return failure_at(why, ERR_LIMIT, offset, "certificates of %zu bytes",
				  (size_t)size);

	const enum status status = read_part(p, offset, (size_t)size, &certificate, why);

	if (status < 0)
		return status;
	if (span_u16le(certificate, 6) != CERTIFICATE_PKCS7)
		return STATUS_OK;
	p->values[VERSION_SIGNER] = value_text(
		signer_name(p->ctx->arena, span_part(certificate, CERTIFICATE_HEADER,
						     (size_t)size - CERTIFICATE_HEADER)));
	if (p->values[VERSION_SIGNER].kind == VALUE_ABSENT)
		note(p->ctx, offset, "no signer in the certificate table");
	if (!p->size) {
		p->offset = offset;
		p->size = size;
	}
	return STATUS_OK;
}

static enum status emit_version(struct program *p, struct failure *why)
{
	const char *path = p->source->path;
	bool any = false;

	for (size_t i = 0; i < VERSION_N_FIELDS; i++)
		any |= p->values[i].kind != VALUE_ABSENT;
	if (!any)
		return STATUS_OK;
	p->values[VERSION_PATH] = value_text(text_of(path));

	const struct trace trace = {
		.type = &version_type,
		.origin = { p->offset, p->size, 0, { NULL, 0 } },
		.recovery = p->source->deleted ? RECOVERY_DELETED : RECOVERY_ALLOCATED,
		.values = p->values,
	};
	return emit(p->ctx, &trace, why);
}

/* Programs are built by strange tools and cut short: what contradicts the format is only noted. */
static enum status unless_odd(struct program *p, enum status status, const struct failure *why)
{
	if (status != ERR_FORMAT && status != ERR_TRUNCATED && status != ERR_LIMIT)
		return status;
	note(p->ctx, why->offset, "program file: %s", why->text);
	return STATUS_END;
}

static enum status parse(struct parse_context *ctx, const struct source *source,
			 struct failure *why)
{
	struct program p = { .ctx = ctx, .source = source };
	struct span resource;
	enum status status = unless_odd(&p, read_headers(&p, why), why);

	if (status != STATUS_OK) /* no program after all: it has no version to tell */
		return status < 0 ? status : STATUS_OK;
	status = unless_odd(&p, find_version(&p, &resource, why), why);
	if (status == STATUS_OK)
		read_version(&p, resource);
	else
		p.offset = p.size = 0;
	if (status >= 0)
		status = unless_odd(&p, read_signer(&p, why), why);
	return status < 0 ? status : emit_version(&p, why);
}

static const char *const paths[] = { "/**/*.exe", "/**/*.sys", NULL };
static const struct trace_type *const emits[] = { &version_type, NULL };

const struct parser pe_version_parser = {
	.name = "windows.pe",
	.title = "Programs and drivers that signatures name",
	.versions = "Windows NT to 11",
	.asserts = "The file says that it is of this product, version and company (as acquired).",
	.paths = paths,
	.named_only = true,
	.emits = emits,
	.max_input = UINT32_MAX,
	.parse_file = parse,
};
