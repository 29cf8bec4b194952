/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Amcache.hve, the inventory of programs, executables and drivers. Three generations of layout,
 * several of which may stand in one hive:
 *   Root\Programs\<program id>          Windows 8 to early 10: values 0 name, 1 version,
 *     2 publisher, 6 kind, 7 uninstall keys, a install time and b uninstall time (QWORD or DWORD,
 *     seconds since 1970; 0 is none), d folders, f or 11 product code, 12 package code
 *   Root\File\<volume>\<reference>      values 0 product, 1 company, 2 or 5 version, f link time,
 *     11 modified, 12 created, 15 path, 17 modified, 100 program id, 101 "0000" + SHA-1
 *   Root\InventoryApplication\<id>, Root\InventoryApplicationFile\<id>,
 *   Root\InventoryDriverBinary\<path>   Windows 10 1607 on, named values
 * Source: libyal dtformats, AMCache file format; ANSSI, "Analysis of the AmCache" (2019).
 *
 * Times: InstallDate is text "MM/DD/YYYY hh:mm:ss" in UTC (checked: value a of the same program in
 * the same hive is the same second); 00:00:00 comes from a bare day and is a local day. A key's
 * last-written time tells when the inventory ran, not when the program came. Modification and
 * link times are the file's own: set when it was built, they date no installation and no run.
 */
#include "parsers/base/text.h"
#include "parsers/registry/registry_trace.h"

enum {
	NAME,
	VERSION,
	PUBLISHER,
	CODE,
	PACKAGE_CODE,
	INSTALL_DATE,
	UNINSTALL_TIME,
	ROOT,
	PROGRAM_ID,
	SOURCE,
	UNINSTALL_KEY,
	UNINSTALL_STRING,
	INSTALL_DATE_MSI,
	LAYOUT,
	PROGRAM_N,
};

static const struct trace_field program_fields[] = {
	[NAME] = FIELD_A("name", PROGRAM, "Program"),
	[VERSION] = FIELD_A("version", VERSION, "Version"),
	[PUBLISHER] = FIELD_A("publisher", PUBLISHER, "Publisher"),
	[CODE] = FIELD_A("code", PRODUCT_CODE, "Product code"),
	[PACKAGE_CODE] = FIELD("package_code", TEXT, "Package code"),
	[INSTALL_DATE] = FIELD("install_date", INSTANT, "Installed"),
	[UNINSTALL_TIME] = FIELD("uninstall_time", INSTANT, "Noticed as uninstalled"),
	[ROOT] = FIELD_A("root", PATH, "Folder"),
	[PROGRAM_ID] = FIELD("program_id", TEXT, "Program id"),
	[SOURCE] = FIELD("source", TEXT, "Kind"),
	[UNINSTALL_KEY] = FIELD("uninstall_key", TEXT, "Uninstall key"),
	[UNINSTALL_STRING] = FIELD("uninstall_string", TEXT, "Uninstall command"),
	[INSTALL_DATE_MSI] = FIELD("install_date_msi", INSTANT, "Installed (Windows Installer)"),
	[LAYOUT] = FIELD("layout", TEXT, "Layout"),
	REGISTRY_FIELDS,
};

static const struct trace_type program_type = {
	.name = "windows.amcache.program",
	.message = "The inventory knew {name} {version} by {publisher}",
	.fields = program_fields,
};

enum {
	PATH,
	MODIFIED,
	CREATED,
	LINKED,
	SHA1,
	PRODUCT,
	COMPANY,
	FILE_VERSION,
	FILE_PROGRAM_ID,
	SIZE,
	FILE_DESCRIPTION,
	FILE_REFERENCE,
	FILE_LAYOUT,
	FILE_N,
};

static const struct trace_field file_fields[] = {
	[PATH] = FIELD_A("path", PATH, "File"),
	[MODIFIED] = FIELD("modified", INSTANT, "File modified"),
	[CREATED] = FIELD("created", INSTANT, "File created"),
	[LINKED] = FIELD("linked", INSTANT, "File linked"),
	[SHA1] = FIELD("sha1", TEXT, "SHA-1"),
	[PRODUCT] = FIELD_A("product", FILE_PRODUCT, "Product"),
	[COMPANY] = FIELD_A("company", FILE_COMPANY, "Company"),
	[FILE_VERSION] = FIELD("version", TEXT, "Version"),
	[FILE_PROGRAM_ID] = FIELD("program_id", TEXT, "Program id"),
	[SIZE] = FIELD("size", TEXT, "Size"),
	[FILE_DESCRIPTION] = FIELD("description", TEXT, "Description"),
	[FILE_REFERENCE] = FIELD("reference", TEXT, "File reference"),
	[FILE_LAYOUT] = FIELD("layout", TEXT, "Layout"),
	REGISTRY_FIELDS,
};

static const struct trace_type file_type = {
	.name = "windows.amcache.file",
	.message = "The inventory saw {path}[ ({product})][, by {company}]",
	.fields = file_fields,
};

enum {
	DRIVER_PATH,
	DRIVER_FILE,
	DRIVER_PRODUCT,
	DRIVER_COMPANY,
	DRIVER_VERSION,
	DRIVER_SERVICE,
	DRIVER_MODIFIED,
	DRIVER_LINKED,
	DRIVER_INF,
	DRIVER_SHA1,
	DRIVER_N,
};

static const struct trace_field driver_fields[] = {
	[DRIVER_PATH] = FIELD_A("path", PATH, "File"),
	[DRIVER_FILE] = FIELD_A("driver", DRIVER, "Driver"),
	[DRIVER_PRODUCT] = FIELD_A("product", FILE_PRODUCT, "Product"),
	[DRIVER_COMPANY] = FIELD_A("company", FILE_COMPANY, "Company"),
	[DRIVER_VERSION] = FIELD("version", TEXT, "Version"),
	[DRIVER_SERVICE] = FIELD_A("service", SERVICE, "Service"),
	[DRIVER_MODIFIED] = FIELD("modified", INSTANT, "File modified"),
	[DRIVER_LINKED] = FIELD("linked", INSTANT, "File linked"),
	[DRIVER_INF] = FIELD("inf", TEXT, "INF file"),
	[DRIVER_SHA1] = FIELD("sha1", TEXT, "SHA-1"),
	REGISTRY_FIELDS,
};

static const struct trace_type driver_type = {
	.name = "windows.amcache.driver",
	.message = "The inventory saw the driver {path}[ ({product})][, by {company}]",
	.fields = driver_fields,
};

static int digits(struct text text, size_t offset, size_t n)
{
	int value = 0;

	for (size_t i = offset; i < offset + n; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return -1;
		value = value * 10 + (text.data[i] - '0');
	}
	return value;
}

/* "MM/DD/YYYY hh:mm:ss"; unset when it is none. */
static struct value date_text(struct text text)
{
	static const char form[] = "00/00/0000 00:00:00";
	struct instant instant;

	if (text.size != sizeof(form) - 1)
		return (struct value){ .kind = VALUE_ABSENT };
	for (size_t i = 0; i < text.size; i++)
		if (form[i] != '0' && text.data[i] != form[i])
			return (struct value){ .kind = VALUE_ABSENT };

	const int year = digits(text, 6, 4), hour = digits(text, 11, 2);
	const int minute = digits(text, 14, 2), second = digits(text, 17, 2);
	const bool day_only = hour == 0 && minute == 0 && second == 0;

	/* digits gives -1 for what is no number, which is out of every range. */
	instant = instant_from_civil(year, digits(text, 0, 2), digits(text, 3, 2), hour, minute,
				     second, 0, day_only ? TICKS_PER_DAY : TICKS_PER_SECOND,
				     day_only ? ZONE_LOCAL : ZONE_UTC);
	if (instant.state != INSTANT_SET || year <= 1601)
		return (struct value){ .kind = VALUE_ABSENT };
	return value_instant(instant);
}

/* Text that is there and not empty. */
static struct value filled(struct parse_context *ctx, const struct hive_key *key, const char *name)
{
	const struct value value = key_text(ctx, key, name);

	return value.kind == VALUE_TEXT && value.text.size ? value : (struct value){ VALUE_ABSENT };
}

/* "0000" and 40 hexadecimal digits. */
static struct value sha1_of(struct parse_context *ctx, const struct hive_key *key, const char *name)
{
	struct text text = key_text(ctx, key, name).text;

	if (text.size != 44 || memcmp(text.data, "0000", 4) != 0)
		return (struct value){ .kind = VALUE_ABSENT };
	return value_text((struct text){ text.data + 4, text.size - 4 });
}

static enum status read_old_program(struct parse_context *ctx, struct hive *hive,
				    const struct hive_key *key, void *payload, struct failure *why)
{
	struct value values[PROGRAM_N + REGISTRY_TAIL] = { 0 };

	(void)payload;
	values[NAME] = filled(ctx, key, "0");
	values[VERSION] = filled(ctx, key, "1");
	values[PUBLISHER] = filled(ctx, key, "2");
	values[SOURCE] = filled(ctx, key, "6");
	values[UNINSTALL_KEY] = filled(ctx, key, "7");
	values[INSTALL_DATE] = key_unix(key, "a");
	values[UNINSTALL_TIME] = key_unix(key, "b");
	values[ROOT] = filled(ctx, key, "d");
	values[CODE] = filled(ctx, key, "f");
	if (values[CODE].kind == VALUE_ABSENT)
		values[CODE] = filled(ctx, key, "11");
	values[PACKAGE_CODE] = filled(ctx, key, "10");
	values[PROGRAM_ID] = value_text(key->name);
	values[LAYOUT] = value_text(TEXT("programs"));
	return emit_key(ctx, hive, key, NULL, &program_type, values, why);
}

static enum status read_old_file(struct parse_context *ctx, struct hive *hive,
				 const struct hive_key *key, void *payload, struct failure *why)
{
	struct value values[FILE_N + REGISTRY_TAIL] = { 0 };

	(void)payload;
	values[PATH] = filled(ctx, key, "15");
	values[MODIFIED] = key_filetime(key, "17");
	if (values[MODIFIED].kind == VALUE_ABSENT)
		values[MODIFIED] = key_filetime(key, "11");
	values[CREATED] = key_filetime(key, "12");
	values[LINKED] = key_unix(key, "f");
	values[SHA1] = sha1_of(ctx, key, "101");
	values[PRODUCT] = filled(ctx, key, "0");
	values[COMPANY] = filled(ctx, key, "1");
	values[FILE_VERSION] = filled(ctx, key, "5");
	values[FILE_DESCRIPTION] = filled(ctx, key, "c");
	values[FILE_PROGRAM_ID] = filled(ctx, key, "100");
	values[FILE_REFERENCE] = value_text(key->name);
	values[FILE_LAYOUT] = value_text(TEXT("file"));
	if (values[PATH].kind == VALUE_ABSENT)
		return STATUS_OK;
	return emit_key(ctx, hive, key, NULL, &file_type, values, why);
}

static enum status read_program(struct parse_context *ctx, struct hive *hive,
				const struct hive_key *key, void *payload, struct failure *why)
{
	struct value values[PROGRAM_N + REGISTRY_TAIL] = { 0 };

	(void)payload;
	values[NAME] = filled(ctx, key, "Name");
	values[VERSION] = filled(ctx, key, "Version");
	values[PUBLISHER] = filled(ctx, key, "Publisher");
	values[CODE] = filled(ctx, key, "MsiProductCode");
	values[PACKAGE_CODE] = filled(ctx, key, "MsiPackageCode");
	values[INSTALL_DATE] = date_text(key_text(ctx, key, "InstallDate").text);
	values[INSTALL_DATE_MSI] = date_text(key_text(ctx, key, "InstallDateMsi").text);
	values[ROOT] = filled(ctx, key, "RootDirPath");
	values[PROGRAM_ID] = value_text(key->name);
	values[SOURCE] = filled(ctx, key, "Source");
	values[UNINSTALL_KEY] = filled(ctx, key, "RegistryKeyPath");
	values[UNINSTALL_STRING] = filled(ctx, key, "UninstallString");
	values[LAYOUT] = value_text(TEXT("inventory"));
	return emit_key(ctx, hive, key, NULL, &program_type, values, why);
}

static enum status read_file(struct parse_context *ctx, struct hive *hive,
			     const struct hive_key *key, void *payload, struct failure *why)
{
	struct value values[FILE_N + REGISTRY_TAIL] = { 0 };

	(void)payload;
	values[PATH] = filled(ctx, key, "LowerCaseLongPath");
	values[LINKED] = date_text(key_text(ctx, key, "LinkDate").text);
	values[SHA1] = sha1_of(ctx, key, "FileId");
	values[PRODUCT] = filled(ctx, key, "ProductName");
	values[COMPANY] = filled(ctx, key, "Publisher");
	values[FILE_VERSION] = filled(ctx, key, "Version");
	values[FILE_PROGRAM_ID] = filled(ctx, key, "ProgramId");
	values[SIZE] = filled(ctx, key, "Size");
	values[FILE_LAYOUT] = value_text(TEXT("inventory"));
	if (values[PATH].kind == VALUE_ABSENT)
		return STATUS_OK;
	return emit_key(ctx, hive, key, NULL, &file_type, values, why);
}

static enum status read_driver(struct parse_context *ctx, struct hive *hive,
			       const struct hive_key *key, void *payload, struct failure *why)
{
	struct value values[DRIVER_N + REGISTRY_TAIL] = { 0 };

	(void)payload;
	values[DRIVER_PATH] = value_text(key->name);
	values[DRIVER_FILE] = filled(ctx, key, "DriverName");
	if (values[DRIVER_FILE].kind == VALUE_ABSENT)
		values[DRIVER_FILE] = value_text(path_last_name(key->name));
	values[DRIVER_PRODUCT] = filled(ctx, key, "Product");
	values[DRIVER_COMPANY] = filled(ctx, key, "DriverCompany");
	values[DRIVER_VERSION] = filled(ctx, key, "DriverVersion");
	values[DRIVER_SERVICE] = filled(ctx, key, "Service");
	values[DRIVER_MODIFIED] = date_text(key_text(ctx, key, "DriverLastWriteTime").text);
	values[DRIVER_LINKED] = key_unix(key, "DriverTimeStamp");
	values[DRIVER_INF] = filled(ctx, key, "Inf");
	values[DRIVER_SHA1] = sha1_of(ctx, key, "DriverId");
	return emit_key(ctx, hive, key, NULL, &driver_type, values, why);
}

static enum status parse(struct parse_context *ctx, struct hive *hive, struct failure *why)
{
	static const struct key_place places[] = {
		{ "Root\\Programs\\*", read_old_program },
		{ "Root\\File\\*\\*", read_old_file },
		{ "Root\\InventoryApplication\\*", read_program },
		{ "Root\\InventoryApplicationFile\\*", read_file },
		{ "Root\\InventoryDriverBinary\\*", read_driver },
	};

	return visit_places(visit_keys, ctx, hive, places, sizeof(places) / sizeof(*places),
			    NULL, why);
}

const struct parser amcache_parser = {
	.name = "windows.amcache",
	.title = "Amcache",
	.versions = "Windows 8 to 11, 7 with updates",
	.asserts = "The inventory saw the program or file on disk; value b tells by when it had "
		   "gone.",
	.paths = amcache_hives,
	.emits =
		(const struct trace_type *const[]){ &program_type, &file_type, &driver_type, NULL },
	.max_input = LIMIT_WHOLE_FILE,
	.parse_hive = parse,
};
