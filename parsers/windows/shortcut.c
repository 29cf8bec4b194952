/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shortcuts (all versions of Windows): .lnk files of the Start menus, the desktops and the lists
 * of recent things, read by liblnk (Microsoft, [MS-SHLLINK]). The target's times and size are
 * those it had when the shortcut was last written; what the shortcut points to may be long gone.
 * Only a leftover: a shortcut proves no run and no installation.
 */
#include <stdio.h>

#include <libbfio.h>
#include <liblnk.h>

#include "parsers/base/text.h"
#include "parsers/parser.h"
#include "parsers/stream/library_stream.h"

enum { MAX_SIZE = 1 << 20, MAX_TEXT = 64 << 10 };

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
	[LINK_N_FIELDS] = { NULL, VALUE_ABSENT, ASPECT_NONE, ASPECT_NONE, NULL },
};

static const struct trace_type link_type = {
	.name = "windows.shortcut",
	.message = "{path} leads to {target}",
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

static enum status emit_link(struct parse_context *ctx, const struct source *source,
			     library_handle *file, struct failure *why)
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
	};

	if (values[LINK_TARGET].kind == VALUE_ABSENT && values[LINK_ARGUMENTS].kind == VALUE_ABSENT &&
	    values[LINK_DESCRIPTION].kind == VALUE_ABSENT)
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
	uint8_t head[20] = { 0 };
	enum status status;

	if (source->stream->size < sizeof(head))
		return STATUS_DECLINED;
	status = stream_read(source->stream, 0, head, sizeof(head), why);
	if (status == STATUS_OK && memcmp(head, start, sizeof(head)) != 0)
		return STATUS_DECLINED;
	if (status == STATUS_OK)
		status = bfio_over_stream(source->stream, &bfio, why);
	if (status < 0)
		return status;
	if (liblnk_file_initialize(&file, &error) == 1 &&
	    liblnk_file_open_file_io_handle(file, bfio, LIBLNK_OPEN_READ, &error) == 1)
		status = emit_link(ctx, source, file, why);
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
	.asserts = "A shortcut to this target stands.",
	.paths = paths,
	.emits = emits,
	.max_input = MAX_SIZE,
	.parse_file = parse,
};
