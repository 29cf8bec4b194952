/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/filesystem/file.h"

static const struct trace_field fields[] = {
	[FILE_PATH] = { "path", VALUE_TEXT, ASPECT_PATH, ASPECT_NONE, "Path" },
	[FILE_KIND] = { "kind", VALUE_TEXT, ASPECT_NONE, ASPECT_NONE, "Kind" },
	[FILE_SIZE] = { "size", VALUE_UINT, ASPECT_NONE, ASPECT_NONE, "Size" },
	[FILE_ENTRY] = { "entry", VALUE_UINT, ASPECT_NONE, ASPECT_NONE, "Entry" },
	[FILE_SEQUENCE] = { "sequence", VALUE_UINT, ASPECT_NONE, ASPECT_NONE, "Sequence" },
	[FILE_PARENT] = { "parent", VALUE_UINT, ASPECT_NONE, ASPECT_NONE, "Parent entry" },
	[FILE_PARENT_SEQUENCE] = { "parent_sequence", VALUE_UINT, ASPECT_NONE, ASPECT_NONE,
				   "Parent sequence" },
	[FILE_PATH_STATE] = { "path_state", VALUE_TEXT, ASPECT_NONE, ASPECT_NONE, "Path is" },
	[FILE_CREATED] = { "created", VALUE_INSTANT, ASPECT_NONE, ASPECT_NONE, "Created" },
	[FILE_MODIFIED] = { "modified", VALUE_INSTANT, ASPECT_NONE, ASPECT_NONE,
			    "Content modified" },
	[FILE_CHANGED] = { "changed", VALUE_INSTANT, ASPECT_NONE, ASPECT_NONE, "Entry changed" },
	[FILE_ACCESSED] = { "accessed", VALUE_INSTANT, ASPECT_NONE, ASPECT_NONE, "Accessed" },
	[FILE_NAME_CREATED] = { "name_created", VALUE_INSTANT, ASPECT_NONE, ASPECT_NONE,
				"Created ($FILE_NAME)" },
	[FILE_NAME_MODIFIED] = { "name_modified", VALUE_INSTANT, ASPECT_NONE, ASPECT_NONE,
				 "Content modified ($FILE_NAME)" },
	[FILE_NAME_CHANGED] = { "name_changed", VALUE_INSTANT, ASPECT_NONE, ASPECT_NONE,
				"Entry changed ($FILE_NAME)" },
	[FILE_NAME_ACCESSED] = { "name_accessed", VALUE_INSTANT, ASPECT_NONE, ASPECT_NONE,
				 "Accessed ($FILE_NAME)" },
	[FILE_DELETED] = { "deleted", VALUE_INSTANT, ASPECT_NONE, ASPECT_NONE, "Deleted" },
	[FILE_CONTAINER_MODIFIED] = { "container_modified", VALUE_INSTANT, ASPECT_NONE,
				      ASPECT_NONE, "Parent folder modified" },
	[FILE_SUPERSEDED] = { "superseded", VALUE_UINT, ASPECT_NONE, ASPECT_NONE,
			      "A live entry of this path exists" },
	[FILE_ATTRIBUTES] = { "attributes", VALUE_UINT, ASPECT_NONE, ASPECT_NONE, "Attributes" },
	[FILE_N_FIELDS] = { NULL, VALUE_ABSENT, ASPECT_NONE, ASPECT_NONE, NULL },
};

const struct trace_type filesystem_file_type = {
	.name = "filesystem.file",
	.message = "{kind} {path}",
	.fields = fields,
};
