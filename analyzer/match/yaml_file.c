/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/match/yaml_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "analyzer/match/name_map.h"

enum { MAX_FILE = 4 << 20, MAX_FILES = 20000, MAX_FOLDERS = 4 };

struct listing {
	struct yaml_file *files;
	size_t n;
	size_t root; /* bytes of the path that are no part of the names */
	struct failure *why;
};

static enum status read_whole(const char *path, struct yaml_file *file, struct failure *why)
{
	CLEANUP(close_p) const int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat info;

	if (fd < 0 || fstat(fd, &info) != 0)
		return failure_set(why, ERR_IO, "%s: %s", path, strerror(errno));
	if (!S_ISREG(info.st_mode) || info.st_size > MAX_FILE)
		return failure_set(why, ERR_IO, "%s: no file, or larger than %d bytes", path,
				   MAX_FILE);
	file->bytes = malloc((size_t)info.st_size + 1);
	if (!file->bytes)
		return failure_set(why, ERR_NO_MEMORY, "%s", path);
	while (file->size < (size_t)info.st_size) {
		const ssize_t got =
			read(fd, file->bytes + file->size, (size_t)info.st_size - file->size);

		if (got < 0)
			return failure_set(why, ERR_IO, "%s: %s", path, strerror(errno));
		if (got == 0)
			break;
		file->size += (size_t)got;
	}
	return STATUS_OK;
}

static void free_file(struct yaml_file *file)
{
	free(file->path);
	free(file->name);
	free(file->bytes);
}

void yaml_files_free(struct yaml_file *files, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free_file(&files[i]);
	free(files);
}

static enum status add_file(struct listing *list, const char *path)
{
	struct yaml_file file = { 0 };
	struct yaml_file *files = grown(list->files, list->n, sizeof(*files));

	if (!files || list->n == MAX_FILES)
		return failure_set(list->why, ERR_NO_MEMORY, "%s: too many files", path);
	list->files = files;
	file.path = strdup(path);
	file.name = strdup(path + list->root);
	enum status status = file.path && file.name
				     ? read_whole(path, &file, list->why)
				     : failure_set(list->why, ERR_NO_MEMORY, "%s", path);
	if (status < 0) {
		free_file(&file);
		return status;
	}
	files[list->n++] = file;
	return STATUS_OK;
}

static bool is_yaml(const char *name)
{
	const size_t size = strlen(name);

	return size > 5 && name[0] != '.' && strcmp(name + size - 5, ".yaml") == 0;
}

static void close_folder(DIR **folder)
{
	if (*folder)
		closedir(*folder);
}

static enum status list_folder(struct listing *list, const char *path, unsigned depth)
{
	CLEANUP(close_folder) DIR *folder = opendir(path);
	const struct dirent *entry;

	if (!folder)
		return failure_set(list->why, ERR_IO, "%s: %s", path, strerror(errno));
	while ((entry = readdir(folder))) {
		char below[4096];
		struct stat info;
		enum status status = STATUS_OK;

		if (entry->d_name[0] == '.' ||
		    snprintf(below, sizeof(below), "%s/%s", path, entry->d_name) >=
			    (int)sizeof(below) ||
		    stat(below, &info) != 0)
			continue;
		if (S_ISDIR(info.st_mode) && depth < MAX_FOLDERS)
			status = list_folder(list, below, depth + 1);
		else if (S_ISREG(info.st_mode) && is_yaml(entry->d_name))
			status = add_file(list, below);
		if (status < 0)
			return status;
	}
	return STATUS_OK;
}

static int compare_files(const void *a, const void *b)
{
	return strcmp(((const struct yaml_file *)a)->name, ((const struct yaml_file *)b)->name);
}

enum status yaml_files_read(const char *path, struct yaml_file **ret, size_t *ret_n,
			    struct failure *why)
{
	struct listing list = { .root = strlen(path), .why = why };
	struct stat info;
	enum status status;

	if (stat(path, &info) != 0)
		return failure_set(why, ERR_IO, "%s: %s", path, strerror(errno));
	if (S_ISDIR(info.st_mode)) {
		status = list_folder(&list, path, 0);
	} else {
		const char *slash = strrchr(path, '/');

		list.root = slash ? (size_t)(slash - path) : 0;
		status = add_file(&list, path);
	}
	if (status == STATUS_OK && list.n == 0)
		status = failure_set(why, ERR_IO, "%s holds no .yaml file", path);
	if (status < 0) {
		yaml_files_free(list.files, list.n);
		return status;
	}
	qsort(list.files, list.n, sizeof(*list.files), compare_files);
	*ret = list.files;
	*ret_n = list.n;
	return STATUS_OK;
}

static void hex(const unsigned char digest[32], char ret[65])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < 32; i++) {
		ret[2 * i] = digits[digest[i] >> 4];
		ret[2 * i + 1] = digits[digest[i] & 15];
	}
	ret[64] = 0;
}

enum status sha256_hex(struct span bytes, char ret[65], struct failure *why)
{
	unsigned char digest[EVP_MAX_MD_SIZE];

	if (!EVP_Digest(bytes.data ? bytes.data : (const uint8_t *)"", bytes.size, digest, NULL,
			EVP_sha256(), NULL))
		return failure_set(why, ERR_NO_MEMORY, "SHA-256");
	hex(digest, ret);
	return STATUS_OK;
}

enum status yaml_files_read_kind(const char *path, const char *kind, struct yaml_file **ret,
				 size_t *ret_n, struct failure *why)
{
	char below[4096];
	struct stat info;

	if (snprintf(below, sizeof(below), "%s/%s", path, kind) >= (int)sizeof(below) ||
	    stat(below, &info) != 0 || !S_ISDIR(info.st_mode))
		snprintf(below, sizeof(below), "%s", path);
	return yaml_files_read(below, ret, ret_n, why);
}

enum status yaml_files_hash(const struct yaml_file *files, size_t n, char ret[65],
			    struct failure *why)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	unsigned char digest[EVP_MAX_MD_SIZE];
	bool ok = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL);

	for (size_t i = 0; ok && i < n; i++) {
		char head[4200];
		const int size =
			snprintf(head, sizeof(head), "%s\n%zu\n", files[i].name, files[i].size);

		ok = size > 0 && EVP_DigestUpdate(context, head, (size_t)size) &&
		     EVP_DigestUpdate(context, files[i].bytes, files[i].size);
	}
	ok = ok && EVP_DigestFinal_ex(context, digest, NULL);
	EVP_MD_CTX_free(context);
	if (!ok)
		return failure_set(why, ERR_NO_MEMORY, "SHA-256");
	hex(digest, ret);
	return STATUS_OK;
}

enum status messages_open(struct messages *m, struct failure *why)
{
	*m = (struct messages){ 0 };
	m->stream = open_memstream(&m->text, &m->size);
	return m->stream ? STATUS_OK : failure_set(why, ERR_NO_MEMORY, "messages");
}

void messages_close(struct messages *m)
{
	if (m->stream)
		fclose(m->stream);
	m->stream = NULL;
}

enum status messages_failure(const struct messages *m, struct failure *why)
{
	const int first = (int)strcspn(m->text, "\n");

	if (m->n == 0)
		return STATUS_OK;
	if (m->n == 1)
		return failure_set(why, ERR_FORMAT, "%.*s", first, m->text);
	return failure_set(why, ERR_FORMAT, "%.*s (and %zu more)", first, m->text, m->n - 1);
}

static yaml_node_t *child_named(yaml_document_t *document, yaml_node_t *node, const char *name,
				size_t size)
{
	if (node->type != YAML_MAPPING_NODE)
		return NULL;
	for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top;
	     p++) {
		const yaml_node_t *key = yaml_document_get_node(document, p->key);

		if (key && key->type == YAML_SCALAR_NODE && key->data.scalar.length == size &&
		    memcmp(key->data.scalar.value, name, size) == 0)
			return yaml_document_get_node(document, p->value);
	}
	return NULL;
}

static yaml_node_t *child_numbered(yaml_document_t *document, yaml_node_t *node, size_t number)
{
	if (node->type != YAML_SEQUENCE_NODE ||
	    number >= (size_t)(node->data.sequence.items.top - node->data.sequence.items.start))
		return NULL;
	return yaml_document_get_node(document, node->data.sequence.items.start[number]);
}

/* The node at where, or the nearest above that exists. */
static const yaml_node_t *locate(yaml_document_t *document, const char *where)
{
	yaml_node_t *node = yaml_document_get_root_node(document);

	while (node && *where) {
		const size_t size = strcspn(where, "/[");
		yaml_node_t *next = size ? child_named(document, node, where, size) : node;

		where += size;
		if (*where == '[' && next) {
			char *end;
			const unsigned long number = strtoul(where + 1, &end, 10);

			next = child_numbered(document, next, number);
			where = *end == ']' ? end + 1 : end;
		}
		if (!next)
			break;
		node = next;
		where += *where == '/';
	}
	return node;
}

/* Parses the bytes again: only messages need the nodes. False when they are no YAML. */
static bool open_document(const struct yaml_file *file, yaml_document_t *ret, struct messages *m)
{
	yaml_parser_t parser;
	bool loaded;

	if (!yaml_parser_initialize(&parser))
		return false;
	yaml_parser_set_input_string(&parser, (const unsigned char *)file->bytes, file->size);
	loaded = yaml_parser_load(&parser, ret) != 0;
	if (!loaded && m) {
		fprintf(m->stream, "%s:%zu: %s\n", file->path, parser.problem_mark.line + 1,
			parser.problem ? parser.problem : "unreadable YAML");
		m->n++;
	}
	yaml_parser_delete(&parser);
	return loaded;
}

static size_t line_of(const struct yaml_file *file, const char *where)
{
	yaml_document_t document;
	size_t line = 1;

	if (!open_document(file, &document, NULL))
		return line;

	const yaml_node_t *node = locate(&document, where);

	if (node)
		line = node->start_mark.line + 1;
	yaml_document_delete(&document);
	return line;
}

void complain(struct messages *m, const struct yaml_file *file, const char *where,
	      const char *format, ...)
{
	va_list arguments;

	fprintf(m->stream, "%s:%zu: ", file->path, line_of(file, where));
	if (where[0])
		fprintf(m->stream, "%s: ", where);
	va_start(arguments, format);
	vfprintf(m->stream, format, arguments);
	va_end(arguments);
	fputc('\n', m->stream);
	m->n++;
}

/* libcyaml reports an error and then a backtrace whose lines end in "(line: N, column: M)". */
struct complaint {
	char text[400];
	unsigned long line;
};

static void log_line(cyaml_log_t level, void *context, const char *format, va_list arguments)
{
	struct complaint *c = context;
	char text[400];

	if (level < CYAML_LOG_ERROR)
		return;
	vsnprintf(text, sizeof(text), format, arguments);
	text[strcspn(text, "\n")] = 0;
	const char *mark = strstr(text, "line: ");

	if (mark && c->line == 0)
		c->line = strtoul(mark + 6, NULL, 10);
	if (c->text[0] == 0)
		snprintf(c->text, sizeof(c->text), "%s",
			 strncmp(text, "Load: ", 6) == 0 ? text + 6 : text);
}

static const cyaml_config_t config_template = {
	.log_fn = log_line,
	.mem_fn = cyaml_mem,
	.log_level = CYAML_LOG_ERROR,
	.flags = CYAML_CFG_DEFAULT,
};

/* libcyaml names the line before an unexpected key; the document knows the key's own. */
static void correct_line(const yaml_document_t *document, struct complaint *c)
{
	static const char head[] = "Unexpected key: ";

	if (strncmp(c->text, head, sizeof(head) - 1) != 0)
		return;
	const char *key = c->text + sizeof(head) - 1;
	const size_t size = strlen(key);

	for (const yaml_node_t *node = document->nodes.start; node < document->nodes.top; node++)
		if (node->type == YAML_SCALAR_NODE && node->start_mark.line + 1 >= c->line &&
		    node->data.scalar.length == size &&
		    memcmp(node->data.scalar.value, key, size) == 0) {
			c->line = node->start_mark.line + 1;
			return;
		}
}

/* Why libcyaml refused a file: no YAML at all, nothing in it, or what libcyaml said. */
static void tell_refusal(const struct yaml_file *file, struct complaint *c, cyaml_err_t error,
			 struct messages *m)
{
	yaml_document_t document;

	if (!open_document(file, &document, m))
		return;
	if (yaml_document_get_root_node(&document)) {
		correct_line(&document, c);
		fprintf(m->stream, "%s:%lu: %s\n", file->path, c->line ? c->line : 1UL,
			c->text[0] ? c->text : cyaml_strerror(error));
		m->n++;
	} else {
		complain(m, file, "", "the file is empty");
	}
	yaml_document_delete(&document);
}

void *yaml_file_load(struct yaml_file *file, const cyaml_schema_value_t *schema, struct messages *m)
{
	struct complaint c = { 0 };
	cyaml_config_t config = config_template;
	void *data = NULL;

	config.log_ctx = &c;

	const cyaml_err_t error = cyaml_load_data((const uint8_t *)file->bytes, file->size, &config,
						  schema, &data, NULL);

	if (error == CYAML_OK && data)
		return data;
	tell_refusal(file, &c, error, m);
	return NULL;
}

void yaml_file_unload(const cyaml_schema_value_t *schema, void *data)
{
	cyaml_config_t config = config_template;
	struct complaint c = { 0 };

	config.log_ctx = &c;
	if (data)
		cyaml_free(&config, schema, data, 0);
}

const cyaml_schema_value_t yaml_string = {
	CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, 4096),
};

static const cyaml_schema_field_t citation_fields[] = {
	CYAML_FIELD_STRING_PTR("tag", CYAML_FLAG_POINTER, struct citation, tag, 1, 40),
	CYAML_FIELD_STRING_PTR("cite", CYAML_FLAG_POINTER, struct citation, cite, 1, 4096),
	CYAML_FIELD_END
};

const cyaml_schema_value_t yaml_citation = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct citation, citation_fields),
};

const cyaml_strval_t yaml_confidences[4] = {
	{ "recall", CONFIDENCE_RECALL },
	{ "low", CONFIDENCE_LOW },
	{ "medium", CONFIDENCE_MEDIUM },
	{ "high", CONFIDENCE_HIGH },
};

const cyaml_strval_t yaml_kinds[8] = {
	{ "protection", KIND_PROTECTION },
	{ "agent", KIND_AGENT },
	{ "vpn", KIND_VPN },
	{ "management", KIND_MANAGEMENT },
	{ "tool", KIND_TOOL },
	{ "password-manager", KIND_PASSWORD_MANAGER },
	{ "parental", KIND_PARENTAL },
	{ "backup", KIND_BACKUP },
};

static bool citation_known(const struct citation *sources, unsigned n, const char *tag)
{
	for (unsigned i = 0; i < n; i++)
		if (strcmp(sources[i].tag, tag) == 0)
			return true;
	return false;
}

void complain_sources(struct messages *m, const struct yaml_file *file, const char *where,
		      const struct citation *sources, unsigned n_sources, const char **tags,
		      unsigned n)
{
	if (n == 0)
		complain(m, file, where, "no source is given");
	for (unsigned i = 0; i < n; i++)
		if (!citation_known(sources, n_sources, tags[i]))
			complain(m, file, where, "unknown source '%s'", tags[i]);
}

const char *yaml_word(const cyaml_strval_t *words, size_t n, int64_t value)
{
	for (size_t i = 0; i < n; i++)
		if (words[i].val == value)
			return words[i].str;
	return "unknown";
}

bool id_is_well_formed(const char *id)
{
	for (const char *p = id; *p; p++)
		if (!((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') ||
		      ((*p == '-' || *p == '.') && p != id)))
			return false;
	return id[0] != 0;
}
