/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_MATCH_YAML_FILE_H
#define AVOUCH_ANALYZER_MATCH_YAML_FILE_H

#include <cyaml/cyaml.h>
#include <yaml.h>

#include "analyzer/match/signatures.h"

/*
 * YAML files as signatures and mandates use them: libcyaml loads them against a schema; for the
 * lines in messages about meaning libyaml reads a file again.
 */
struct yaml_file {
	char *path; /* as opened */
	char *name; /* below its folder, for hashes */
	char *bytes;
	size_t size;
};

/* All *.yaml at or below path, sorted by name. ERR_IO when there is none. */
MUST_USE enum status yaml_files_read(const char *path, struct yaml_file **ret, size_t *ret_n,
				     struct failure *why);
/* Those at or below the folder path/kind where there is one, else as yaml_files_read. */
MUST_USE enum status yaml_files_read_kind(const char *path, const char *kind,
					  struct yaml_file **ret, size_t *ret_n,
					  struct failure *why);
void yaml_files_free(struct yaml_file *files, size_t n);

/* Hex SHA-256 over names, sizes and contents. */
MUST_USE enum status yaml_files_hash(const struct yaml_file *files, size_t n, char ret[65],
				     struct failure *why);
/* Hex SHA-256 of bytes. */
MUST_USE enum status sha256_hex(struct span bytes, char ret[65], struct failure *why);

/* Collects messages "file:line: text". */
struct messages {
	FILE *stream;
	char *text;
	size_t size, n;
};
MUST_USE enum status messages_open(struct messages *m, struct failure *why);
void messages_close(struct messages *m); /* flushes; text stays and is the caller's to free */
/* ERR_FORMAT with the first message when there is one; the messages are closed. */
enum status messages_failure(const struct messages *m, struct failure *why);

/*
 * A message about the node at where ("components[2]/match[0]/service"; "" is the document), or
 * the nearest one above it that exists.
 */
void complain(struct messages *m, const struct yaml_file *file, const char *where,
	      const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Complains when there is no tag, and about each that is not among the citations. */
void complain_sources(struct messages *m, const struct yaml_file *file, const char *where,
		      const struct citation *sources, unsigned n_sources, const char **tags,
		      unsigned n);

/* Loads a file against a schema; on failure messages says where and why. NULL then. */
void *yaml_file_load(struct yaml_file *file, const cyaml_schema_value_t *schema,
		     struct messages *m);
void yaml_file_unload(const cyaml_schema_value_t *schema, void *data);

extern const cyaml_schema_value_t yaml_string; /* entry of lists of strings */
extern const cyaml_schema_value_t yaml_citation;
extern const cyaml_strval_t yaml_confidences[4];
extern const cyaml_strval_t yaml_kinds[8];

/* The word for a value among n; "unknown" when none stands for it. */
const char *yaml_word(const cyaml_strval_t *words, size_t n, int64_t value);
/* Lower-case letters, digits, '-' and '.'. */
bool id_is_well_formed(const char *id);

#endif
