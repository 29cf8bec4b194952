/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Windows Installer's own books in a SOFTWARE hive (GUIDs packed, see packed_guid.h):
 *   Microsoft\Windows\CurrentVersion\Installer\UserData\<SID>\Products\<product>\InstallProperties
 *     per installation: name, version, publisher, local day of the last service
 *   Classes\Installer\Products\<product>       what is advertised to the machine
 *     (per user: Software\Microsoft\Installer\Products)
 *   Microsoft\Windows\CurrentVersion\Installer\UpgradeCodes\<upgrade> and
 *   Classes\Installer\UpgradeCodes\<upgrade>   value names are the products of that family
 * A successful removal deletes all of them.
 * Source: learn.microsoft.com/windows/win32/msi (product, package and upgrade codes);
 * installed-packages layout compared with exports of live machines.
 */
#include "parsers/registry/install_date.h"
#include "parsers/base/packed_guid.h"
#include "parsers/registry/registry_trace.h"

enum {
	CODE,
	NAME,
	VERSION,
	PUBLISHER,
	INSTALL_DATE,
	INSTALL_LOCATION,
	INSTALL_SOURCE,
	LOCAL_PACKAGE,
	SID,
	PRODUCT_N,
};

static const struct trace_field product_fields[] = {
	[CODE] = FIELD_A("code", PRODUCT_CODE, "Product code"),
	[NAME] = FIELD_A("name", PROGRAM, "Program"),
	[VERSION] = FIELD_A("version", VERSION, "Version"),
	[PUBLISHER] = FIELD_A("publisher", PUBLISHER, "Publisher"),
	[INSTALL_DATE] = FIELD("install_date", INSTANT, "Last installed or serviced (day)"),
	[INSTALL_LOCATION] = FIELD_A("install_location", PATH, "Folder"),
	[INSTALL_SOURCE] = FIELD("install_source", TEXT, "Installed from"),
	[LOCAL_PACKAGE] = FIELD("local_package", TEXT, "Cached package"),
	[SID] = FIELD("sid", TEXT, "Installed for"),
	REGISTRY_FIELDS,
};

static const struct trace_type product_type = {
	.name = "windows.registry.msi-product",
	.message = "Windows Installer knows {name} {version}[ by {publisher}][ ({code})] as installed",
	.fields = product_fields,
};

enum { CLASS_CODE, CLASS_NAME, CLASS_VERSION, CLASS_PACKAGE, CLASS_USER, CLASS_N };

static const struct trace_field class_fields[] = {
	[CLASS_CODE] = FIELD_A("code", PRODUCT_CODE, "Product code"),
	[CLASS_NAME] = FIELD_A("name", PROGRAM, "Program"),
	[CLASS_VERSION] = FIELD("version", UINT, "Version"),
	[CLASS_PACKAGE] = FIELD("package_code", TEXT, "Package code"),
	[CLASS_USER] = FIELD("user", TEXT, "User"),
	REGISTRY_FIELDS,
};

static const struct trace_type class_type = {
	.name = "windows.registry.msi-class",
	.message = "Windows Installer advertises {name}[ ({code})]",
	.fields = class_fields,
};

enum { UPGRADE_CODE, UPGRADE_PRODUCT, UPGRADE_N };

static const struct trace_field upgrade_fields[] = {
	[UPGRADE_CODE] = FIELD_A("upgrade_code", UPGRADE_CODE, "Upgrade code"),
	[UPGRADE_PRODUCT] = FIELD_A("code", PRODUCT_CODE, "Product code"),
	REGISTRY_FIELDS,
};

static const struct trace_type upgrade_type = {
	.name = "windows.registry.msi-upgrade",
	.message = "Product {code} is registered in the family {upgrade_code}",
	.fields = upgrade_fields,
};

static enum status read_product(struct parse_context *ctx, struct hive *hive,
				const struct hive_key *key, void *payload, struct failure *why)
{
	struct value values[PRODUCT_N + REGISTRY_TAIL] = { 0 };
	struct instant day;

	(void)payload;
	values[CODE] = value_text(guid_from_packed(ctx->arena, path_component_back(key->path, 1)));
	values[NAME] = key_text(ctx, key, "DisplayName");
	values[VERSION] = key_text(ctx, key, "DisplayVersion");
	values[PUBLISHER] = key_text(ctx, key, "Publisher");
	values[INSTALL_LOCATION] = key_text(ctx, key, "InstallLocation");
	values[INSTALL_SOURCE] = key_text(ctx, key, "InstallSource");
	values[LOCAL_PACKAGE] = key_text(ctx, key, "LocalPackage");
	values[SID] = value_text(path_component_back(key->path, 3));
	day = install_date_parse(key_text(ctx, key, "InstallDate").text);
	if (day.state == INSTANT_SET)
		values[INSTALL_DATE] = value_instant(day);
	return emit_key(ctx, hive, key, NULL, &product_type, values, why);
}

static enum status read_class(struct parse_context *ctx, struct hive *hive,
			      const struct hive_key *key, void *payload, struct failure *why)
{
	struct value values[CLASS_N + REGISTRY_TAIL] = { 0 };
	const struct text package = key_text(ctx, key, "PackageCode").text;

	(void)payload;
	values[CLASS_CODE] = value_text(guid_from_packed(ctx->arena, key->name));
	values[CLASS_NAME] = key_text(ctx, key, "ProductName");
	values[CLASS_VERSION] = key_number(key, "Version");
	if (package.data)
		values[CLASS_PACKAGE] = value_text(guid_from_packed(ctx->arena, package));
	values[CLASS_USER] = hive_user(ctx, hive);
	return emit_key(ctx, hive, key, NULL, &class_type, values, why);
}

static enum status read_upgrade(struct parse_context *ctx, struct hive *hive,
				const struct hive_key *key, void *payload, struct failure *why)
{
	const struct text upgrade = guid_from_packed(ctx->arena, key->name);
	enum status status = STATUS_OK;

	(void)payload;
	for (size_t i = 0; status >= 0 && i < key->n_values; i++) {
		struct value values[UPGRADE_N + REGISTRY_TAIL] = { 0 };
		const struct text product = guid_from_packed(ctx->arena, key->values[i].name);

		if (!product.data)
			continue;
		values[UPGRADE_CODE] = value_text(upgrade);
		values[UPGRADE_PRODUCT] = value_text(product);
		status = emit_key(ctx, hive, key, &key->values[i], &upgrade_type, values, why);
	}
	return status;
}

static enum status parse(struct parse_context *ctx, struct hive *hive, struct failure *why)
{
	static const struct key_place places[] = {
		{ "Microsoft\\Windows\\CurrentVersion\\Installer\\UserData\\*\\Products\\*\\"
		  "InstallProperties",
		  read_product },
		{ "Classes\\Installer\\Products\\*", read_class },
		{ "Microsoft\\Installer\\Products\\*", read_class },
		{ "Microsoft\\Windows\\CurrentVersion\\Installer\\UpgradeCodes\\*", read_upgrade },
		{ "Classes\\Installer\\UpgradeCodes\\*", read_upgrade },
	};

	return visit_places(visit_software, ctx, hive, places, sizeof(places) / sizeof(*places),
			    NULL, why);
}

const struct parser msi_product_parser = {
	.name = "windows.registry.msi",
	.title = "Windows Installer registrations",
	.versions = "Windows 2000 to 11",
	.asserts = "The package is installed; InstallDate is the local day of its last service.",
	.paths = software_and_user_hives,
	.emits = (const struct trace_type *const[]){ &product_type, &class_type, &upgrade_type,
						     NULL },
	.max_input = LIMIT_WHOLE_FILE,
	.parse_hive = parse,
};
