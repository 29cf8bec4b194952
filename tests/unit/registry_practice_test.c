/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registry parsers over the hives of whole practice computers, beside the corpus: what stands in
 * them live, and what recovery gives of products that are gone. Times from the truth that comes
 * with them and from reglookup 1.0.1 (key times).
 */
#include "parsers/filesystem/filesystem.h"
#include "parsers/stream/image.h"
#include "parsers/stream/partition.h"
#include "tests/unit/registry_support.h"

extern const struct parser autostart_parser, extension_parser, msi_product_parser, profile_parser,
	security_center_parser, service_parser, system_version_parser, task_cache_parser,
	uninstall_parser;

static const char software[] = "/Windows/System32/config/SOFTWARE";
static const char system_hive[] = "/Windows/System32/config/SYSTEM";

struct computer {
	struct image *image;
	struct stream *volume;
	struct filesystem *filesystem;
	struct arena *arena;
};

static void open_computer(struct computer *computer, const char *name)
{
	const char *corpus = getenv("AVOUCH_CORPUS");
	struct failure why = FAILURE_NONE;
	struct partition_table table;
	char path[1024];
	const char *paths[] = { path };

	memset(computer, 0, sizeof(*computer));
	(void)snprintf(path, sizeof(path), "%s/../practice/%s",
		       corpus ? corpus : "../shared/corpus", name);
	if (access(path, R_OK) != 0) {
		print_message("no practice image %s: skipped\n", path);
		skip();
	}
	computer->arena = arena_new((size_t)64 << 20);
	if (image_open(paths, 1, &computer->image, &why) < 0 ||
	    partition_table_read(computer->image->stream, computer->arena, &table, &why) < 0)
		fail_msg("%s: %s", path, why.text);
	for (size_t i = 0; i < table.n_partitions && !computer->filesystem; i++) {
		const struct partition *partition = &table.partitions[i];

		stream_close(computer->volume);
		computer->volume = NULL;
		if (stream_window(computer->image->stream, partition->offset, partition->size,
				  &computer->volume, &why) < 0)
			fail_msg("%s: %s", path, why.text);
		if (filesystem_open(computer->volume, &computer->filesystem, &why) == STATUS_OK &&
		    strcmp(filesystem_facts(computer->filesystem)->type, "ntfs") != 0) {
			filesystem_close(computer->filesystem);
			computer->filesystem = NULL;
		}
	}
	assert_non_null(computer->filesystem);
}

static void close_computer(struct computer *computer)
{
	filesystem_close(computer->filesystem);
	stream_close(computer->volume);
	image_close(computer->image);
	arena_free(computer->arena);
}

/* A whole file, to be freed; empty when there is none. */
static struct span file_of(struct computer *computer, const char *path, const char *suffix)
{
	char whole[256];
	struct failure why = FAILURE_NONE;
	struct stream *stream = NULL;
	uint8_t *data;
	size_t size;

	(void)snprintf(whole, sizeof(whole), "%s%s", path, suffix);
	if (filesystem_open_path(computer->filesystem, computer->arena, whole, &stream, &why) !=
	    STATUS_OK)
		return (struct span){ NULL, 0 };
	size = (size_t)stream->size;
	data = malloc(size ? size : 1);
	assert_non_null(data);
	if (stream_read(stream, 0, data, size, &why) < 0)
		fail_msg("%s: %s", whole, why.text);
	stream_close(stream);
	return span_of(data, size);
}

static void see_hive_of(struct seen *seen, struct computer *computer, const char *path)
{
	memset(seen, 0, sizeof(*seen));
	assert_true(open_files(&seen->opened, path, file_of(computer, path, ""),
			       file_of(computer, path, ".LOG1"),
			       file_of(computer, path, ".LOG2")) >= 0);
	seen->opened.ctx.ops = &seeing_ops;
	seen->opened.ctx.payload = seen;
}

static void an_installed_product_is_seen_everywhere(void **state)
{
	struct computer computer;
	struct seen seen;

	(void)state;
	open_computer(&computer, "P02.E01");
	see_hive_of(&seen, &computer, software);
	see_parser(&seen, &uninstall_parser);
	see_parser(&seen, &msi_product_parser);
	see_parser(&seen, &security_center_parser);
	see_parser(&seen, &extension_parser);
	see_parser(&seen, &system_version_parser);
	see_parser(&seen, &profile_parser);
	assert_int_equal(count_lines(&seen, "windows.registry.msi-product",
				     "|code={E7012AFE-DB97-4B8B-9513-E98C0C3AACE3}|",
				     "|install_date=2018-06-11|"),
			 1);
	assert_int_equal(count_lines(&seen, "windows.registry.msi-class",
				     "|code={E7012AFE-DB97-4B8B-9513-E98C0C3AACE3}|",
				     "|recovery=allocated|"),
			 1);
	assert_true(count_lines(&seen, "windows.registry.uninstall",
				"|name=Kaspersky Endpoint Security for Windows|",
				"|recovery=allocated|") >= 1);
	assert_int_equal(count_lines(&seen, "windows.registry.security-center",
				     "|kind=Av|guid={86367591-4BE4-AE08-2FD9-7FCB8259CD98}|",
				     "|state=266240|"),
			 1);
	assert_int_equal(count_lines(&seen, "windows.registry.shell-extension",
				     "|clsid={9B9F6E01-A5CF-4269-B245-CFF66A7DAEBD}|",
				     "\\shellex.dll|"),
			 1);
	assert_int_equal(count_lines(&seen, "windows.system.version",
				     "|product_name=Windows 10 Enterprise|",
				     "|installed=2018-04-20T15:00:00Z|"),
			 1);
	assert_int_equal(count_lines(&seen, "windows.system.sid",
				     "|machine_sid=S-1-5-21-2878565128-2825412413-1820174632|",
				     "|basis=profile|"),
			 1);
	unsee(&seen);
	close_computer(&computer);
}

static void a_removed_product_is_recovered_with_the_bound_of_its_removal(void **state)
{
	struct computer computer;
	struct seen seen;

	(void)state;
	open_computer(&computer, "P01.E01");
	see_hive_of(&seen, &computer, software);
	see_parser(&seen, &uninstall_parser);
	see_parser(&seen, &msi_product_parser);
	see_parser(&seen, &task_cache_parser);
	assert_int_equal(count_lines(&seen, "windows.registry.msi-class",
				     "|code={5F6E8D2B-3A61-4C1E-9B77-2D0C8A4E1F93}|",
				     "|container_last_written=2017-12-05T16:48:17"),
			 1);
	assert_true(count_lines(&seen, "windows.registry.uninstall",
				"|name=Kaspersky Internet Security|version=18.0.0.405|",
				"|recovery=deleted|") >= 1);
	assert_int_equal(count_lines(&seen, "windows.registry.uninstall",
				     "|name=Kaspersky Internet Security|", "|recovery=allocated|"),
			 0);
	unsee(&seen);
	see_hive_of(&seen, &computer, system_hive);
	see_parser(&seen, &service_parser);
	assert_int_equal(count_lines(&seen, "windows.registry.service", "|name=klif|",
				     "|container_last_written=2017-12-05T16:47:59"),
			 1);
	unsee(&seen);
	close_computer(&computer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_installed_product_is_seen_everywhere),
		cmocka_unit_test(a_removed_product_is_recovered_with_the_bound_of_its_removal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
