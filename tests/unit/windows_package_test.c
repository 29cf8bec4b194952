/* SPDX-License-Identifier: Apache-2.0 */
/* Packages of Windows Installer: of wixl and of InstallShield, read by msiinfo too, and damaged. */
#include "file_support.h"

#include <unistd.h>

extern const struct parser installer_package_parser;

/* libolecf 20181231 forgets memory when it refuses a damaged file. Not ours to free. */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libolecf_";
}

struct seen {
	size_t n, n_lost;
	char values[6][256];
};

static const char *const fields[] = { "name", "version", "publisher", "code", "upgrade_code",
				      "package_code" };

static void see(struct heard *heard, const struct trace *trace)
{
	struct seen *seen = heard->payload;

	for (size_t i = 0; i < 6; i++) {
		const struct text text = trace_text(trace, fields[i]);

		(void)snprintf(seen->values[i], sizeof(seen->values[i]), "%.*s", (int)text.size,
			       text.data ? text.data : "");
	}
	seen->n++;
}

static enum status parse(struct span bytes, struct seen *seen)
{
	struct heard heard;

	*seen = (struct seen){ 0 };

	const enum status status = hear_file(&installer_package_parser, "/Windows/Installer/1a2b.msi",
					     bytes, see, seen, &heard);

	seen->n_lost = heard.n_lost;
	return status;
}

/* Rows wide: references of two bytes. `extra` goes behind the package. */
static struct span package(const char *extra)
{
	char command[4096];

	(void)snprintf(
		command, sizeof(command),
		"d=$(mktemp -d) && cd $d && echo x >f.txt && cat >p.wxs <<'END' && "
		"wixl -o p.msi p.wxs >/dev/null && cat p.msi %s; rm -r $d\n"
		"<?xml version=\"1.0\"?><Wix xmlns=\"http://schemas.microsoft.com/wix/2006/wi\">"
		"<Product Name=\"Example Suite\" Id=\"3F6E8D2B-3A61-4C1E-9B77-2D0C8A4E1F93\" "
		"UpgradeCode=\"E0D9E8A5-76E2-4E16-A5CB-40351454B0D4\" Language=\"1033\" "
		"Version=\"10.2.6.3733\" Manufacturer=\"Example Org\"><Package Id=\"*\" "
		"Description=\"Example package\" InstallerVersion=\"100\" Compressed=\"yes\"/>"
		"<Media Id=\"1\" Cabinet=\"a.cab\" EmbedCab=\"yes\"/>"
		"<Directory Id=\"TARGETDIR\" Name=\"SourceDir\"><Component Id=\"c\" "
		"Guid=\"3F6E8D2B-3A61-4C1E-9B77-2D0C8A4E1F94\"><File Id=\"f\" Name=\"f.txt\" "
		"Source=\"f.txt\"/></Component></Directory>"
		"<Feature Id=\"F\" Level=\"1\"><ComponentRef Id=\"c\"/></Feature></Product></Wix>\n"
		"END\n", extra);
	return bytes_of_command(command);
}

/* The package code is made afresh by wixl: msiinfo of the same file is asked for it. */
static void what_msiinfo_reads_is_read(void **state)
{
	static const char *const expected[] = { "Example Suite", "10.2.6.3733", "Example Org",
						"{3F6E8D2B-3A61-4C1E-9B77-2D0C8A4E1F93}",
						"{E0D9E8A5-76E2-4E16-A5CB-40351454B0D4}" };
	const struct span both = package("&& msiinfo suminfo p.msi | grep -o '{.*}' && "
					 "msiinfo export p.msi Property");
	const char *tail = (const char *)both.data + both.size;
	struct seen seen;

	(void)state;
	assert_int_equal(parse(both, &seen), STATUS_OK);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.n_lost, 0);
	for (size_t i = 0; i < 5; i++)
		assert_string_equal(seen.values[i], expected[i]);
	assert_int_equal(strlen(seen.values[5]), 38);
	assert_non_null(memmem(tail - 600, 600, seen.values[5], 38));
	for (size_t i = 0; i < 5; i++)
		assert_non_null(memmem(tail - 600, 600, expected[i], strlen(expected[i])));
	span_free(both);
}

/* One that InstallShield 2010 built, out of the setup program that clamav-testfiles brings. */
static void what_installshield_built_is_read(void **state)
{
	static const char setup[] = "/usr/share/clamav-testfiles/clam_ISmsi_ext.exe";
	char command[1024];
	const char *tail;
	struct seen seen;

	(void)state;
	if (access(setup, R_OK) != 0) {
		print_message("no %s: skipped\n", setup);
		skip();
	}
	(void)snprintf(command, sizeof(command),
		       "d=$(mktemp -d) && python3 %s/packed_msi.py %s >$d/p.msi && cat $d/p.msi && "
		       "msiinfo suminfo $d/p.msi | grep -o '{.*}' && "
		       "msiinfo export $d/p.msi Property | grep -a '^[PUM][rpa][ogn]'; rm -r $d",
		       AVOUCH_UNIT_TESTS, setup);

	const struct span both = bytes_of_command(command);

	assert_int_equal(parse(both, &seen), STATUS_OK);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.n_lost, 0);
	tail = (const char *)both.data + both.size - 400;
	assert_string_equal(seen.values[0], "clam");
	for (size_t i = 0; i < 6; i++) {
		assert_true(seen.values[i][0] != '\0');
		assert_non_null(memmem(tail, 400, seen.values[i], strlen(seen.values[i])));
	}
	span_free(both);
}

/* Cut anywhere and with bytes that lie: what comes is a status, never a crash. */
static void damaged_packages_end(void **state)
{
	const struct span bytes = package("");
	uint8_t *copy = malloc(bytes.size);
	uint64_t random = 7;
	struct seen seen;

	(void)state;
	assert_non_null(copy);
	for (size_t round = 0; round < 3000; round++) {
		memcpy(copy, bytes.data, bytes.size);
		for (size_t i = 0; i < 1 + round % 8; i++)
			copy[8 + next_random(&random) % (bytes.size - 8)] =
				(uint8_t)next_random(&random);
		(void)!parse(span_of(copy, bytes.size), &seen);
	}
	for (size_t size = 0; size < bytes.size; size += 61)
		(void)!parse(span_of(copy, size), &seen);
	free(copy);
	span_free(bytes);
}

static void other_files_are_declined(void **state)
{
	struct seen seen;

	(void)state;
	assert_int_equal(parse(span_of("", 0), &seen), STATUS_DECLINED);
	assert_int_equal(parse(span_of("words words words", 17), &seen), STATUS_DECLINED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_msiinfo_reads_is_read),
		cmocka_unit_test(what_installshield_built_is_read),
		cmocka_unit_test(damaged_packages_end),
		cmocka_unit_test(other_files_are_declined),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
