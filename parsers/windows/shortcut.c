/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shortcuts (all versions of Windows): .lnk files of the Start menus, the desktops and the lists
 * of recent things, read by liblnk (Microsoft, [MS-SHLLINK]). The target's times and size are
 * those it had when the shortcut was last written; what the shortcut points to may be long gone.
 * Only a leftover: a shortcut proves no run and no installation.
 *
 * An advertised shortcut has Windows Installer find its target. It has no path but a data block,
 * which liblnk does not give:
 *
 *   0 4 size 788  4 4 signature A0000006  8 260 descriptor in the code page  268 520 in UTF-16LE
 *
 * The descriptor is the product's code in 20 letters (guid_from_squashed), the feature's name, and
 * '<', or '>' and the component's code. Blocks stand behind header (76 bytes, flags at 20), list of
 * identifiers (bit 0: 2 bytes of size), location (bit 1: a size of 4 bytes that counts itself), and
 * one counted string for each of bits 2 to 6 (bit 7: two bytes a letter).
 */
#include <stdio.h>

#include <libbfio.h>
#include <liblnk.h>

#include "parsers/base/cursor.h"
#include "parsers/base/packed_guid.h"
#include "parsers/base/text.h"
#include "parsers/parser.h"
#include "parsers/stream/library_stream.h"

enum { MAX_SIZE = 1 << 20, MAX_TEXT = 64 << 10 };

enum {
	HEADER = 76,
	FLAGS_AT = 20,
	FLAG_IDENTIFIERS = 1 << 0,
	FLAG_LOCATION = 1 << 1,
	FLAG_UNICODE = 1 << 7,
	FIRST_STRING = 2,
	LAST_STRING = 6,
	DESCRIPTOR_AT = 268,
	DESCRIPTOR_SIZE = 520,
};

static const uint32_t DARWIN_SIGNATURE = 0xa0000006;

enum link_field {
	LINK_PATH,
	LINK_TARGET,
	LINK_ARGUMENTS,
	LINK_FOLDER,
	LINK_DESCRIPTION,
	LINK_CREATED,
	LINK_MODIFIED,
	LINK_ACCESSED,
	LINK_SIZE,
	LINK_PRODUCT,
	LINK_N_FIELDS,
};

static const struct trace_field link_fields[] = {
	[LINK_PATH] = { "path", VALUE_TEXT, ASPECT_NONE, ASPECT_NONE, "Shortcut" },
	[LINK_TARGET] = { "target", VALUE_TEXT, ASPECT_PATH, ASPECT_NONE, "Target" },
	[LINK_ARGUMENTS] = { "arguments", VALUE_TEXT, ASPECT_NONE, ASPECT_NONE, "Arguments" },
	[LINK_FOLDER] = { "folder", VALUE_TEXT, ASPECT_NONE, ASPECT_NONE, "Starts in" },
	[LINK_DESCRIPTION] = { "description", VALUE_TEXT, ASPECT_NONE, ASPECT_NONE,
			       "Description" },
	[LINK_CREATED] = { "target_created", VALUE_INSTANT, ASPECT_NONE, ASPECT_NONE,
			   "Target created" },
	[LINK_MODIFIED] = { "target_modified", VALUE_INSTANT, ASPECT_NONE, ASPECT_NONE,
			    "Target modified" },
	[LINK_ACCESSED] = { "target_accessed", VALUE_INSTANT, ASPECT_NONE, ASPECT_NONE,
			    "Target accessed" },
	[LINK_SIZE] = { "target_size", VALUE_UINT, ASPECT_NONE, ASPECT_NONE, "Size of the target" },
	[LINK_PRODUCT] = { "product_code", VALUE_TEXT, ASPECT_PRODUCT_CODE, ASPECT_NONE,
			   "Product code" },
	[LINK_N_FIELDS] = { NULL, VALUE_ABSENT, ASPECT_NONE, ASPECT_NONE, NULL },
};

static const struct trace_type link_type = {
	.name = "windows.shortcut",
	.message = "{path} leads to [{target}][the product {product_code}]",
	.fields = link_fields,
};

typedef int text_size(library_handle *file, size_t *size, library_handle **error);
typedef int text_take(library_handle *file, uint8_t *text, size_t size, library_handle **error);

/* A text of the link; absent when there is none. */
static struct value link_text(struct arena *arena, library_handle *file, text_size *measure,
			      text_take *take)
{
	size_t size = 0;
	uint8_t *data;

	if (measure(file, &size, NULL) != 1 || size < 2 || size > MAX_TEXT)
		return (struct value){ 0 };
	data = arena_alloc(arena, size);
	if (!data || take(file, data, size, NULL) != 1)
		return (struct value){ 0 };
	return value_text(text_from_utf8(arena, span_of(data, size - 1), NULL));
}

static struct value link_time(library_handle *file,
			      int (*get)(library_handle *, uint64_t *, library_handle **))
{
	uint64_t filetime = 0;

	if (get(file, &filetime, NULL) != 1)
		return (struct value){ 0 };
	return value_instant(instant_from_filetime(filetime));
}

/* The target as a path of this machine, as a path with variables, or on another one. */
static struct value target_of(struct arena *arena, library_handle *file)
{
	struct value target = link_text(arena, file, liblnk_file_get_utf8_local_path_size,
					liblnk_file_get_utf8_local_path);

	if (target.kind == VALUE_ABSENT)
		target = link_text(arena, file,
				   liblnk_file_get_utf8_environment_variables_location_size,
				   liblnk_file_get_utf8_environment_variables_location);
	if (target.kind == VALUE_ABSENT)
		target = link_text(arena, file, liblnk_file_get_utf8_network_path_size,
				   liblnk_file_get_utf8_network_path);
	return target;
}

static void skip_string(struct cursor *c, bool unicode)
{
	const size_t letters = cursor_u16le(c);

	(void)cursor_take(c, unicode ? letters * 2 : letters);
}

/* Sets *c behind what stands before the data blocks. */
static void skip_to_blocks(struct cursor *c, uint32_t flags)
{
	cursor_seek(c, HEADER);
	if (flags & FLAG_IDENTIFIERS)
		(void)cursor_take(c, cursor_u16le(c));
	if (flags & FLAG_LOCATION) {
		const uint32_t size = cursor_u32le(c);

		(void)cursor_take(c, size < 4 ? 0 : size - 4);
	}
	for (unsigned bit = FIRST_STRING; bit <= LAST_STRING; bit++)
		if (flags & (1U << bit))
			skip_string(c, flags & FLAG_UNICODE);
}

/* The code of the product of an advertised shortcut; absent when it is none. */
static struct value product_of(struct arena *arena, struct span bytes)
{
	struct cursor c = cursor_over(bytes, 0);
	uint32_t size;

	skip_to_blocks(&c, span_u32le(bytes, FLAGS_AT));
	while (c.status >= 0 && (size = cursor_u32le(&c)) >= 8) {
		const struct span block = cursor_take(&c, size - 4);

		if (block.size < DESCRIPTOR_AT - 4 + DESCRIPTOR_SIZE ||
		    span_u32le(block, 0) != DARWIN_SIGNATURE)
			continue;
		return value_text(guid_from_squashed(
			arena, text_from_utf16le(arena,
						 span_part(block, DESCRIPTOR_AT - 4,
							   2 * SQUASHED_GUID_SIZE), NULL)));
	}
	return (struct value){ 0 };
}

static enum status emit_link(struct parse_context *ctx, const struct source *source,
			     struct span bytes, library_handle *file, struct failure *why)
{
	struct arena *arena = ctx->arena;
	uint32_t size = 0;
	struct value values[LINK_N_FIELDS] = {
		[LINK_PATH] = value_text(text_of(source->path)),
		[LINK_TARGET] = target_of(arena, file),
		[LINK_ARGUMENTS] =
			link_text(arena, file, liblnk_file_get_utf8_command_line_arguments_size,
				  liblnk_file_get_utf8_command_line_arguments),
		[LINK_FOLDER] = link_text(arena, file,
					  liblnk_file_get_utf8_working_directory_size,
					  liblnk_file_get_utf8_working_directory),
		[LINK_DESCRIPTION] = link_text(arena, file, liblnk_file_get_utf8_description_size,
					       liblnk_file_get_utf8_description),
		[LINK_CREATED] = link_time(file, liblnk_file_get_file_creation_time),
		[LINK_MODIFIED] = link_time(file, liblnk_file_get_file_modification_time),
		[LINK_ACCESSED] = link_time(file, liblnk_file_get_file_access_time),
		[LINK_PRODUCT] = product_of(arena, bytes),
	};

	if (values[LINK_TARGET].kind == VALUE_ABSENT && values[LINK_ARGUMENTS].kind == VALUE_ABSENT &&
	    values[LINK_DESCRIPTION].kind == VALUE_ABSENT && values[LINK_PRODUCT].kind == VALUE_ABSENT)
		return STATUS_OK; /* it leads to something in the shell: no file is named */
	if (liblnk_file_get_file_size(file, &size, NULL) == 1)
		values[LINK_SIZE] = value_uint(size);

	const struct trace trace = {
		.type = &link_type,
		.origin = { 0, source->stream->size, 0, { NULL, 0 } },
		.recovery = source->deleted ? RECOVERY_DELETED : RECOVERY_ALLOCATED,
		.values = values,
	};
	return emit(ctx, &trace, why);
}

static enum status parse(struct parse_context *ctx, const struct source *source,
			 struct failure *why)
{
	/* The size of the header and the class of shortcuts. */
	static const uint8_t start[20] = { 76, 0, 0, 0,	   1, 0x14, 2, 0, 0, 0,
					   0,  0, 0xc0, 0, 0, 0,    0, 0, 0, 0x46 };
	CLEANUP(bfio_free_p) library_handle *bfio = NULL;
	library_handle *file = NULL, *error = NULL;
	struct span bytes;
	enum status status = stream_load(source->stream, ctx->arena, MAX_SIZE, &bytes, why);

	if (status == STATUS_OK &&
	    (bytes.size < sizeof(start) || memcmp(bytes.data, start, sizeof(start)) != 0))
		return STATUS_DECLINED;
	if (status == STATUS_OK)
		status = bfio_over_stream(source->stream, &bfio, why);
	if (status < 0)
		return status;
	if (liblnk_file_initialize(&file, &error) == 1 &&
	    liblnk_file_open_file_io_handle(file, bfio, LIBLNK_OPEN_READ, &error) == 1)
		status = emit_link(ctx, source, bytes, file, why);
	else
		status = failure_from_library(why, ERR_FORMAT, &error, "open the shortcut");
	if (file)
		(void)liblnk_file_free(&file, NULL);
	return status;
}

static const char *const paths[] = {
	"/ProgramData/Microsoft/Windows/Start Menu/**/*.lnk",
	"/Users/*/Desktop/*.lnk",
	"/Users/*/AppData/Roaming/Microsoft/Windows/**/*.lnk",
	"/Users/*/AppData/Roaming/Microsoft/Internet Explorer/Quick Launch/**/*.lnk",
	"/Documents and Settings/*/Desktop/*.lnk",
	"/Documents and Settings/*/Recent/*.lnk",
	"/Documents and Settings/*/Start Menu/**/*.lnk",
	NULL,
};
static const struct trace_type *const emits[] = { &link_type, NULL };

const struct parser shortcut_parser = {
	.name = "windows.shortcut",
	.title = "Shortcuts",
	.versions = "Windows 2000 to 11",
	.asserts = "A shortcut to this target or product stands.",
	.paths = paths,
	.emits = emits,
	.max_input = MAX_SIZE,
	.parse_file = parse,
};
