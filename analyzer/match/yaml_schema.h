/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_MATCH_YAML_SCHEMA_H
#define AVOUCH_ANALYZER_MATCH_YAML_SCHEMA_H

#include "analyzer/match/yaml_file.h"

/*
 * The rows of a schema for yaml_file_load, for the two files that have one. Each defines MAX_TEXT
 * first: the bytes a text may have.
 */
#define STRING(key, type, member)                                                                  \
	CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER, type, member, 1, MAX_TEXT)
#define OPTIONAL_STRING(key, type, member)                                                         \
	CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER_NULL | CYAML_FLAG_OPTIONAL, type, member,   \
			       1, MAX_TEXT)
#define LIST(key, flags, type, member, count, entry)                                               \
	CYAML_FIELD_SEQUENCE_COUNT(key, CYAML_FLAG_POINTER | (flags), type, member, count, entry,  \
				   0, CYAML_UNLIMITED)
#define WORD(key, flags, type, member, words)                                                      \
	CYAML_FIELD_ENUM(key, CYAML_FLAG_STRICT | (flags), type, member, words,                    \
			 CYAML_ARRAY_LEN(words))

#endif
