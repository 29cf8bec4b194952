/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer target: a hive with up to two logs. Input: two little-endian words of 32 bits with the
 * sizes of the logs, then the logs, then the primary file.
 */
#include "parsers/base/cursor.h"
#include "parsers/registry/hive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void quiet(struct parse_context *ctx, uint64_t offset, const char *text)
{
	(void)ctx;
	(void)offset;
	(void)text;
}

static const struct parse_ops quiet_ops = { .note = quiet, .lost = quiet };

static enum status read_all(struct parse_context *ctx, struct hive *hive,
			    const struct hive_key *key, void *payload, struct failure *why)
{
	(void)hive;
	(void)payload;
	(void)why;
	(void)key_origin(ctx, key);
	for (size_t i = 0; i < key->n_values; i++) {
		uint64_t number = 0;

		(void)hive_value_text(ctx, &key->values[i]);
		(void)hive_value_number(&key->values[i], &number);
		(void)hive_value_filetime(&key->values[i]);
	}
	return STATUS_OK;
}

static void read_hive(struct parse_context *ctx, const struct source *source)
{
	CLEANUP(hive_close_p) struct hive *hive = NULL;
	struct failure why = FAILURE_NONE;

	if (hive_open(ctx, source, &hive, &why) != STATUS_OK)
		return;
	(void)hive_visit(ctx, hive, "**", read_all, NULL, &why);
	(void)hive_visit(ctx, hive, "*\\*", read_all, NULL, &why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_free_p) struct arena *arena = arena_new((size_t)64 << 20);
	struct parse_context ctx = { .arena = arena, .ops = &quiet_ops };
	struct source source = { .path = "/Windows/System32/config/SYSTEM" };
	struct cursor c = cursor_over(span_of(data, size), 0);
	uint32_t log_sizes[2];

	log_sizes[0] = cursor_u32le(&c);
	log_sizes[1] = cursor_u32le(&c);
	if (!arena || c.status < 0)
		return 0;
	for (size_t i = 0; i < 2; i++) {
		struct companion *companion = &source.companions[source.n_companions];
		const struct span log = cursor_take(&c, log_sizes[i]);

		if (c.status < 0 || log.size == 0 ||
		    stream_over_memory(log, &companion->stream, NULL) < 0)
			continue;
		companion->path = "log";
		source.n_companions++;
	}
	if (c.status >= 0 &&
	    stream_over_memory(cursor_take(&c, cursor_left(&c)), &source.stream, NULL) >= 0)
		read_hive(&ctx, &source);
	stream_close(source.stream);
	for (size_t i = 0; i < source.n_companions; i++)
		stream_close(source.companions[i].stream);
	return 0;
}
