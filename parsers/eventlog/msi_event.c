/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events of Windows Installer, provider MsiInstaller, channel Application, Windows XP to 11
 * ("Event Logging" in the Windows Installer documentation; from version 4.0 the ids 1029 to 1042,
 * from 5.0 the manufacturer). Items have no names:
 *
 *   1033 installed, 1034 removed, 1035 changed   product, version, language, status, manufacturer
 *   1036, 1037 update installed, removed         product, version, language, update, status, manufacturer
 *   1038 restart required                        product, version, language, type, reason, manufacturer
 *   1029 restart deferred, 1005 restart begun    product
 *   1040, 1042 transaction begins, ends          path or product code, client process id;
 *                                                one item "a, b, ..." in some builds
 *   10000 + n                                    the text of MSI error message n: 11707 installed,
 *                                                11708 not installed, 11724 removed, 11725 not removed
 *
 * Binary begins with the product code as ASCII text (seen on Windows 7 to 10 samples; sometimes
 * followed by a hash and more). The time is when the act ended.
 */
#include "parsers/base/text.h"
#include "parsers/eventlog/families.h"

enum {
	MSI_PRODUCT = EVENT_FIELDS,
	MSI_VERSION,
	MSI_LANGUAGE,
	MSI_STATUS,
	MSI_MANUFACTURER,
	MSI_CODE,
	MSI_TRANSACTION,
	MSI_CLIENT,
	MSI_REBOOT_TYPE,
	MSI_REASON,
	MSI_UPDATE,
	MSI_TEXT,
};

const struct trace_type event_msi_type = {
	.name = "windows.event.msi",
	.message = "Windows Installer event {event_id}: {product} {version} {text}{transaction}"
		   "[ (status {status})]",
	.fields = (const struct trace_field[]){
		EVENT_COMMON_FIELDS,
		[MSI_PRODUCT] = { "product", VALUE_TEXT, ASPECT_PROGRAM, 0, "Product" },
		[MSI_VERSION] = { "version", VALUE_TEXT, ASPECT_VERSION, 0, "Version" },
		[MSI_LANGUAGE] = { "language", VALUE_TEXT, 0, 0, "Language" },
		[MSI_STATUS] = { "status", VALUE_UINT, 0, 0, "Status" },
		[MSI_MANUFACTURER] = { "manufacturer", VALUE_TEXT, ASPECT_PUBLISHER, 0,
				       "Manufacturer" },
		[MSI_CODE] = { "code", VALUE_TEXT, ASPECT_PRODUCT_CODE, 0, "Product code" },
		[MSI_TRANSACTION] = { "transaction", VALUE_TEXT, 0, 0, "Transaction of" },
		[MSI_CLIENT] = { "client", VALUE_UINT, 0, 0, "Client process" },
		[MSI_REBOOT_TYPE] = { "reboot_type", VALUE_UINT, 0, 0, "Restart type" },
		[MSI_REASON] = { "reason", VALUE_UINT, 0, 0, "Restart reason" },
		[MSI_UPDATE] = { "update", VALUE_TEXT, 0, 0, "Update" },
		[MSI_TEXT] = { "text", VALUE_TEXT, 0, 0, "Text" },
		{ 0 },
	},
};

enum { GUID_TEXT = 38 };

/* Upper-case copy of the "{8-4-4-4-12}" at data; {NULL, 0} if it is none. */
static struct text take_guid(struct arena *arena, const uint8_t *data, size_t size, size_t step)
{
	static const char shape[] = "{xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx}";
	char *copy;

	if (size < GUID_TEXT * step || !(copy = arena_alloc(arena, GUID_TEXT + 1)))
		return (struct text){ NULL, 0 };
	for (size_t i = 0; i < GUID_TEXT; i++) {
		const uint8_t c = data[i * step];
		const bool hex = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'f');

		if (shape[i] == 'x' ? !hex : c != (uint8_t)shape[i])
			return (struct text){ NULL, 0 };
		copy[i] = (char)(c >= 'a' && c <= 'f' ? c - 32 : c);
	}
	return (struct text){ copy, GUID_TEXT };
}

/* The first GUID text in the bytes, ASCII or UTF-16LE. */
static struct text find_guid(struct arena *arena, struct span bytes)
{
	for (size_t i = 0; i + GUID_TEXT <= bytes.size; i++) {
		if (bytes.data[i] != '{')
			continue;

		const size_t left = bytes.size - i;
		struct text guid = take_guid(arena, bytes.data + i, left, 1);

		if (!guid.data)
			guid = take_guid(arena, bytes.data + i, left, 2);
		if (guid.data)
			return guid;
	}
	return (struct text){ NULL, 0 };
}

static void refine_code(struct arena *arena, const struct event *event, struct value *values)
{
	struct text code = find_guid(arena, event->binary);

	/* Some messages name the product by its code only. */
	for (size_t i = 0; !code.data && i < event->n_items && i < 2; i++)
		code = find_guid(arena, span_of(event->items[i].value.data,
						event->items[i].value.size));
	values[MSI_CODE] = value_text(code);
}

/* "path, 1234, (NULL), ..." in one item, or path and number in two. */
static void refine_transaction(struct arena *arena, const struct event *event,
			       struct value *values)
{
	struct text whole = event_item_at(event, 1);
	struct text client = event_item_at(event, 2);
	uint64_t number;

	if (event->n_items == 1 && whole.data) {
		/* The number is the first item behind a comma that is one: paths hold commas too. */
		for (size_t i = 0; i + 2 < whole.size; i++) {
			size_t end = i + 2;

			if (whole.data[i] != ',' || whole.data[i + 1] != ' ')
				continue;
			while (end < whole.size && whole.data[end] != ',')
				end++;
			client = (struct text){ whole.data + i + 2, end - i - 2 };
			if (event_number(client, &number)) {
				whole.size = i;
				break;
			}
		}
	}
	values[MSI_TRANSACTION] = value_text(whole);
	if (event_number(client, &number))
		values[MSI_CLIENT] = value_uint(number);
	values[MSI_CODE] = value_text(find_guid(arena, span_of(whole.data, whole.size)));
}

/* "Product: <name> -- <what happened>", in any language: between the first ": " and the last " -- ". */
static void refine_text(struct arena *arena, const struct event *event, struct value *values)
{
	const struct text text = event_item_at(event, 1);
	size_t start = 0, end = text.size;

	refine_code(arena, event, values);
	if (!text.data)
		return;

	const char *colon = memmem(text.data, text.size, ": ", 2);

	if (colon)
		start = (size_t)(colon - text.data) + 2;
	while (end > start + 4 && memcmp(text.data + end - 4, " -- ", 4) != 0)
		end--;
	if (colon && end > start + 4)
		values[MSI_PRODUCT] = value_text((struct text){ text.data + start,
								end - 4 - start });
}

static const struct field_source product_sources[] = {
	{ MSI_PRODUCT, 1, NULL, TAKE_TEXT },	  { MSI_VERSION, 2, NULL, TAKE_TEXT },
	{ MSI_LANGUAGE, 3, NULL, TAKE_TEXT },	  { MSI_STATUS, 4, NULL, TAKE_UINT },
	{ MSI_MANUFACTURER, 5, NULL, TAKE_TEXT }, { 0 },
};

static const struct field_source update_sources[] = {
	{ MSI_PRODUCT, 1, NULL, TAKE_TEXT },  { MSI_VERSION, 2, NULL, TAKE_TEXT },
	{ MSI_LANGUAGE, 3, NULL, TAKE_TEXT }, { MSI_UPDATE, 4, NULL, TAKE_TEXT },
	{ MSI_STATUS, 5, NULL, TAKE_UINT },   { MSI_MANUFACTURER, 6, NULL, TAKE_TEXT },
	{ 0 },
};

static const struct field_source reboot_sources[] = {
	{ MSI_PRODUCT, 1, NULL, TAKE_TEXT },	 { MSI_VERSION, 2, NULL, TAKE_TEXT },
	{ MSI_LANGUAGE, 3, NULL, TAKE_TEXT },	 { MSI_REBOOT_TYPE, 4, NULL, TAKE_UINT },
	{ MSI_REASON, 5, NULL, TAKE_UINT },	 { MSI_MANUFACTURER, 6, NULL, TAKE_TEXT },
	{ 0 },
};

static const struct field_source name_sources[] = { { MSI_PRODUCT, 1, NULL, TAKE_TEXT }, { 0 } };
static const struct field_source text_sources[] = { { MSI_TEXT, 1, NULL, TAKE_TEXT }, { 0 } };

#define MSI "MsiInstaller", NULL

const struct event_rule msi_rules[] = {
	{ MSI, 1005, 1005, &event_msi_type, name_sources, refine_code },
	{ MSI, 1029, 1029, &event_msi_type, name_sources, refine_code },
	{ MSI, 1033, 1035, &event_msi_type, product_sources, refine_code },
	{ MSI, 1036, 1037, &event_msi_type, update_sources, refine_code },
	{ MSI, 1038, 1038, &event_msi_type, reboot_sources, refine_code },
	{ MSI, 1040, 1040, &event_msi_type, NULL, refine_transaction },
	{ MSI, 1042, 1042, &event_msi_type, NULL, refine_transaction },
	{ MSI, 10000, 13000, &event_msi_type, text_sources, refine_text },
	{ 0 },
};
